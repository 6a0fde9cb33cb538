"""What an entry's page says to machines: a translation of another's work, and of which.

A page is a WebPage, never an article of ours; the original is named as such and never as our own address.
Source: https://schema.org/WebPage, isBasedOn, translationOfWork.
"""

import json

from markupsafe import Markup

from aggregator.model import EditionEntry
from aggregator.publish.edition import LANGUAGE, web_url

# What ends a script element, or a string in one, cannot stand in it as it is.
_ESCAPES = {ord(letter): f"\\u{ord(letter):04x}" for letter in "<>&\u2028\u2029"}
_Json = dict[str, object]


def work(entry: EditionEntry) -> Markup:
    """Return the page's JSON-LD, fit for a script element."""
    language = entry.original_language or "en"
    is_translated = entry.state == "translated" and entry.engine not in {"", "original"}
    page: _Json = {
        "@context": "https://schema.org",
        "@type": "WebPage",
        "name": entry.page_title,
        "inLanguage": LANGUAGE if entry.state == "translated" else language,
        "isBasedOn": entry.permalink,
        "translationOfWork": _original(entry, language) if is_translated else None,
    }
    text = json.dumps(_present(page), ensure_ascii=False).translate(_ESCAPES)
    return Markup(text)  # noqa: S704 - escaped the line before


def _original(entry: EditionEntry, language: str) -> _Json:
    authors = [{"@type": "Person", "name": name} for name in entry.authors]
    feed = entry.sources[0]
    publisher = _present({"@type": "Organization", "name": feed.feed_title, "url": web_url(feed.site_url)})
    return _present(
        {"@type": "CreativeWork", "name": entry.original_title, "url": entry.permalink,
         "inLanguage": language, "author": authors, "publisher": publisher}
    )  # fmt: skip


def _present(fields: _Json) -> _Json:
    return {key: value for key, value in fields.items() if value}
