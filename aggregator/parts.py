"""feeds.opml cut into the lists of several aggregators, each registrable domain whole in one of them."""

import hashlib
from collections import defaultdict
from dataclasses import dataclass

from aggregator import opml, urls
from aggregator.outlines import OpmlText


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One of the lists."""

    data: bytes  # the file
    feeds: int
    domains: int


def split(data: bytes, count: int, name: str) -> tuple[Part, ...]:
    """Return so many lists that together hold every feed of the file once, all else as it is in each.

    Raises: OpmlError where the file cannot be used.
    """
    opml.parse(data, name)
    file = OpmlText(data, name)
    domains: defaultdict[int, set[str]] = defaultdict(set)
    feeds = []
    for outline in file.body.walk():
        if outline.url:
            domain = urls.registrable_domain(outline.url)
            home = place(domain, count)
            domains[home].add(domain)
            feeds.append((outline, home))
    return tuple(
        Part(
            data=file.spliced([edit for each, home in feeds if home != part for edit in file.removals(each)]),
            feeds=sum(home == part for _, home in feeds),
            domains=len(domains[part]),
        )
        for part in range(count)
    )


def place(domain: str, count: int) -> int:
    """Return which of so many lists a domain belongs to.

    Shape: where there is one list more, so much of each as it is to hold moves there and nothing else moves.
    Source: rendezvous hashing (Thaler and Ravishankar, 1998): the highest hash wins.
    """
    return max(range(count), key=lambda part: hashlib.sha256(f"{part} {domain}".encode()).digest())
