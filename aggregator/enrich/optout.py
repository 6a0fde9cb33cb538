"""What publishers say against a use of their text, and what follows from it. The table: docs/rights.md."""

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from urllib.parse import urlsplit

from aggregator.enrich import robots
from aggregator.model import Signal, SitePolicy

LEAST_SNIPPET = 300  # characters: what an excerpt takes
_META = re.compile(rb"<meta\b[^<>]{0,1000}>", re.IGNORECASE)
_ATTRIBUTE = re.compile(r"""\b(name|content)\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s"'>]+))""", re.IGNORECASE)
_HEAD = 256 * 1024  # bytes in which a page's metas are looked for
_SNIPPET = re.compile(r"max-snippet\s*:\s*(-?\d{1,9})")
_AGENT = re.compile(r"\s*([a-z][\w-]*)\s*:(?!\s*-?\d)")  # "max-snippet: 50" names no agent
_VALUED = frozenset({"max-snippet", "max-image-preview", "max-video-preview", "unavailable_after"})
_AGAINST = ("noai", "nosnippet", "noarchive")
_TEXT_FILES = ("/page.html", "/page.txt")  # ai.txt reserves kinds of files: "Disallow: *.html"


def refusal(policy: SitePolicy, url: str) -> str | None:
    """Return why a page must not be fetched, None where it may be.

    Source: RFC 9309 section 2.3.1.4: a robots.txt that cannot be reached forbids everything.
    """
    if not policy.known:
        return f"robots.txt of {policy.origin} cannot be read: {policy.trouble}"
    return None if robots.read(policy.robots).allows(url) else "robots.txt disallows the page"


def of_site(policy: SitePolicy, url: str) -> Signal | None:
    """Return the strongest signal in a site's files that bears on a page's text."""
    said = robots.read(policy.robots)
    if said.named and not said.allows(url):
        return Signal(text=f"robots.txt disallows it to {robots.AGENT}", effect="stop")
    for use in ("ai-input", "search"):
        if (use, "no") in said.signals:
            return Signal(text=f"robots.txt: Content-Signal {use}=no", effect="titles")
    if _is_reserved(policy.tdmrep, url):
        return Signal(text="tdmrep.json: tdm-reservation", effect="titles")
    ai = robots.read(policy.ai_txt)
    if not ai.allows(url) or not all(ai.allows(path) for path in _TEXT_FILES):
        return Signal(text="ai.txt disallows it", effect="titles")
    return None


def of_page(headers: Mapping[str, str], body: bytes) -> Signal | None:
    """Return the first signal in a page's headers and metas."""
    metas = list(_metas(body))
    spoken = [("X-Robots-Tag", _unprefixed(headers.get("x-robots-tag", "")))]
    spoken += [("meta robots", content) for name, content in metas if name in {"robots", robots.AGENT}]
    for place, text in spoken:
        against = _directive(text.lower())
        if against:
            return Signal(text=f"{place}: {against}", effect="titles")
    reservations = [("header", headers.get("tdm-reservation", ""))]
    reservations += [("meta", content) for name, content in metas if name == "tdm-reservation"]
    for place, text in reservations:
        if text.strip() == "1":
            return Signal(text=f"tdm-reservation in a {place}", effect="titles")
    return None


def _directive(text: str) -> str | None:
    words = {word for word in re.split(r"[,\s]+", text) if word}
    found = next((word for word in _AGAINST if word in words), None)
    snippet = _SNIPPET.search(text)
    if not found and snippet and 0 <= int(snippet[1]) < LEAST_SNIPPET:
        return f"max-snippet:{snippet[1]}"
    return found


def _unprefixed(text: str) -> str:
    """Leave out directives that a header addresses to other agents ("googlebot: nosnippet")."""
    kept: list[str] = []
    is_ours = True
    for part in text.lower().split(","):
        agent = _AGENT.match(part)
        if agent and agent[1] not in _VALUED:
            is_ours = agent[1] == robots.AGENT
            part = part[agent.end() :]  # noqa: PLW2901 - what is left of it
        if is_ours:
            kept.append(part)
    return ",".join(kept)


def _metas(body: bytes) -> Iterator[tuple[str, str]]:
    for tag in _META.findall(body[:_HEAD]):
        found = {
            name.lower(): double or single or bare
            for name, double, single, bare in _ATTRIBUTE.findall(tag.decode("utf-8", "replace"))
        }
        if "name" in found:
            yield found["name"].strip().lower(), found.get("content", "")


def _is_reserved(text: str, url: str) -> bool:
    """Say whether tdmrep.json reserves a page: the first location that fits decides.

    Source: TDMRep, W3C Community Group Final Report of 10 May 2024, "TDM File on the Origin Server".
    """
    path = urlsplit(url).path or "/"
    for rule in _rules(text):
        location = rule.get("location")
        if isinstance(location, str) and robots.matches(location, path):
            return rule.get("tdm-reservation") in {1, "1"}
    return False


def _rules(text: str) -> Iterable[dict[str, object]]:
    try:
        found = json.loads(text) if text else []
    except (ValueError, RecursionError):  # the report's general rule: an error leaves it unset
        return []
    return [rule for rule in found if isinstance(rule, dict)] if isinstance(found, list) else []
