"""`python -m aggregator` is the console script."""

from aggregator.cli import main

if __name__ == "__main__":
    main()
