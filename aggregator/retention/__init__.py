"""The retention step: what of old entries goes, and what stays for ever."""
