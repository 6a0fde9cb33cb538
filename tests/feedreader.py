"""A feed reader that remembers: what it would show as new, as changed, and what it cannot see any more."""

import json
from pathlib import Path

from lxml import etree

ATOM = "{http://www.w3.org/2005/Atom}"
Shown = dict[str, tuple[str, ...]]  # by id, what a reader compares


def atom(body: bytes) -> Shown:
    """Return the entries of an Atom feed."""
    names = ("title", "content", "published", "updated")
    return {
        entry.findtext(f"{ATOM}id"): tuple(entry.findtext(ATOM + name) for name in names)
        for entry in etree.fromstring(body).iter(f"{ATOM}entry")
    }


def rss(body: bytes) -> Shown:
    """Return the items of an RSS feed."""
    names = ("title", "description", "pubDate", "link")
    return {
        item.findtext("guid"): tuple(item.findtext(name) or "" for name in names)
        for item in etree.fromstring(body).iter("item")
    }


def json_feed(body: bytes) -> Shown:
    """Return the items of a JSON Feed."""
    names = ("title", "content_html", "date_published", "date_modified")
    return {item["id"]: tuple(item[name] for name in names) for item in json.loads(body)["items"]}


FEEDS = {"atom.xml": atom, "rss.xml": rss, "feed.json": json_feed}


class Reader:
    """Subscribed to the three main feeds in a folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.known: dict[str, Shown] = {name: {} for name in FEEDS}

    def look(self) -> dict[str, int]:
        """Poll all feeds, and return how many entries are new, changed, and no longer there."""
        found = {"new": 0, "changed": 0, "gone": 0}
        for name, read in FEEDS.items():
            shown, known = read((self.folder / name).read_bytes()), self.known[name]
            found["new"] += len(shown.keys() - known.keys())
            found["changed"] += sum(shown[key] != known[key] for key in shown.keys() & known.keys())
            found["gone"] += len(known.keys() - shown.keys())
            known |= shown
        return found


NOTHING = {"new": 0, "changed": 0, "gone": 0}
