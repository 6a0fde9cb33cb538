"""`python -m aggregator` and the console script."""


def main() -> None:
    """Run the command line."""
    # Inside: a spawned worker loads this module again, and needs no commands.
    from aggregator.cli import main as run

    run()


if __name__ == "__main__":
    main()
