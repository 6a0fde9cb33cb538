"""The command that takes down what must not be shown any more, and lists what was."""

import contextlib
import json
import sys
import time
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from aggregator.cli.common import (
    Json,
    Wait,
    clock,
    counted,
    duration,
    leave,
    open_session,
    opened,
    take_up,
    take_up_list,
)
from aggregator.config import Config
from aggregator.errors import AggregatorError, ConfigError, StoreLocked

if TYPE_CHECKING:
    from sqlite_utils import Database

    from aggregator.deny_list import Denial
    from aggregator.pipeline import StageReport
    from aggregator.takedown import Taken

SHOWN = 10  # titles; what is meant has to be seen at a glance
_LOOK = 0.5  # seconds between two looks at what another process does

app = typer.Typer()


@app.command()
def takedown(
    context: typer.Context,
    target: Annotated[
        str, typer.Argument(help="An entry's address, page or number; a feed's address or title; a host.")
    ] = "",
    reason: Annotated[str, typer.Option(help="Who asked for it and why; stays in the deny list.")] = "",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what goes, and do nothing.")] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    backups: Annotated[
        bool, typer.Option("--backups", help="Delete older backups, which hold it still, and make a new one.")
    ] = False,
    listed: Annotated[bool, typer.Option("--list", help="List what was taken down.")] = False,
    undo: Annotated[bool, typer.Option("--undo", help="Allow again what was taken down.")] = False,
    as_json: Json = False,
    wait: Wait = "60s",
) -> None:
    """Erase an entry, a feed or all of a host, from store, pages and feeds, for good.

    Its pages answer 410, and neither polls nor a restored backup bring it back.
    Example: aggregator takedown https://blog.example.com/2026/post.html --reason "author, 24 November"
    """
    config = context.obj.config()
    if listed:
        _list(config, as_json=as_json)
    elif undo:
        _undo(config, target)
    else:
        _take_down(config, target, reason, wait, dry_run=dry_run, yes=yes, backups=backups, as_json=as_json)


def _list(config: Config, *, as_json: bool) -> None:
    from aggregator import deny_list
    from aggregator.report import show
    from aggregator.times import to_text

    rows = [
        {"denied_at": to_text(each.denied_at), "target": each.target, "reason": each.reason,
         "entries": len(each.entries), "feeds": len(each.feeds), "hosts": len(each.hosts)}
        for each in deny_list.read(config.store).denials
    ]  # fmt: skip
    show(rows, ("denied_at", "target", "reason", "entries", "feeds", "hosts"), as_json=as_json)


def _undo(config: Config, target: str) -> None:
    from aggregator import takedown

    undone = takedown.undo(config, target.strip())
    if not undone:
        raise ConfigError(f"{target or '--undo'}: was not taken down; see: aggregator takedown --list")
    print(f"{target}: allowed again; what its source still lists comes back as new")


def _take_down(
    config: Config, target: str, reason: str, wait: str, *, dry_run: bool, yes: bool, backups: bool,
    as_json: bool,
) -> None:  # fmt: skip
    started = clock()
    with opened(config) as db:
        take_up_list(db, config)
        denial, plan = _planned(db, target, reason, started)
        if dry_run and as_json:
            print(json.dumps(plan, ensure_ascii=False))
        elif not as_json:
            _say_planned(plan)
        if dry_run:
            return
        _confirm(yes=yes)
        from aggregator import takedown

        takedown.deny(config, denial)
    reports, taken = _done(config, wait)
    said = _told(taken) | _backups(config, started, delete=backups)
    if as_json:
        print(json.dumps(said))
    else:
        _say(said)
    leave(reports, None)
    if said["trouble"]:
        raise typer.Exit(AggregatorError.exit_code)


def _planned(db: "Database", target: str, reason: str, now: datetime) -> tuple["Denial", dict[str, Any]]:
    """Return what is to be denied, and what would go for it."""
    from aggregator import deny_list, takedown, targets
    from aggregator.store import takedowns

    denial = takedown.with_repeats(db, targets.denial(db, target, reason, now))
    found = takedowns.find(db, deny_list.of([denial]))
    fates = [story.fate for story in found.stories]
    plan = {
        "target": denial.target, "entries": len(found.entries), "feeds": len(found.feeds),
        "gone": fates.count("goes"), "handed_on": fates.count("handed on"),
        "titles": {
            number: title for number, (title, _) in takedowns.texts(db, found.entries[:SHOWN]).items()
        },
    }  # fmt: skip
    return denial, plan


def _say_planned(plan: dict[str, Any]) -> None:
    parts = [counted(plan["entries"], "entry", "entries"), counted(plan["feeds"], "feed")]
    if plan["handed_on"]:
        parts.append(f"{plan['handed_on']} of the stories told on by other feeds")
    print(f"{plan['target']}: {', '.join(parts)}", flush=True)
    for number, title in plan["titles"].items():
        print(f"  {number} {title}")
    if plan["entries"] > SHOWN:
        print(f"  and {plan['entries'] - SHOWN} more")


def _confirm(*, yes: bool) -> None:
    if yes:
        return
    if not sys.stdin.isatty():
        raise ConfigError("takedown: it cannot be made undone; to go on say --yes")
    typer.confirm("It cannot be made undone. Go on?", abort=True)


def _done(config: Config, wait: str) -> tuple[list["StageReport"], "Taken | None"]:
    """Take down what the list says and publish; or see that whoever holds the store does it, None then."""
    deadline = time.monotonic() + duration(wait).total_seconds()
    while True:
        try:
            with open_session(config, "takedown", "0s", quiet=True) as session:
                from aggregator import takedown
                from aggregator.publish.picture_stage import STAGE as PICTURE
                from aggregator.publish.source_stage import STAGE as SOURCE
                from aggregator.publish.stage import STAGE as PUBLISH

                taken = takedown.enforce(session.db, config, clock())
                session.rewrite()
                take_up(session)
                return [session.run(stage) for stage in (PUBLISH, SOURCE, PICTURE, PUBLISH)], taken
        except StoreLocked as error:
            if _is_done(config):
                return [], None
            if time.monotonic() >= deadline:
                raise StoreLocked(f"{error}; it is denied, and goes with the next round") from error
            time.sleep(_LOOK)


def _is_done(config: Config) -> bool:
    """Tell whether the store's holder has taken up the deny list as it is."""
    from aggregator import deny_list
    from aggregator.store import denials, reading

    with contextlib.suppress(AggregatorError), reading(config.store) as db:
        return denials.digest(db) == deny_list.read(config.store).digest
    return False


def _told(taken: "Taken | None") -> dict[str, Any]:
    if taken is None:
        return {"by": "another run", "trouble": ""}
    return {"by": "", **asdict(taken)}


def _backups(config: Config, now: datetime, *, delete: bool) -> dict[str, Any]:
    """Find the backups that were made before, and delete them if that is wanted."""
    from aggregator.backup import making

    older = [path for path, _ in making.there(config)]
    older += config.backups_folder.glob("*-damaged.sqlite*")  # set aside by a restore
    if not delete:
        return {"backups": [str(path) for path in older], "backup": ""}
    for path in older:
        path.unlink(missing_ok=True)
    return {"backups": [], "backup": str(making.make(config, now, making.DAILY).path)}


def _say(said: dict[str, Any]) -> None:
    if said["by"]:
        print(f"erased by {said['by']}, which publishes next")
    else:
        print(f"taken down: {counted(said['entries'], 'entry', 'entries')}, {counted(said['feeds'], 'feed')}")
        if said["handed_on"]:
            stories = counted(said["handed_on"], "story goes", "stories go")
            print(f"  {stories} on with what other feeds tell, once that is translated")
    if said["trouble"]:
        print(f"  traces may be left in the store's file: {said['trouble']}; it is tried again once a day")
    if said["backups"]:
        older = counted(len(said["backups"]), "backup")
        folder = Path(said["backups"][0]).parent
        print(f"  {older} in {folder} may hold it still; --backups deletes them")
    if said["backup"]:
        print(f"  older backups are deleted; {said['backup']} is a new one")
