"""Kills and faults over real runs: what they are made of, for the tests and for bench/crash.py."""
