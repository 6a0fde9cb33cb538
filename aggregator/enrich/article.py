"""The text of an entry, from what its feed carries."""

import hashlib
import re

from aggregator.markup import source, to_text
from aggregator.model import Article, ArticleJob

TEASER = 1000  # characters; a story of twelve sentences needs more
_CUT_OFF = re.compile(r"(?:…|\.\.\.|\[(?:…|\.\.\.)\])\s*$")

# What feeds put where the article should be; none of it is text about the story.
_BOILERPLATE = re.compile(
    r"""^(?:
        comments? | continue\ reading\b.* | (?:read|learn|see|show)\ (?:more|the\ rest)\b.*
      | read\ (?:the\ )?full\b.*
      | \[?(?:link|comments|permalink)\]?(?:\s+\[?(?:link|comments|permalink)\]?)* | permalink | source
      | the\ post\ .*\ (?:appeared|first\ appeared)\ .*
      | this\ (?:post|article|story)\ (?:was\ )?(?:originally|first)\ .*
      | (?:article|comments)\ url:.* | (?:points|\#\ comments):.* | submitted\ by\b.*
      | (?:subscribe|sign\ up|follow\ us|share\ this|advertisement|sponsored|related)\b.*
      | 原題:\ .+\ /\ .+ | (?:.+\ /\ )?未訳  # of a feed of this program: relayed.py reads it
      | ディスカッション:\ .+
      | (?:by|written\ by|posted\ by)\s+\S+(?:\s+\S+){0,4} | (?:image|photo|credit)s?:.* | https?://\S+
    )$""",
    re.IGNORECASE | re.VERBOSE,
)


def extract(job: ArticleJob) -> Article:
    """Return the longer of content and summary as paragraphs of plain text, boilerplate left out."""
    text = max((_clean(html) for html in (job.content_html, job.summary_html)), key=len)
    return Article(
        entry_id=job.entry_id,
        input_fingerprint=job.fingerprint,
        origin="feed",
        text=text,
        fingerprint=fingerprint(job.title, text),
    )


def fingerprint(title: str, text: str) -> str:
    """Return what tells whether title or text changed: the summary's input."""
    return hashlib.sha256(f"{title}\0{text}".encode()).hexdigest()


def is_teaser(text: str) -> bool:
    """Tell whether a feed's text is short, or ends in dots: the page may hold more."""
    return len(text) < TEASER or bool(_CUT_OFF.search(text))


def _clean(html: str) -> str:
    paragraphs = (paragraph.strip() for paragraph in to_text(source(html)).split("\n\n"))
    return "\n\n".join(paragraph for paragraph in paragraphs if paragraph and not is_boilerplate(paragraph))


def is_boilerplate(paragraph: str) -> bool:
    """Tell whether a paragraph is furniture: "Read more", "Comments", a byline, a bare link."""
    return bool(_BOILERPLATE.match(paragraph.strip(" .:→»>…\u00a0")))
