"""The commands: the only place that reads the clock, prints and sets exit codes."""

import io
import os
import sys
from pathlib import Path
from typing import Annotated, Literal

import typer

from aggregator import __version__
from aggregator.cli import (
    alerting,
    backups,
    glossaries,
    inspection,
    operating,
    remaking,
    rules,
    running,
    showing,
    subscriptions,
    takedowns,
    upkeep,
)
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
for commands in (
    running, showing, subscriptions, inspection, remaking, rules, takedowns, upkeep, operating, glossaries,
    backups, alerting,
):  # fmt: skip
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
    engine: Annotated[str | None, typer.Option(help="auto | none | engines in order: deepl,firefox")] = None,
    setting: Annotated[
        list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="Any other setting; repeatable.")
    ] = None,
    verbose: Annotated[bool, typer.Option("--verbose", "-v", help="Log what happens.")] = False,
    log_format: Annotated[
        Literal["text", "json"], typer.Option(help="How log lines look; json: one object a line.")
    ] = "text",
    log_file: Annotated[
        Path | None, typer.Option(help="Where they go instead of stderr: 10 MB, and three older ones.")
    ] = None,
    version: Annotated[  # noqa: ARG001 - done when it is read
        bool, typer.Option("--version", is_eager=True, callback=_print_version, help="Print the version.")
    ] = False,
) -> None:
    """Read what stands before the command."""
    _start_logging(log_format, log_file, verbose=verbose)
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


def _start_logging(form: Literal["text", "json"], file: Path | None, *, verbose: bool) -> None:
    import logging

    from aggregator import logs

    logs.start(logging.INFO if verbose else logging.WARNING, form, file, sys.stderr)


def main() -> None:
    """Run a command; an expected error is one line and its exit code."""
    _settle_streams()
    try:
        try:
            app()
        finally:
            sys.stdout.flush()  # here and not at exit, where a full disk could only be shown as a traceback
    except AggregatorError as error:
        print(f"aggregator: {error}", file=sys.stderr)
        sys.exit(error.exit_code)
    except BrokenPipeError:  # `aggregator list | head` has seen enough
        _discard_output()
        sys.exit(AggregatorError.exit_code)
    except OSError as error:
        _discard_output()
        print(f"aggregator: {error}", file=sys.stderr)
        sys.exit(AggregatorError.exit_code)


def _settle_streams() -> None:
    """Let feeds' titles be printed whatever the locale, and printing work where there is no output at all."""
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is None:
            setattr(sys, name, Path(os.devnull).open("w", encoding="utf-8"))  # noqa: SIM115 - for the whole run
        elif isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def _discard_output() -> None:
    """Send what is still unwritten nowhere, or the interpreter would try again as it ends."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
