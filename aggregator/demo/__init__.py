"""Feeds of our own, served over loopback, to see the whole path work."""
