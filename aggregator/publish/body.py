"""The body a feed carries: the summary first, for readers preview its start, then where it comes from."""

import html
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import replace
from itertools import accumulate
from typing import get_args
from urllib.parse import urlsplit

from aggregator.model import Rights
from aggregator.publish.counts import tally, threads
from aggregator.publish.edition import (
    MARK,
    WRITTEN,
    Facts,
    Translated,
    shown_texts,
    source_language,
    web_url,
    written_parts,
)

_FEW = 40  # letters of a sentence that say something
_WIDTH: dict[str, int] = {rights: width for width, rights in enumerate(get_args(Rights))}


def frozen_body(facts: Facts, room: int | None = None) -> str:
    """Write the body a feed carries: the summary first, for readers preview its start, then the source.

    Units: `room` is how many bytes of a document the summary may take; None shortens nothing.
    """
    if room is None:
        return "".join((quoted(facts), _credits(facts), _discussion(facts)))
    return quoted(facts, room) + _short_credits(facts)


def within_rights(facts: Facts) -> Facts:
    """Return what was frozen, with a body made anew where the feed's rights are others by now."""
    row = facts.publication
    if row.fingerprint.startswith(f"{facts.rights} "):
        return facts
    return replace(facts, publication=replace(row, body=frozen_body(facts, row.room)))


def within_rights_dropped(facts: Facts) -> Facts:
    """Return what was frozen of an entry whose texts are gone: made anew, it would say nothing.

    Shape: no text where rights are narrower by now.
    """
    row = facts.publication
    if _WIDTH[facts.rights] >= _WIDTH.get(row.fingerprint.partition(" ")[0], 0):
        return facts
    if facts.translated is None and not row.title.startswith(MARK):
        made = Translated(engine="", model="", title=row.title, summary="", story="", current=False)
        facts = replace(facts, translated=made)  # by whom is no longer known
    return replace(facts, publication=replace(row, body=frozen_body(facts, row.room)))


def quoted(facts: Facts, room: int | None = None) -> str:
    """Write the summary as a feed's body begins with it; nothing where there is none, or no room."""
    summary, _ = shown_texts(facts)
    if not summary:
        return ""
    if room is not None:
        return _shortened(facts, summary, room)
    language = "" if facts.translated else _lang(facts)
    glue = "" if facts.translated else " "
    written = facts.translated is not None and facts.translated.written
    label = WRITTEN if written else ""
    text = f"<p{language}>{html.escape(glue.join(summary))}{label}</p>"
    if facts.rights == "full" or written:  # what a model wrote is no quotation
        return text
    url = web_url(facts.permalink)
    cite = f' cite="{html.escape(url)}"' if url else ""
    return f"<blockquote{cite}>{text}</blockquote>"


def _shortened(facts: Facts, summary: Sequence[str], room: int) -> str:
    """Quote what there is room for, whole sentences if possible; author and feed stand beside the body."""
    glue = "" if facts.translated else " "
    texts = [glue.join(summary[:count]) for count in range(len(summary), 0, -1)]
    start, end = ("<p>", "</p>") if facts.rights == "full" else ("<blockquote><p>", "</p></blockquote>")
    if facts.translated is None:
        start = start.replace("<p>", f"<p{_lang(facts)}>")
    elif facts.translated.written:
        start, end = "<p>", f"{WRITTEN}</p>"
    left = room - _size(start + end)
    fitting = next((text for text in texts if _size(html.escape(text)) <= left), "")
    text = fitting or _cut(summary[0], left)
    return f"{start}{html.escape(text)}{end}" if text else ""


def _cut(sentence: str, left: int) -> str:
    """Cut a sentence to its room; nothing is better than a few letters."""
    letters = list(accumulate(_size(html.escape(letter)) for letter in sentence))
    kept = bisect_right(letters, left - _size("…"))
    return sentence[:kept] + "…" if kept >= _FEW else ""


def _size(text: str) -> int:
    """Return how many bytes markup takes in a document, where it is escaped once more."""
    return len(html.escape(text, quote=False).encode())


def _short_credits(facts: Facts) -> str:
    line = [] if facts.translated else ["未訳"]
    if facts.translated and facts.translated.engine != "original":
        parts = written_parts(headline=facts.translated.headline, summary=facts.translated.written)
        line = [f"原題: {html.escape(facts.title)}"] if facts.title else []
        line += [f"AIによる{parts}"] if parts else []
        line.append(_engine(facts.translated.engine))
    return f"<p>{' / '.join(line)}</p>" if line else ""


def _credits(facts: Facts) -> str:
    parts = [facts.sources[0].feed_title, "、".join(facts.authors)]
    line = [html.escape(part) for part in parts if part]
    if facts.translated is None:
        line.append("未訳")
    elif facts.translated.engine != "original":
        line = [*_original(facts), *line, *map(html.escape, _writer(facts.translated))]
        engine = f"{facts.translated.engine} {facts.translated.model}".strip()
        if engine != facts.translated.writer or not _all_written(facts.translated):
            line.append(_engine(engine))
    return f"<p>{' / '.join(line)}</p>"


def _engine(name: str) -> str:
    return html.escape(f"機械翻訳: {name}" if name else "機械翻訳")


def _writer(made: Translated) -> list[str]:
    parts = written_parts(headline=made.headline, summary=made.written)
    return [f"AIによる{parts}: {made.writer}"] if parts else []


def _all_written(made: Translated) -> bool:
    return made.headline and made.written


def _original(facts: Facts) -> list[str]:
    if facts.title:
        return ["原題: " + _link(facts.permalink, facts.title, _lang(facts))]
    return ["原文: " + _link(facts.permalink, facts.permalink)] if facts.permalink else []


def _discussion(facts: Facts) -> str:
    urls = threads(web_url(facts.comments_url), tally(facts.counts))
    links = [_link(url, urlsplit(url).hostname or url) for url in urls]
    return f"<p>ディスカッション: {' / '.join(links)}</p>" if links else ""


def _link(url: str | None, text: str, attributes: str = "") -> str:
    if web_url(url) is None:
        return f"<span{attributes}>{html.escape(text)}</span>" if attributes else html.escape(text)
    return f'<a href="{html.escape(url or "")}"{attributes}>{html.escape(text)}</a>'


def _lang(facts: Facts) -> str:
    return f' lang="{source_language(facts)}"'
