"""The body a feed carries: the summary first, for readers preview its start, then where it comes from."""

import html
from urllib.parse import urlsplit

from aggregator.publish.counts import tally, threads
from aggregator.publish.edition import (
    WRITTEN,
    Facts,
    Translated,
    shown_texts,
    source_language,
    web_url,
    written_parts,
)


def frozen_body(facts: Facts) -> str:
    """Write the body a feed carries: the summary first, for readers preview its start, then the source."""
    return "".join((quoted(facts), _credits(facts), _discussion(facts)))


def quoted(facts: Facts) -> str:
    """Write the summary as a feed's body begins with it; nothing where there is none."""
    summary, _ = shown_texts(facts)
    if not summary:
        return ""
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


def _credits(facts: Facts) -> str:
    parts = [facts.sources[0].feed_title, "、".join(facts.authors)]
    line = [html.escape(part) for part in parts if part]
    if facts.translated is None:
        line.append("未訳")
    elif facts.translated.engine != "original":
        line = [*_original(facts), *line, *map(html.escape, _writer(facts.translated))]
        engine = f"{facts.translated.engine} {facts.translated.model}".strip()
        if engine != facts.translated.writer or not _all_written(facts.translated):
            line.append(html.escape(f"機械翻訳: {engine}"))
    return f"<p>{' / '.join(line)}</p>"


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
