"""From English to Japanese, checked."""
