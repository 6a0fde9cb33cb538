"""From the store to output/."""
