"""What the shell offers where a feed is to be named."""

from collections import Counter
from pathlib import Path

import typer


def feeds(context: typer.Context, incomplete: str) -> list[tuple[str, str]]:
    """Return names of listed feeds that begin like this, each with its title; none where the list is broken.

    Shape: a host, or where several feeds share it the address after it too: a colon would end a word in bash.
    """
    from aggregator.cli.common import Options
    from aggregator.errors import AggregatorError
    from aggregator.opml import parse

    before = context.parent.params if context.parent else {}
    flags = {"opml": before["opml"]} if before.get("opml") else {}
    try:
        config = Options(before.get("config") and Path(before["config"]), flags).config()
        listed = parse(config.opml.read_bytes(), str(config.opml))
    except (AggregatorError, OSError):
        return []
    titles = {each.url.partition("://")[2]: each.title or each.url for each in listed}
    hosts = Counter(url.partition("/")[0] for url in titles)
    named = {
        (host if hosts[host := url.partition("/")[0]] == 1 else url): title for url, title in titles.items()
    }
    return [(name, title) for name, title in named.items() if name.startswith(incomplete)]
