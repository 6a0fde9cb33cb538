"""The demo: the same stages as ever over feeds of our own."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

from aggregator import files
from aggregator.config import Config
from aggregator.demo.leftovers import MARKER, mark
from aggregator.demo.server import DemoServer, opml
from aggregator.demo.stories import load
from aggregator.errors import OpmlError, PublishError
from aggregator.pipeline import StageReport
from aggregator.publish.place import addresses
from aggregator.session import Session
from aggregator.signals import wait_for_signal
from aggregator.stages import run_round
from aggregator.store import feeds as feed_rows
from aggregator.store import translations


def config(base: Config, port: int, explicit: set[str]) -> Config:
    """Return the settings of the demo: its own list and store beside the real ones, loopback allowed."""
    folder = base.store.parent
    output = base.output if "output" in explicit or _is_free(base.output) else folder / "demo-output"
    return replace(
        base,
        opml=folder / f"demo-{port}.opml",
        store=base.store if "store" in explicit else folder / "demo.sqlite",
        output=output,
        allow_private_hosts=True,
        host_spacing=timedelta(),
    )


def _is_free(output: Path) -> bool:
    """Tell whether the folder is empty or the demo's already, so that nothing real is overwritten."""
    if not output.exists() or (output / MARKER).exists():
        return True
    return all(path.name == ".gitkeep" for path in output.iterdir())


@contextmanager
def feeds(settings: Config, port: int) -> Iterator[DemoServer]:
    """Serve the demo's feeds while the block runs, and write the list that names them."""
    with DemoServer(port) as server:
        _lay_out(settings, port)
        yield server


def _lay_out(settings: Config, port: int) -> None:
    try:
        files.replace(settings.opml, opml(port))
    except OSError as error:
        raise OpmlError(f"{settings.opml}: cannot be written ({error.strerror})") from error
    try:
        mark(settings)
    except OSError as error:
        raise PublishError(f"{settings.output}: cannot be written ({error.strerror})") from error


def walk(
    session: Session, server: DemoServer, take_up: Callable[[Session], object], *, served: bool
) -> list[StageReport]:
    """Say what is to come, poll every feed of the demo, run all stages, and say what was done."""
    print(_outlook(session, served=served), flush=True)  # a slow model then works for minutes
    take_up(session)
    feed_rows.make_due(session.db, session.clock())
    reports = run_round(session)
    for line in _account(session, server, reports):
        print(line)
    return reports


def _outlook(session: Session, *, served: bool) -> str:
    known = load()
    place = addresses(session.db, session.config)["page"] if served else session.config.output
    number = sum(len(feed.stories) for feed in known)
    return f"{number} entries of {len(known)} feeds are to come, each once it is translated: {place}"


def _account(session: Session, server: DemoServer, reports: list[StageReport]) -> Iterator[str]:
    count = session.db.execute
    answers = ", ".join(f"{number} × {status}" for status, number in sorted(server.statuses.items()))
    yield f"\nfeeds     {session.db.table('feeds').count_where('listed = 1')} polled: {answers}"
    yield f"entries   {session.db.table('entries').count}"
    translated = sum(report.units for report in reports if report.name == "translate")
    seconds = sum(report.seconds for report in reports if report.name == "translate")
    yield f"translate {translated} entries tried now, in {seconds:.0f} s"
    for engine, model, number in count(
        """SELECT engine, model, count(*) FROM translations WHERE title IS NOT NULL
        GROUP BY 1, 2 ORDER BY 3 DESC"""
    ):
        yield f"          {number} by {engine} {model}".rstrip()
    for reason, number in translations.refusals(session.db):
        yield f"          {number} refused: {reason}"
    for state, number in count("SELECT state, count(*) FROM publications GROUP BY 1 ORDER BY 1"):
        yield f"published {number} {state}"
    yield f"output    {session.config.output}"


def serve_feeds(port: int) -> None:
    """Serve the feeds alone until a signal, after printing the list that names them."""
    with DemoServer(port):
        print(opml(port).decode(), flush=True)
        wait_for_signal()
