"""WebSub: being told by a feed's hub what is new, so that the feed need be asked less often."""
