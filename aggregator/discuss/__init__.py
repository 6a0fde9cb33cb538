"""The discussion around an entry."""
