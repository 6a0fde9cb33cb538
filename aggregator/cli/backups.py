"""Commands that make backups, try them and put them back."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from aggregator.cli.common import Json, Wait, clock, counted, duration
from aggregator.config import DEFAULT_FILE, Config

if TYPE_CHECKING:
    from aggregator.backup.bundle import Manifest
    from aggregator.backup.restoring import Restored

app = typer.Typer()


@app.command()
def backup(
    context: typer.Context,
    file: Annotated[
        Path | None, typer.Argument(help="Where to write it; without, into the folder `backups`.")
    ] = None,
    listed: Annotated[bool, typer.Option("--list", help="List those that are there.")] = False,
    verify: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Restore it into a folder that is then removed, and look."),
    ] = None,
    as_json: Json = False,
) -> None:
    """Write store, feeds.opml, filters, glossary, deny list and settings into one file, while others run.

    Keys and tokens are not in it. Example: aggregator backup /mnt/backup/news.tar.zst
    """
    config = context.obj.config()
    if listed:
        _list(config, as_json=as_json)
    elif verify:
        _verify(config, verify)
    else:
        _make(config, file)


def _make(config: Config, file: Path | None) -> None:
    from aggregator import hooks
    from aggregator.backup import making
    from aggregator.report import download

    with download("backup") as progress:
        made = making.make(config, clock(), path=file and file.absolute(), progress=progress)
    if failure := hooks.run(config, "after_backup", made.path.parent, [made.path]):
        print(f"aggregator: after_backup: {failure}", file=sys.stderr)
    rows = counted(made.manifest.rows["entries"], "entry", "entries")
    print(f"{made.path}: {rows}, {made.bytes / 1e6:,.1f} MB of {made.manifest.unpacked / 1e6:,.1f} MB")


def _list(config: Config, *, as_json: bool) -> None:
    from aggregator.backup import making
    from aggregator.report import show

    rows = [_row(path, manifest) for path, manifest in making.there(config)]
    show(rows, ("at", "kind", "entries", "version", "schema", "bytes", "file"), as_json=as_json)


def _row(path: Path, manifest: "Manifest | None") -> dict[str, object]:
    row: dict[str, object] = {"kind": "unreadable", "bytes": path.stat().st_size, "file": path}
    if manifest:
        row |= {name: getattr(manifest, name) for name in ("at", "kind", "version", "schema")}
        row["entries"] = manifest.rows["entries"]
    return row


def _verify(config: Config, file: Path) -> None:
    from aggregator.backup import checking
    from aggregator.report import download

    with download("verify") as progress:
        manifest = checking.verify(file, config.backups_folder, progress)
    held = counted(manifest.rows["entries"], "entry", "entries")
    print(f"{file}: good; {held} as of {manifest.at}, schema {manifest.schema}, version {manifest.version}")


@app.command()
def restore(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(help="A backup; `backup --list` names those that are there.")],
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Try the backup and change nothing.")] = False,
    wait: Wait = "60s",
) -> None:
    """Put a backup in the place of what is there, of which one is made first; readers see nothing twice.

    What readers were given since, and the takedowns, are carried over. The next run writes output/ from it.

    Example: aggregator restore .aggregator/backups/20261124T150000Z-daily.tar.zst --dry-run
    """
    config = context.obj.config()
    if dry_run:
        _verify(config, file)
        return
    from aggregator.backup import restoring
    from aggregator.lock import instance_lock
    from aggregator.report import download

    settings_file = context.obj.config_file or Path(DEFAULT_FILE)
    with (
        instance_lock(config.store, "aggregator restore", duration(wait)),
        download("restore") as progress,
    ):
        done = restoring.restore(config, file, clock(), settings_file, progress)
    _say_restored(done)


@app.command()
def rollback(
    context: typer.Context,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say which backup it is, and change nothing.")
    ] = False,
    wait: Wait = "60s",
) -> None:
    """Put back the store as it was before this version changed its tables, for the version before.

    What readers were given since is carried over; feeds.opml and filters stay as they are.

    Example: aggregator rollback
    """
    from aggregator.backup import bundle, restoring
    from aggregator.lock import instance_lock
    from aggregator.report import download

    config = context.obj.config()
    path = restoring.before_migration(config)
    version = bundle.manifest_of(path).version
    if dry_run:
        print(f"{path}, of version {version}")
        return
    with (
        instance_lock(config.store, "aggregator rollback", duration(wait)),
        download("rollback") as progress,
    ):
        done = restoring.restore(config, path, clock(), None, progress, alone=True)
    _say_restored(done, f"install version {version} before anything else: docs/upgrade.md")


def _say_restored(done: "Restored", next_step: str = "aggregator once, or start the service") -> None:
    held = counted(done.manifest.rows["entries"], "entry", "entries")
    print(f"restored: {held} as of {done.manifest.at}")
    if done.kept:
        print(f"what was there: {done.kept}")
    if done.carried:
        new = counted(done.carried.entries, "entry", "entries")
        given = counted(done.carried.stories, "story", "stories")
        print(f"carried over: {new} that came since, what readers were given of {given}")
    if done.recalled:
        print(f"taken from output/: what readers have of {counted(done.recalled, 'entry', 'entries')}")
    for path in done.put:
        print(f"restored: {path}")
    for line in done.settings:
        print(f"another setting then: {line}")
    print(f"next: {next_step}")
