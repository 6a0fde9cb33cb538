"""Broken input at random, for as long as FUZZ_SECONDS says."""
