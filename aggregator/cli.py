"""The commands: the only place that reads the clock, prints and sets exit codes."""

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from aggregator import __version__
from aggregator.config import Config, load
from aggregator.errors import AggregatorError, ConfigError, OpmlError
from aggregator.times import from_text, parse_duration

if TYPE_CHECKING:
    from sqlite_utils import Database

    from aggregator.pipeline import Stage, StageReport
    from aggregator.stages import Session

EVERY_POLL_FAILED = 6

app = typer.Typer(
    name="aggregator",
    help="English tech feeds in, one Japanese feed out.",
    epilog="Exit codes: 0 done, though single feeds may have failed (see status); 1 a crash or a failed request; "
    "2 settings or feeds.opml; 3 no translation engine; 4 store locked, newer or damaged; "
    "5 output cannot be written; 6 every poll failed.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
models_app = typer.Typer(no_args_is_help=True, help="The model files of the translation engines.")
app.add_typer(models_app, name="models")

Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Wait = Annotated[str, typer.Option(help="How long to wait for another run over the same store.")]
Feed = Annotated[str, typer.Argument(help="The feed's address, its number in `list`, or a part of its title.")]


@dataclass(slots=True)
class Options:
    """What was given before the command."""

    config_file: Path | None
    flags: dict[str, str]

    def config(self) -> Config:
        """Read the settings."""
        return load(self.config_file, os.environ, self.flags)


@app.callback()
def options(  # noqa: PLR0913 - one parameter an option
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
    version: Annotated[bool, typer.Option("--version", help="Print the version and exit.")] = False,
) -> None:
    """Read what stands before the command."""
    if version:
        print(f"aggregator {__version__}")
        raise typer.Exit
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
    logging.basicConfig(level=level, format="%(asctime)s %(levelname)s %(name)s %(message)s", stream=sys.stderr)
    logging.getLogger("apscheduler").setLevel(logging.WARNING)


def clock() -> datetime:
    """Return the time; AGGREGATOR_NOW holds it still, for reproducible runs."""
    still = os.environ.get("AGGREGATOR_NOW")
    try:
        return from_text(still) if still else datetime.now(UTC)
    except ValueError as error:
        raise ConfigError(f"environment: AGGREGATOR_NOW = {still!r}: expected a time such as 2026-11-24T06:00:00Z") from error


@contextmanager
def _open(config: Config) -> Iterator["Database"]:
    from aggregator.store import open_store, store_errors

    with store_errors(config.store):
        db = open_store(config.store)
        try:
            yield db
        finally:
            db.close()


@contextmanager
def _session(config: Config, command: str, wait: str) -> Iterator["Session"]:
    """Hold the instance lock and the open store; ^C and SIGTERM finish the batch in hand."""
    from aggregator.demo.run import clear_leftovers
    from aggregator.lock import instance_lock
    from aggregator.report import watch
    from aggregator.signals import stop_on_signals
    from aggregator.stages import Session

    with instance_lock(config.store, f"aggregator {command}", _duration(wait)), _open(config) as db:
        clear_leftovers(config)
        session = Session(db=db, config=config, clock=clock, stop=stop_on_signals(), watch=watch)
        try:
            yield session
        finally:
            session.close()


def _duration(text: str) -> timedelta:
    try:
        return parse_duration(text)
    except ValueError as error:
        raise ConfigError(f"--wait: {error}") from error


def _take_up(session: "Session") -> OpmlError | None:
    """Read feeds.opml; where it cannot be read say so and go on with the feeds known so far."""
    from aggregator.stages import take_up_opml

    try:
        take_up_opml(session.db, session.config, clock)
    except OpmlError as error:
        print(f"aggregator: {error}", file=sys.stderr)
        return error
    return None


def _exit(reports: "list[StageReport]", refused: OpmlError | None, *, all_failed: bool = False) -> None:
    if any(report.crashes for report in reports):
        raise typer.Exit(AggregatorError.exit_code)
    if refused:
        raise typer.Exit(refused.exit_code)
    if all_failed:
        print("aggregator: every poll failed; is the network up? see: aggregator status", file=sys.stderr)
        raise typer.Exit(EVERY_POLL_FAILED)


# --- running ------------------------------------------------------------------------------------------------


@app.command()
def once(
    context: typer.Context,
    all_feeds: Annotated[bool, typer.Option("--all", help="Poll every feed now, due or not.")] = False,
    wait: Wait = "60s",
) -> None:
    """Poll what is due, translate and publish, then end: for cron.

    Example: */10 * * * * cd /srv/aggregator && .venv/bin/aggregator once
    """
    from aggregator.stages import run_round
    from aggregator.store import feeds

    config = context.obj.config()
    with _session(config, "once", wait) as session:
        started = clock()
        polls_before = feeds.last_poll_id(session.db)
        refused = _take_up(session)
        if all_feeds:
            feeds.make_due(session.db, started)
        reports = run_round(session)
        all_failed = feeds.all_failed_since(session.db, polls_before)
        _say_waiting(session)
    _exit(reports, refused, all_failed=all_failed)


def _say_waiting(session: "Session") -> None:
    from aggregator.translate.engines import why_not
    from aggregator.translate.stage import STAGE

    waiting = STAGE.backlog(session.db, session.config, clock())
    if waiting and not session.stop():
        print(f"{waiting} entries wait for a translation.")
        for line in why_not(session.config):
            print(f"  {line}")


@app.command()
def run(
    context: typer.Context,
    server: Annotated[bool, typer.Option(help="Serve the output too.")] = True,
    wait: Wait = "5s",
) -> None:
    """Poll, translate and publish for ever, and serve the output; ends cleanly on SIGTERM or ^C."""
    from contextlib import nullcontext

    from aggregator import daemon
    from aggregator.demo.run import clear_leftovers
    from aggregator.lock import instance_lock
    from aggregator.serve import Server

    config = context.obj.config()
    clear_leftovers(config)
    with instance_lock(config.store, "aggregator run", _duration(wait)), Server(config) if server else nullcontext():
        print(f"running; {_address(config)}" if server else "running", flush=True)
        daemon.run(config, clock)


@app.command()
def serve(context: typer.Context) -> None:
    """Serve the output folder until ^C."""
    from aggregator.serve import Server
    from aggregator.signals import wait_for_signal

    config = context.obj.config()
    with Server(config):
        print(f"serving {config.output} on {_address(config)}", flush=True)
        wait_for_signal()


def _address(config: Config) -> str:
    from aggregator.store import publications

    if config.visibility != "private":
        return config.site_url
    with _open(config) as db:
        return config.site_url + publications.private_path(db) + "/"


def _run_stages(context: typer.Context, command: str, wait: str, prepare: "Callable[[Session], None] | None", *stages: "Stage") -> None:
    from aggregator.store import feeds

    config = context.obj.config()
    with _session(config, command, wait) as session:
        polls_before = feeds.last_poll_id(session.db)
        refused = _take_up(session)
        if prepare:
            prepare(session)
        reports = [session.run(stage) for stage in stages]
        all_failed = feeds.all_failed_since(session.db, polls_before)
    _exit(reports, refused, all_failed=all_failed)


@app.command()
def poll(
    context: typer.Context,
    all_feeds: Annotated[bool, typer.Option("--all", help="Every feed now, but never before a Retry-After is over.")] = False,
    wait: Wait = "60s",
) -> None:
    """Poll the feeds that are due, and no more."""
    from aggregator.poll.stage import STAGE
    from aggregator.store import feeds

    def make_all_due(session: "Session") -> None:
        feeds.make_due(session.db, clock())

    _run_stages(context, "poll", wait, make_all_due if all_feeds else None, STAGE)


@app.command()
def translate(context: typer.Context, wait: Wait = "60s") -> None:
    """Summarise and translate what waits for it."""
    from aggregator.enrich.stage import ARTICLE, SUMMARY
    from aggregator.errors import EngineUnavailable
    from aggregator.translate import engines
    from aggregator.translate.stage import STAGE

    config = context.obj.config()
    if config.engine != "none" and not engines.ready(config):
        raise EngineUnavailable("; ".join(engines.why_not(config)))
    _run_stages(context, "translate", wait, None, ARTICLE, SUMMARY, STAGE)


@app.command()
def publish(context: typer.Context, wait: Wait = "60s") -> None:
    """Write feeds and pages from the store; a file is touched only where its bytes differ."""
    from aggregator.publish.stage import STAGE, forget_published

    _run_stages(context, "publish", wait, lambda session: forget_published(session.db), STAGE)


# --- feeds --------------------------------------------------------------------------------------------------


@app.command()
def add(
    context: typer.Context,
    url: Annotated[str, typer.Argument(help="A feed, or a site that names one.")],
    category: Annotated[str, typer.Option(help="Category in feeds.opml; a/b nests.")] = "",
    rights: Annotated[str, typer.Option(help="titles | excerpt | full (docs/rights.md)")] = "excerpt",
    rights_note: Annotated[str, typer.Option(help="Why more than an excerpt may be shown.")] = "",
) -> None:
    """Subscribe to a feed; a site's address is asked which feed it offers.

    Example: aggregator add https://blog.example.com --category 個人ブログ
    """
    from aggregator import subscribe

    config = context.obj.config()
    with _open(config) as db:
        added = subscribe.add(db, config, url, category=category, rights=rights, rights_note=rights_note, now=clock())
    print(f"added {added.title or added.url}")
    print(f"  {added.url} · {added.entries} entries · {added.category or 'no category'}")
    for other in added.others:
        print(f"  also offered there: {other}")


@app.command()
def remove(context: typer.Context, feed: Feed) -> None:
    """Take a feed out of feeds.opml; its entries stay."""
    _edit(context, feed, "removed", "remove")


@app.command()
def pause(context: typer.Context, feed: Feed) -> None:
    """Stop polling a feed until `resume`."""
    _edit(context, feed, "paused", "pause")


@app.command()
def resume(context: typer.Context, feed: Feed) -> None:
    """Poll a paused or gone feed again, at once."""
    _edit(context, feed, "resumed", "resume")


def _edit(context: typer.Context, feed: str, done: str, edit: str) -> None:
    from aggregator import subscribe

    config = context.obj.config()
    with _open(config) as db:
        print(f"{done} {subscribe.EDITS[edit](db, config, feed, clock())}")


@app.command("list")
def list_feeds(context: typer.Context, as_json: Json = False) -> None:
    """List the feeds with their state."""
    from aggregator.report import show
    from aggregator.store import feeds

    with _open(context.obj.config()) as db:
        rows = feeds.overview(db)
    show(rows, ("feed_id", "state", "title", "category", "entries", "last_poll_at", "next_poll_at", "failure", "listed_url"), as_json=as_json)


@app.command()
def status(context: typer.Context, as_json: Json = False) -> None:
    """Say at a glance what works, what does not and why."""
    from aggregator.report import facts, show
    from aggregator.status import collect

    config = context.obj.config()
    with _open(config) as db:
        overview, troubled = collect(db, config, clock())
    if as_json:
        facts({**overview, "troubled": troubled}, as_json=True)
        return
    facts(overview)
    if troubled:
        print()
        show(troubled, ("state", "title", "failures", "failure", "next_poll_at", "listed_url"))


@app.command()
def url(
    context: typer.Context,
    rotate: Annotated[bool, typer.Option("--rotate", help="Make a new private address; the old one ends.")] = False,
) -> None:
    """Print where the feeds are read."""
    from aggregator.store import publications

    config = context.obj.config()
    if rotate and config.visibility != "private":
        raise ConfigError("--rotate: visibility is not private")
    if rotate:
        with _open(config) as db:
            publications.private_path(db, rotate=True)
        _run_stages(context, "url --rotate", "60s", None, *_publish_stage())
    base = _address(config)
    for name in ("", "atom.xml", "rss.xml", "feed.json"):
        print(base + name)


def _publish_stage() -> "tuple[Stage, ...]":
    from aggregator.publish.stage import STAGE

    return (STAGE,)


# --- models, doctor, demo -----------------------------------------------------------------------------------


@models_app.command("list")
def models_list(context: typer.Context, as_json: Json = False) -> None:
    """List the engines, their models and whether they are ready."""
    from aggregator.report import show
    from aggregator.translate import models

    rows = models.overview(context.obj.config())
    show(rows, ("name", "model", "state", "download", "memory", "licence", "next"), as_json=as_json)


@models_app.command("pull")
def models_pull(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="firefox | llamacpp")] = "firefox",
    first_byte: Annotated[str, typer.Option(help="Give up where no byte came by then.")] = "30s",
) -> None:
    """Download an engine's model; a broken download goes on where it stopped."""
    from aggregator.report import download
    from aggregator.translate import models

    config = context.obj.config()
    plan = models.plan(name, config)
    print(f"{name}: {plan.sentence()}", flush=True)
    with download(name) as progress:
        path = models.pull(name, config, progress, _duration(first_byte))
    print(f"{name}: ready in {path}")


@models_app.command("test")
def models_test(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="firefox | llamacpp")] = "firefox",
) -> None:
    """Translate a sentence with an engine."""
    from aggregator.translate import models

    sample = models.test(name, context.obj.config())
    print(f"{sample.source}\n{sample.text}\n({sample.engine} {sample.model}, {sample.seconds:.1f} s with loading)")


@app.command()
def doctor(context: typer.Context) -> None:
    """Check settings, packages, store, disk, models and feeds.opml, and say the next step for each finding."""
    from aggregator.doctor import examine

    findings = examine(context.obj.config(), clock())
    for finding in findings:
        print(f"{'ok  ' if finding.ok else 'FAIL' if finding.serious else 'note'}  {finding.text}")
        if finding.next_step:
            print(f"      → {finding.next_step}")
    if any(finding.serious and not finding.ok for finding in findings):
        raise typer.Exit(1)


@app.command()
def demo(
    context: typer.Context,
    leave: Annotated[bool, typer.Option("--exit", help="End instead of serving the result.")] = False,
    feeds_only: Annotated[bool, typer.Option("--feeds-only", help="Serve the feeds alone; prints their OPML.")] = False,
    port: Annotated[int, typer.Option(help="Port of the demo's own feeds.")] = 8731,
) -> None:
    """Serve feeds of our own on this machine and run the whole path over them."""
    from aggregator.demo import run as demo_run

    options_: Options = context.obj
    if feeds_only:
        demo_run.serve_feeds(port)
        return
    config = demo_run.config(options_.config(), port, explicit={*options_.flags, *_environment_keys()})
    with demo_run.feeds(config, port) as server, _session(config, "demo", "60s") as session:
        reports = demo_run.walk(session, server, _take_up)
    _exit(reports, None)
    if not leave:
        serve_demo(config)


def _environment_keys() -> set[str]:
    return {name.removeprefix("AGGREGATOR_").lower() for name in os.environ if name.startswith("AGGREGATOR_")}


def serve_demo(config: Config) -> None:
    """Serve what the demo published until ^C."""
    from aggregator.serve import Server
    from aggregator.signals import wait_for_signal

    with Server(config):
        print(f"\nserved on {config.site_url} — end with ^C", flush=True)
        wait_for_signal()


def main() -> None:
    """Run a command; an expected error is one line and its exit code."""
    import click

    try:
        code = app(standalone_mode=False)
    except AggregatorError as error:
        print(f"aggregator: {error}", file=sys.stderr)
        code = error.exit_code
    except click.ClickException as error:
        error.show()
        code = error.exit_code
    except (click.Abort, KeyboardInterrupt):
        code = 130
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # the reader of a pipe went away
        code = 0
    sys.exit(code or 0)
