"""Commands that look into feeds and entries: why, log, entry, check, search, story."""

from typing import Annotated

import typer

from aggregator.cli.common import Json, Wait, clock, counted, open_session, opened, take_up_list
from aggregator.cli.subscriptions import Feed
from aggregator.errors import AggregatorError, OpmlError

app = typer.Typer()


@app.command()
def why(context: typer.Context, feed: Feed, as_json: Json = False) -> None:
    """Say why a feed is polled when it is, and what became of its last poll.

    Example: aggregator why "Example Blog"
    """
    from aggregator import why as reasons
    from aggregator.report import facts

    config = context.obj.config()
    with opened(config) as db:
        take_up_list(db, config)
        found = reasons.collect(db, feed)
    if as_json:
        facts(found, as_json=True)
        return
    _print_lines(reasons.lines(found, clock()))


@app.command("log")
def show_log(
    context: typer.Context,
    feed: Feed,
    most: Annotated[int, typer.Option("-n", min=1, max=10_000, help="So many polls and entries.")] = 20,
    as_json: Json = False,
) -> None:
    """Say what a feed's last polls brought, and what became of its newest entries.

    Example: aggregator log "Bolt Weekly" -n 50
    """
    from aggregator import feedlog
    from aggregator.report import facts, show

    config = context.obj.config()
    with opened(config) as db:
        take_up_list(db, config)
        found = feedlog.collect(db, feed, config.language, most)
    if as_json:
        facts(found, as_json=True)
        return
    facts(found["feed"])
    for name, columns in (("polls", feedlog.POLLS), ("entries", feedlog.ENTRIES)):
        print()
        if found[name]:
            show(found[name], columns)
        else:
            print(f"no {name} yet")


@app.command()
def entry(
    context: typer.Context,
    entry: Annotated[str, typer.Argument(help="Its number, its original's address or its page's.")],
    as_json: Json = False,
) -> None:
    """Say what became of an entry and why: kept out, waiting, refused or published.

    Example: aggregator entry https://blog.example.com/a-new-release
    """
    from aggregator import fate
    from aggregator.report import facts

    config = context.obj.config()
    with opened(config) as db:
        found = fate.collect(db, config, entry)
    if as_json:
        facts(found, as_json=True)
        return
    _print_lines(fate.lines(found, config))


def _print_lines(shown: list[tuple[str, str]]) -> None:
    width = max(len(name) for name, _ in shown)
    for name, text in shown:
        print(f"{name:<{width}}  {text}")


@app.command()
def check(
    context: typer.Context,
    fix: Annotated[
        bool, typer.Option("--fix", help="Write the new addresses of moved feeds to feeds.opml.")
    ] = False,
    offline: Annotated[bool, typer.Option("--offline", help="Ask no feed; go by the last polls.")] = False,
    wait: Wait = "60s",
    as_json: Json = False,
) -> None:
    """Validate feeds.opml and ask each feed once.

    Exit code 1 where something is wrong with a feed, 2 where it is the file.

    Example: aggregator check --fix
    """
    from aggregator import check as checks
    from aggregator.report import show

    config = context.obj.config()
    problems = checks.of_file(config)
    rows = checks.file_rows(problems)
    if any(problem.serious for problem in problems):
        show(rows, checks.COLUMNS, as_json=as_json)
        raise typer.Exit(OpmlError.exit_code)
    if not offline:
        _ask(context, wait, quiet=as_json)
    with opened(config) as db:
        take_up_list(db, config)
        fixed = checks.fix(db, config, clock()) if fix else []
        rows += checks.feed_rows(db, config, clock())
    if rows or as_json:
        show(rows, checks.COLUMNS, as_json=as_json)
    if not as_json:
        for each in fixed:
            print(
                f"written to {config.opml}: {each['feed']} is at {each['xmlUrl']} (first {each['first_url']})"
            )
        print(counted(len(rows), "problem") if rows else "no problems")
    if rows:
        raise typer.Exit(AggregatorError.exit_code)


@app.command()
def search(
    context: typer.Context,
    words: Annotated[list[str], typer.Argument(help="All of them have to be there.")],
    page: Annotated[int, typer.Option(help="Which page of hits.", min=1)] = 1,
    as_json: Json = False,
) -> None:
    """Find published entries by words of their titles, summaries and original titles.

    Example: aggregator search 量子 計算
    """
    from aggregator import search as searching
    from aggregator.report import show

    config = context.obj.config()
    with opened(config) as db:
        found = searching.find(db, config, " ".join(words), page)
        show(searching.rows(db, config, found), searching.COLUMNS, as_json=as_json)
    if not as_json:
        shown = f"page {found.page} of {found.pages}, " if found.pages > 1 else ""
        print(f"{shown}{counted(found.total, 'entry', 'entries')}{' or more' if found.is_full else ''} found")


@app.command()
def story(
    context: typer.Context,
    entry: Annotated[
        str, typer.Argument(help="An entry: its number, its original's address or its page's.")
    ] = "",
    part: Annotated[
        bool, typer.Option("--part", help="Give the entry of this number a story of its own, for good.")
    ] = False,
    wait: Wait = "60s",
    as_json: Json = False,
) -> None:
    """Say which entries are one story, and why each of them is; without ENTRY, which joined one last.

    Example: aggregator story https://blog.example.com/a-new-release --part
    """
    from aggregator import retellings
    from aggregator.report import show

    config = context.obj.config()
    if part:
        with open_session(config, "story", wait, quiet=True) as session, session.db.atomic():
            retellings.part(session.db, entry, clock())
    with opened(config) as db:
        found = retellings.rows(db, entry) if entry else retellings.latest(db)
        show(found, retellings.COLUMNS, as_json=as_json, wide=("first_seen_at",))


def _ask(context: typer.Context, wait: str, *, quiet: bool) -> None:
    """Poll every feed once: what a check learns need not be asked again."""
    from aggregator.poll.stage import STAGE
    from aggregator.store import feeds

    config = context.obj.config()
    with open_session(config, "check", wait, quiet=quiet) as session:
        take_up_list(session.db, config)
        feeds.make_due(session.db, clock())
        session.run(STAGE)
