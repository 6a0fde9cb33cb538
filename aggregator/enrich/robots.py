"""What a robots.txt, or another file in its form, says to us. Source: RFC 9309."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from urllib.parse import quote, urlsplit

AGENT = "aggregator"  # as our User-Agent begins
LONGEST_DELAY = timedelta(minutes=1)  # a day between two requests would mean never
_MOST = 500 * 1024  # characters; section 2.5 asks for no fewer bytes
_PRODUCT = re.compile(r"[A-Za-z_-]+|\*")
_SIGNAL = re.compile(r"([a-z-]+)\s*=\s*(yes|no)", re.IGNORECASE)
_QUOTED = "%/:?#[]@!$&'()*+,;=~"

Line = tuple[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Robots:
    """The lines of the groups that are meant for us."""

    rules: tuple[tuple[str, bool], ...] = ()  # pattern, and whether it allows
    crawl_delay: timedelta = timedelta()
    signals: tuple[tuple[str, str], ...] = ()  # Content-Signal: use, "yes" or "no"
    named: bool = False  # a group has our own token rather than *

    def allows(self, url: str) -> bool:
        """Say whether a URL may be fetched: the longest pattern that fits decides, and allows on a tie."""
        path = _path(url)
        fitting = [(len(pattern), allowed) for pattern, allowed in self.rules if matches(pattern, path)]
        return max(fitting, default=(0, True))[1]


def read(text: str, token: str = AGENT) -> Robots:
    """Return what a file says to a token: its own groups together, else those of `*`."""
    groups: dict[str, list[Line]] = {}
    for agents, line in _lines(text[:_MOST]):
        for agent in agents:
            groups.setdefault(agent, []).append(line)
    named = token in groups
    lines = groups.get(token if named else "*", [])
    # Content-Signal is also seen before any group; then it is meant for all.
    return _robots([*groups.get("", []), *lines], named=named)


def _lines(text: str) -> Iterator[tuple[frozenset[str], Line]]:
    """Yield each line with the agents it is meant for; a group that names one has a line, if an empty one."""
    agents: set[str] = set()
    open_to_names = True
    for raw in text.lstrip("\ufeff").splitlines():
        name, colon, value = raw.partition("#")[0].partition(":")
        field, value = name.strip().lower(), value.strip()
        if not colon:
            continue
        if field == "user-agent":
            product = _PRODUCT.match(value)
            agents = (agents if open_to_names else set()) | ({product[0].lower()} if product else set())
            open_to_names = True
            yield frozenset(agents), ("", "")
        elif field != "sitemap":
            open_to_names = False
            yield frozenset(agents or {""}), (field, value)


def _robots(lines: list[Line], *, named: bool) -> Robots:
    rules = tuple(
        (quote(value, _QUOTED), field == "allow")
        for field, value in lines
        if field in {"allow", "disallow"} and value
    )
    signals = tuple(
        (found[1].lower(), found[2].lower())
        for field, value in lines
        if field == "content-signal"
        for found in _SIGNAL.finditer(value)
    )
    delays = [_delay(value) for field, value in lines if field == "crawl-delay"]
    return Robots(rules=rules, crawl_delay=max(delays, default=timedelta()), signals=signals, named=named)


def _delay(text: str) -> timedelta:
    if not re.fullmatch(r"\d{1,6}(?:\.\d{1,6})?", text, re.ASCII):
        return timedelta()
    return min(timedelta(seconds=float(text)), LONGEST_DELAY)


def _path(url: str) -> str:
    parts = urlsplit(url)
    return quote((parts.path or "/") + (f"?{parts.query}" if parts.query else ""), _QUOTED)


def matches(pattern: str, path: str) -> bool:
    """Compare from the start, `*` for anything, `$` for the end; no regex, which could be made slow."""
    is_whole = pattern.endswith("$")
    first, *rest = pattern.removesuffix("$").split("*")
    if not path.startswith(first):
        return False
    at = len(first)
    last = rest.pop() if rest and is_whole else None
    for piece in rest:
        found = path.find(piece, at)
        if found < 0:
            return False
        at = found + len(piece)
    if last is not None:
        return path.endswith(last) and len(path) - len(last) >= at
    return at == len(path) if is_whole else True
