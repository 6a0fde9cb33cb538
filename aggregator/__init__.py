"""English tech news as one Japanese feed."""

__version__ = "0.1.0"
