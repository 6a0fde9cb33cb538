"""The commands: the only place that reads the clock, prints and sets exit codes."""

import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from aggregator import __version__
from aggregator.cli import running, subscriptions, upkeep
from aggregator.cli.common import Options
from aggregator.errors import AggregatorError, ConfigError

app = typer.Typer(
    name="aggregator",
    help="English tech feeds in, one Japanese feed out.",
    epilog="Exit codes: 0 done, though single feeds may have failed (see status); "
    "1 a crash or a failed request; 2 settings or feeds.opml; 3 no translation engine; "
    "4 store locked, newer or damaged; "
    "5 output cannot be written; 6 every poll failed.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
for commands in (running, subscriptions, upkeep):
    app.add_typer(commands.app)


def _print_version(wanted: bool) -> None:
    if wanted:
        print(f"aggregator {__version__}")
        raise typer.Exit


@app.callback()
def options(
    context: typer.Context,
    config: Annotated[Path | None, typer.Option(help="Settings file (default: aggregator.toml).")] = None,
    opml: Annotated[str | None, typer.Option(help="The list of feeds.")] = None,
    store: Annotated[str | None, typer.Option(help="The database file.")] = None,
    output: Annotated[str | None, typer.Option(help="Folder for feeds and pages.")] = None,
    engine: Annotated[str | None, typer.Option(help="auto | firefox | llamacpp | none")] = None,
    setting: Annotated[
        list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="Any other setting; repeatable.")
    ] = None,
    verbose: Annotated[bool, typer.Option("--verbose", "-v", help="Log what happens.")] = False,
    version: Annotated[  # noqa: ARG001 - done when it is read
        bool, typer.Option("--version", is_eager=True, callback=_print_version, help="Print the version.")
    ] = False,
) -> None:
    """Read what stands before the command."""
    _start_logging(verbose=verbose)
    flags = dict(_pair(text) for text in setting or ())
    named = {"opml": opml, "store": store, "output": output, "engine": engine}
    flags |= {key: value for key, value in named.items() if value is not None}
    file = config or (Path(os.environ["AGGREGATOR_CONFIG"]) if os.environ.get("AGGREGATOR_CONFIG") else None)
    context.obj = Options(file, flags)


def _pair(text: str) -> tuple[str, str]:
    key, equals, value = text.partition("=")
    if not equals:
        raise ConfigError(f"--set {text}: expected KEY=VALUE")
    return key, value


def _start_logging(*, verbose: bool) -> None:
    import logging

    level = logging.INFO if verbose else logging.WARNING
    logging.basicConfig(
        level=level, format="%(asctime)s %(levelname)s %(name)s %(message)s", stream=sys.stderr
    )
    logging.getLogger("apscheduler").setLevel(logging.WARNING)


def main() -> None:
    """Run a command; an expected error is one line and its exit code."""
    try:
        app()
    except AggregatorError as error:
        print(f"aggregator: {error}", file=sys.stderr)
        sys.exit(error.exit_code)
