"""Commands that make backups, try them and put them back."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from aggregator.cli.common import Json, clock, counted
from aggregator.config import Config

if TYPE_CHECKING:
    from aggregator.backup.bundle import Manifest

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
    from aggregator.backup import making
    from aggregator.report import download

    with download("backup") as progress:
        made = making.make(config, clock(), path=file and file.absolute(), progress=progress)
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
