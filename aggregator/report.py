"""Tables and progress: rich on a terminal, plain lines when piped, JSON on request."""

import contextlib
import json
import sys
import time
from collections.abc import Iterator, Mapping, Sequence

from aggregator.pipeline import Progress

UNITS = {
    "websub": "requests and deliveries",
    "poll": "feeds",
    "article": "entries",
    "page": "pages",
    "summary": "entries",
    "translate": "entries",
    "publish": "editions",
    "source": "feeds",
    "picture": "pictures",
    "hub": "feeds",
    "count": "stories",
    "comments": "discussions",
    "comment_translate": "comments",
    "viewpoints": "comments",
    "retention": "entries",
    "backup": "backups",
}
_SINGLE = {
    "feeds": "feed",
    "entries": "entry",
    "pages": "page",
    "editions": "edition",
    "stories": "story",
    "discussions": "discussion",
    "comments": "comment",
    "backups": "backup",
}
_WORD = 9  # letters


def show(
    rows: Sequence[Mapping[str, object]],
    columns: Sequence[str],
    *,
    as_json: bool = False,
    wide: Sequence[str] = (),
) -> None:
    """Print rows as JSON, as a table on a terminal, or as tab-separated lines under a heading.

    Shape: `wide` names the columns for which a terminal has no room.
    """
    if as_json:
        print(json.dumps([dict(row) for row in rows], ensure_ascii=False, indent=2, default=str))
    elif sys.stdout.isatty():
        _table(rows, [column for column in columns if column not in wide])
    else:
        print("\t".join(columns))
        for row in rows:
            print("\t".join(_cell(row.get(column)) for column in columns))


def _cell(value: object) -> str:
    return "-" if value is None else " ".join(str(value).split())


def _table(rows: Sequence[Mapping[str, object]], columns: Sequence[str]) -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table(box=None, header_style="bold", pad_edge=False)
    for column in columns:
        cells = [_cell(row.get(column)) for row in rows]
        # A time or an address cut short tells nothing, nor does a word broken in two.
        is_short = max(map(len, cells), default=0) <= _WORD
        table.add_column(column, no_wrap=is_short or column.endswith("_at"), overflow="fold")
    for row in rows:
        table.add_row(*(_cell(row.get(column)) for column in columns))
    Console().print(table)


def facts(pairs: Mapping[str, object], *, as_json: bool = False) -> None:
    """Print named values, one a line."""
    if as_json:
        print(json.dumps(dict(pairs), ensure_ascii=False, indent=2, default=str))
        return
    width = max(map(len, pairs), default=0)
    for name, value in pairs.items():
        print(f"{name:<{width}}  {_cell(value)}")


@contextlib.contextmanager
def watch(name: str, backlog: int) -> Iterator[Progress]:
    """Show how a stage gets on: a bar on a terminal, one line at its end otherwise."""
    if not backlog:
        yield lambda _: None
    elif sys.stdout.isatty():
        with _bar(name, backlog, UNITS.get(name, "")) as progress:
            yield progress
    else:
        with _line(name, UNITS.get(name, "")) as progress:
            yield progress


@contextlib.contextmanager
def _line(name: str, unit: str) -> Iterator[Progress]:
    done = 0
    started = time.monotonic()

    def progress(count: int) -> None:
        nonlocal done
        done += count

    yield progress
    if done:
        counted = _SINGLE.get(unit, unit) if done == 1 else unit
        print(f"{name}: {done} {counted} in {time.monotonic() - started:.1f} s", flush=True)


@contextlib.contextmanager
def _bar(name: str, total: int, unit: str) -> Iterator[Progress]:
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        TextColumn,
        TimeElapsedColumn,
        TimeRemainingColumn,
    )
    from rich.progress import Progress as Bars

    text = TextColumn("{task.description:<10}")
    columns = (
        text,
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn(unit),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
    )
    with Bars(*columns) as bars:
        task = bars.add_task(name, total=total)
        yield lambda count: bars.advance(task, count)


@contextlib.contextmanager
def download(title: str) -> Iterator["DownloadProgress"]:
    """Show a download: a bar on a terminal, a line every ten per cent otherwise."""
    shown = DownloadProgress(title)
    try:
        yield shown
    finally:
        shown.close()


class DownloadProgress:
    """Callable with (file name, bytes done, bytes in all)."""

    def __init__(self, title: str) -> None:
        self._title, self._tenth = title, -1
        self._bars, self._task = None, None
        if sys.stdout.isatty():
            from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TransferSpeedColumn

            self._bars = Progress(
                TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TransferSpeedColumn()
            )
            self._bars.start()
            self._task = self._bars.add_task(title, total=None)

    def __call__(self, name: str, done: int, total: int) -> None:
        """Show how far a file has come."""
        if self._bars is not None and self._task is not None:
            self._bars.update(
                self._task, description=f"{self._title} {name}", completed=done, total=total or None
            )
        elif total and done * 10 // total != self._tenth:
            self._tenth = done * 10 // total
            print(f"{self._title}: {name} {done / 1e6:.0f} of {total / 1e6:.0f} MB", flush=True)

    def close(self) -> None:
        """Take the bar away."""
        if self._bars is not None:
            self._bars.stop()
