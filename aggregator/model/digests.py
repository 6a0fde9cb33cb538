"""Digests: what mattered of a day or a week, frozen at its hour."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from aggregator.model.editions import PublicationState
from aggregator.model.feeds import Rights

DigestKind = Literal["daily", "weekly", "morning"]


@dataclass(frozen=True, slots=True, kw_only=True)
class DigestEntry:
    """What a digest says of one entry, as it was then; beside it what holds for that entry now."""

    story_id: int
    title: str
    line: str  # one sentence of its summary; "" where there is none, or none may be shown
    feed_title: str
    more: int  # further feeds that told the story
    url: str | None  # the original
    comments: int | None  # at that moment; None where nobody counted
    slug: str = ""  # of its page
    state: PublicationState = "translated"
    rights: Rights = "excerpt"
    dropped: bool = False  # its texts went, and its page may have gone with them


@dataclass(frozen=True, slots=True, kw_only=True)
class Digest:
    """今日のまとめ, 今週のまとめ or 朝刊: a list made once, of entries published before."""

    kind: DigestKind
    name: str  # 2026-11-24, 2026-W48
    public_id: str
    title: str
    body: str  # what feeds carry, frozen; "" of a morning, whose feed carries the entries themselves
    published_at: datetime
    among: int  # how many entries it was chosen from
    entries: tuple[DigestEntry, ...]  # the most important first
    previous: str = ""  # the name of the one before it, of its kind
    changes: int = 0  # how often its page had to be written again


@dataclass(frozen=True, slots=True, kw_only=True)
class DigestLine:
    """A digest in the list of all."""

    name: str
    title: str
    published_at: datetime
    top: str  # its first headline
