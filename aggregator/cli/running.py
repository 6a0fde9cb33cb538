"""Commands that run stages."""

from contextlib import contextmanager, nullcontext
from typing import TYPE_CHECKING, Annotated

import typer

from aggregator.cli.common import (
    Wait,
    address,
    clock,
    duration,
    expect_polls,
    leave,
    offering_a_backup,
    open_session,
    opened,
    run_stages,
    say_stopping,
    sound_store,
    take_up,
)
from aggregator.config import Config
from aggregator.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from aggregator.pipeline import Stage
    from aggregator.session import Session

app = typer.Typer()


@app.command()
def once(
    context: typer.Context,
    all_feeds: Annotated[bool, typer.Option("--all", help="Poll every feed now, due or not.")] = False,
    wait: Wait = "60s",
) -> None:
    """Poll what is due, translate and publish, then end: for cron.

    Example: */10 * * * * cd /srv/aggregator && .venv/bin/aggregator once
    """
    config = context.obj.config()
    with open_session(config, "once", wait, polls="surely" if all_feeds else "maybe") as session:
        expect_polls(session)
        from aggregator.session import ROUND
        from aggregator.stages import run_round
        from aggregator.store import feeds

        started = clock()
        polls_before = feeds.last_poll_id(session.db)
        refused = take_up(session)
        if all_feeds:
            feeds.make_due(session.db, started)
        with _alerting(session), session.noted(ROUND):
            reports = run_round(session)
        all_failed = feeds.all_failed_since(session.db, polls_before)
        _say_waiting(session)
    leave(reports, refused, all_failed=all_failed)


@contextmanager
def _alerting(session: "Session") -> "Iterator[None]":
    """Tell an operator of trouble once the work is done, or cannot be."""
    try:
        yield
    finally:
        if session.config.alert:
            from aggregator.alerts import Watch

            session.write_runs()
            Watch().look(session.db, session.config, clock(), wait=True)


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
    """Poll, translate and publish for ever, and serve the output; ends cleanly on SIGTERM or ^C.

    SIGHUP has the settings, feeds.opml and filters.toml read anew.

    Example: aggregator run --no-server
    """
    from aggregator import daemon
    from aggregator.demo.leftovers import clear_leftovers
    from aggregator.executors import end_at_once
    from aggregator.health import under_run
    from aggregator.lock import instance_lock
    from aggregator.serve import Server
    from aggregator.signals import Asked
    from aggregator.systemd import service_manager

    config = context.obj.config()
    clear_leftovers(config)
    with (
        instance_lock(config.store, "aggregator run", duration(wait)) as ended_well,
        sound_store(config, ended_well=ended_well),
        Server(config, under_run(config)) if server else nullcontext() as serving,
    ):
        asked = Asked(say_stopping)
        asked.listen(reload=True)
        _say_no_engine(config)
        print(f"running; {address(config)}" if server else "running", flush=True)

        def adopt(new: Config) -> None:
            if serving:
                serving.adopt(new, under_run(new))

        try:
            with offering_a_backup(config):
                daemon.run(
                    config, clock, asked=asked, manager=service_manager(), reread=context.obj.config,
                    adopt=adopt,
                )  # fmt: skip
        except KeyboardInterrupt:
            end_at_once()  # or closing them would wait for a feed that hangs
            raise


def _say_no_engine(config: Config) -> None:
    """Say why nothing will be translated, or a first hour without news would be a riddle."""
    from aggregator.translate import engines

    if config.engine != "none" and not engines.ready(config):
        print("no translation engine is ready, so entries wait:")
        for line in engines.why_not(config):
            print(f"  {line}", flush=True)


@app.command()
def poll(
    context: typer.Context,
    all_feeds: Annotated[
        bool, typer.Option("--all", help="Every feed now, but never before a Retry-After is over.")
    ] = False,
    wait: Wait = "60s",
) -> None:
    """Poll the feeds that are due, and no more.

    Example: aggregator poll --all
    """

    def prepare(session: "Session") -> None:
        from aggregator.store import feeds

        if all_feeds:
            feeds.make_due(session.db, clock())
        expect_polls(session)

    def stages() -> "tuple[Stage, ...]":
        from aggregator.poll.stage import STAGE  # while the worker loads its own part

        return (STAGE,)

    run_stages(context, "poll", wait, prepare, stages, polls="surely" if all_feeds else "maybe")


@app.command()
def translate(context: typer.Context, wait: Wait = "60s") -> None:
    """Summarise and translate what waits for it.

    Example: aggregator --engine firefox translate
    """
    from aggregator.enrich.stage import ARTICLE, SUMMARY
    from aggregator.errors import EngineUnavailable
    from aggregator.translate import engines
    from aggregator.translate.stage import STAGE

    config = context.obj.config()
    if config.engine != "none" and not engines.ready(config):
        raise EngineUnavailable("; ".join(engines.why_not(config)))
    run_stages(context, "translate", wait, None, lambda: (ARTICLE, SUMMARY, STAGE))


@app.command()
def publish(
    context: typer.Context,
    republish: Annotated[
        bool,
        typer.Option(
            "--republish", help="Feeds carry the pages' texts: readers show what differs once more."
        ),
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="With --republish: say how many entries, and do nothing.")
    ] = False,
    wait: Wait = "60s",
) -> None:
    """Write feeds and pages from the store; a file is touched only where its bytes differ.

    Example: aggregator publish --republish --dry-run
    """
    from aggregator.cli.remaking import show_again
    from aggregator.publish.source_stage import STAGE as SOURCE
    from aggregator.publish.stage import STAGE, forget_published

    if dry_run and not republish:
        raise ConfigError("--dry-run: expected --republish beside it")
    if dry_run:
        config = context.obj.config()
        with opened(config) as db:
            show_again(db, config, dry_run=True)
        return

    def prepare(session: "Session") -> None:
        forget_published(session.db)
        if republish:
            show_again(session.db, session.config)

    run_stages(context, "publish", wait, prepare, lambda: (STAGE, SOURCE))
