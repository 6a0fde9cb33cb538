"""What another aggregator of this program says of an entry it translated, read from the credits in its body.

One may subscribe to the feeds of others (docs/scaling.md). Their entries are Japanese by then; the original's
title, feed and author and the engine stand in the body's line of credits, as `body.frozen_body` writes it.
"""

import html
import re
from dataclasses import dataclass, replace
from itertools import takewhile

from aggregator.publish.edition import Facts, language_tag

_CREDITS = re.compile(r"<p>原題: (?:<(?:a|span)\b([^>]*)>)?([^<]*)(?:</(?:a|span)>)? / ([^<]*)</p>")
_LANGUAGE = re.compile(r"\blang=\"([^\"]*)\"")
_WRITTEN = re.compile(r"AIによる(見出し)?・?(要約)?(?:: (.+))?")
_TRANSLATED = re.compile("機械翻訳(?:: (.+))?")
_BYLINE = re.compile(r"(.+?) \((.+)\)")  # as `edition.byline` writes it


@dataclass(frozen=True, slots=True, kw_only=True)
class Credits:
    """The line of credits."""

    title: str  # the original's
    language: str
    names: tuple[str, ...] = ()  # feed and authors, cut where they hold " / "; none in the short line
    engine: str = ""
    headline: bool = False  # written by a model, not translated
    summary: bool = False
    writer: str = ""


def read(body_html: str) -> Credits | None:
    """Return the credits in a body, None where it has none of ours."""
    found = _CREDITS.findall(body_html)
    if not found:
        return None
    attributes, title, rest = found[-1]
    parts = [html.unescape(part) for part in rest.split(" / ")]
    made = [match for part in parts if (match := _TRANSLATED.fullmatch(part))]
    wrote = [match for part in parts if (match := _WRITTEN.fullmatch(part))]
    if not (made or wrote):
        return None
    language = _LANGUAGE.search(attributes)
    names = takewhile(lambda part: not (_TRANSLATED.fullmatch(part) or _WRITTEN.fullmatch(part)), parts)
    return Credits(
        title=html.unescape(title), language=language_tag(language[1] if language else None),
        names=tuple(names), engine=(made[0][1] or "") if made else "",
        headline=any(match[1] for match in wrote), summary=any(match[2] for match in wrote),
        writer=next((match[3] for match in wrote if match[3]), ""),
    )  # fmt: skip


def credited(facts: Facts, line: Credits) -> Facts:
    """Return what is known of a story, told as the aggregator that translated it tells it."""
    if facts.translated is None:
        return facts
    byline = "、".join(facts.authors)
    feed = _feed(line.names, byline) or facts.sources[0].feed_title
    authors = byline.removesuffix(f" ({feed})")
    return replace(
        facts, title=line.title, language=line.language,
        authors=() if authors in {"", feed} else (authors,),
        sources=(replace(facts.sources[0], feed_title=feed, site_url=None), *facts.sources[1:]),
        translated=replace(
            facts.translated, engine=line.engine, model="", headline=line.headline,
            written=line.summary, writer=line.writer,
        ),
    )  # fmt: skip


def _feed(names: tuple[str, ...], byline: str) -> str:
    """Return the feed's title; where it may end the byline tells, which has it too."""
    for end in range(len(names), 0, -1):
        feed, authors = " / ".join(names[:end]), " / ".join(names[end:])
        if byline == (f"{authors} ({feed})" if authors else feed):
            return feed
    told = _BYLINE.fullmatch(byline)
    return names[0] if names else (told[2] if told else byline)
