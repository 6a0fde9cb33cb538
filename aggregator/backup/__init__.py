"""Backups: one file that holds the store and what belongs to it, made, tried and put back."""
