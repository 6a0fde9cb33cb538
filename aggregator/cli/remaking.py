"""Commands about translations made again, and what engines cost."""

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Annotated

import typer

from aggregator.cli.common import Json, Wait, clock, leave, open_session, opened, take_up, take_up_list
from aggregator.config import Config
from aggregator.errors import ConfigError
from aggregator.faults import ENGINES

if TYPE_CHECKING:
    from sqlite_utils import Database

    from aggregator.again import Plan, Wanted

app = typer.Typer()


@app.command()
def retranslate(
    context: typer.Context,
    glossary_changed: Annotated[
        bool, typer.Option("--glossary-changed", help="What has a term in it that is rendered otherwise now.")
    ] = False,
    engine: Annotated[str | None, typer.Option(help="What this engine made.")] = None,
    feed: Annotated[str | None, typer.Option(help="A feed: address, number or part of its title.")] = None,
    entry: Annotated[str | None, typer.Option(help="An entry: its number or its original's address.")] = None,
    republish: Annotated[
        bool, typer.Option("--republish", help="Feeds carry it too: readers show these entries once more.")
    ] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say how much it is, and do nothing.")] = False,
    wait: Wait = "60s",
) -> None:
    """Translate again what is touched; pages show it, feeds stay as they are without --republish.

    Several conditions hold together. A text that is not translated well keeps the translation it has.

    Example: aggregator retranslate --feed "Example Blog" --dry-run
    """
    if not (glossary_changed or engine or feed or entry):
        raise ConfigError("retranslate: expected --glossary-changed, --engine, --feed or --entry")
    if engine and engine not in ENGINES:
        raise ConfigError(f"--engine {engine}: expected one of {', '.join(ENGINES)}")
    config = context.obj.config()

    def wanted(db: "Database") -> "Wanted":
        return _wanted(db, feed, engine, entry, glossary_changed=glossary_changed)

    if dry_run:
        _say(config, wanted, republish=republish)
        return
    _retranslate(config, wanted, wait, republish=republish)


def _wanted(
    db: "Database", feed: str | None, engine: str | None, entry: str | None, *, glossary_changed: bool
) -> "Wanted":
    from aggregator.again import Wanted
    from aggregator.store import feeds

    feed_id = feeds.find(db, feed)["feed_id"] if feed else None
    return Wanted(glossary_changed=glossary_changed, engine=engine, feed_id=feed_id, entry=entry)


def _say(config: Config, wanted: Callable[["Database"], "Wanted"], *, republish: bool) -> None:
    with opened(config) as db:
        take_up_list(db, config)
        _planned(db, config, wanted, republish=republish)


def _planned(
    db: "Database", config: Config, wanted: Callable[["Database"], "Wanted"], *, republish: bool
) -> "Plan":
    """Say what it will be, and return it."""
    from aggregator import again

    plan = again.plan(db, config, wanted(db))
    print(plan.sentence(), flush=True)
    if republish:
        most = again.count_carried(db, config, plan.entry_ids)
        print(f"up to {most} entries will appear again in readers", flush=True)
    return plan


def _retranslate(
    config: Config, wanted: Callable[["Database"], "Wanted"], wait: str, *, republish: bool
) -> None:
    from aggregator import again
    from aggregator.publish.stage import STAGE as PUBLISH
    from aggregator.store import remakes
    from aggregator.translate.stage import STAGE as TRANSLATE

    again.refuse_without_engine(config)
    with open_session(config, "retranslate", wait) as session:
        refused = take_up(session)
        plan = _planned(session.db, config, wanted, republish=republish)
        again.ask(session.db, config, plan)
        reports = [session.run(TRANSLATE)] if plan.entry_ids else []
        if republish:
            show_again(session.db, config, plan.entry_ids)
        if plan.entry_ids:
            reports.append(session.run(PUBLISH))
        left = remakes.count_asked(session.db)
        if left:
            print(f"{left} wait for an engine, its budget or another attempt; see: aggregator status")
    leave(reports, refused)


def show_again(
    db: "Database", config: Config, entry_ids: Iterable[int] | None = None, *, dry_run: bool = False
) -> None:
    """Say how many entries will appear again in readers, and let the next publishing give them out."""
    from aggregator import again
    from aggregator.store import publications

    rows = again.republished(db, config, clock(), entry_ids)
    print(f"{len(rows)} entries will appear again in readers", flush=True)
    if dry_run:
        return
    with db.atomic():
        for row in rows:
            publications.promote(db, row)


@app.command()
def cost(context: typer.Context, as_json: Json = False) -> None:
    """Say what engines were sent in the last 7 days, and what a month like these costs in yen.

    Example: aggregator cost
    """
    from aggregator import again
    from aggregator.report import show

    config = context.obj.config()
    with opened(config) as db:
        rows = again.costs(db, config, clock())
    show(rows, again.COLUMNS, as_json=as_json)
    if not as_json:
        print(f"{sum(row['yen_a_month'] for row in rows):,} yen a month")
