"""Commands that list feeds and edit feeds.opml."""

from pathlib import Path
from typing import Annotated

import typer

from aggregator.cli import completion
from aggregator.cli.common import Json, clock, counted, opened, take_up_list
from aggregator.errors import OpmlError

app = typer.Typer()

Feed = Annotated[
    str,
    typer.Argument(
        help="The feed's address, its number in `list`, or a part of its title.",
        autocompletion=completion.feeds,
    ),
]


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
    with opened(config) as db:
        added = subscribe.add(
            db, config, url, category=category, rights=rights, rights_note=rights_note, now=clock()
        )
    print(f"added {added.title or added.url}")
    entries = counted(added.entries, "entry", "entries")
    print(f"  {added.url} · {entries} · {added.category or 'no category'}")
    for other in added.others:
        print(f"  also offered there: {other}")


@app.command()
def remove(context: typer.Context, feed: Feed) -> None:
    """Take a feed out of feeds.opml; its entries stay.

    Example: aggregator remove blog.example.com
    """
    _edit(context, feed, "removed", "remove")


@app.command()
def pause(context: typer.Context, feed: Feed) -> None:
    """Stop polling a feed until `resume`.

    Example: aggregator pause "Example Blog"
    """
    _edit(context, feed, "paused", "pause")


@app.command()
def resume(context: typer.Context, feed: Feed) -> None:
    """Poll a paused or gone feed again, at once.

    Example: aggregator resume 12
    """
    _edit(context, feed, "resumed", "resume")


@app.command()
def retry(context: typer.Context, feed: Feed) -> None:
    """Make a feed due: the next round polls it, also one of `run`. A Retry-After is kept to.

    Example: aggregator retry blog.example.com
    """
    _edit(context, feed, "due now:", "retry")


@app.command()
def category(
    context: typer.Context,
    feed: Feed,
    name: Annotated[str, typer.Argument(help="Category in feeds.opml; a/b nests; empty: none.")],
) -> None:
    """Move a feed to another category of feeds.opml.

    Example: aggregator category "Bolt Weekly" ハードウェア
    """
    from aggregator import subscribe

    config = context.obj.config()
    with opened(config) as db:
        print(f"moved {subscribe.categorise(db, config, feed, name, clock())}")


def _edit(context: typer.Context, feed: str, done: str, edit: str) -> None:
    from aggregator import subscribe

    config = context.obj.config()
    with opened(config) as db:
        print(f"{done} {subscribe.EDITS[edit](db, config, feed, clock())}")


@app.command("import")
def import_feeds(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(help="Another reader's OPML file.", dir_okay=False)],
) -> None:
    """List the feeds of another OPML file too, in its categories; those listed already are skipped.

    Example: aggregator import other-reader.opml
    """
    from aggregator import exchange

    config = context.obj.config()
    try:
        data = file.read_bytes()
    except OSError as error:
        raise OpmlError(f"{file}: cannot be read ({error.strerror})") from error
    with opened(config) as db:
        done = exchange.merge(db, config, data, str(file), clock())
    for problem in done.problems:
        print(f"left out: {problem}")
    categories = len({each.category for each in done.added if each.category})
    print(
        f"{counted(len(done.added), 'feed')} added in {counted(categories, 'category', 'categories')}, "
        f"{done.duplicates} listed already"
    )


@app.command("export")
def export_feeds(
    context: typer.Context,
    file: Annotated[Path | None, typer.Argument(help="Where to write; standard output if left out.")] = None,
) -> None:
    """Write the feeds as OPML 2.0 for another reader, at their present addresses.

    Example: aggregator export my-feeds.opml
    """
    from aggregator import exchange, files

    config = context.obj.config()
    with opened(config) as db:
        data = exchange.write(db, config, clock())
    if file is None:
        print(data.decode(), end="")
        return
    files.replace(file, data)
    print(f"written to {file}")


@app.command()
def split(
    context: typer.Context,
    parts: Annotated[int, typer.Argument(help="How many aggregators share the feeds.", min=2, max=1000)],
    folder: Annotated[
        Path | None, typer.Argument(help="Where to write; beside feeds.opml if left out.")
    ] = None,
) -> None:
    """Write feeds.opml as lists for several aggregators; a domain's feeds stay together, settings with them.

    Example: aggregator split 3
    """
    from aggregator import files, subscribe
    from aggregator import parts as lists

    config = context.obj.config()
    found = lists.split(subscribe.listed(config), parts, str(config.opml))
    if not any(part.feeds for part in found):
        raise OpmlError(f"{config.opml}: is not there, or lists no feed; another file: --set opml=FILE")
    for number, part in enumerate(found, 1):
        name = f"{config.opml.stem}-{number}-of-{parts}.opml"
        files.replace((folder or config.opml.parent) / name, part.data)
        print(f"{name}: {counted(part.feeds, 'feed')} of {counted(part.domains, 'domain')}")


@app.command("list")
def list_feeds(context: typer.Context, as_json: Json = False) -> None:
    """List the feeds with their state; piped, or as JSON, with failures and last polls too.

    Example: aggregator list --json | jq '.[] | select(.state == "failing")'
    """
    from aggregator.report import show
    from aggregator.store import feeds

    config = context.obj.config()
    with opened(config) as db:
        take_up_list(db, config)
        rows = feeds.overview(db)
    show(
        rows,
        (
            "feed_id",
            "state",
            "title",
            "category",
            "entries",
            "identity",
            "last_poll_at",
            "next_poll_at",
            "failure",
            "listed_url",
        ),
        as_json=as_json,
        wide=("identity", "last_poll_at", "failure"),
    )
