"""From an entry to the text a reader gets: article, then summary."""
