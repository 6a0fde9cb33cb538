"""One look at a feed: fetch, parse, decide, store."""
