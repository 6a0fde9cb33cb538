"""Looking at an entry's page, and what its site says to that."""

from dataclasses import dataclass, field
from datetime import timedelta
from typing import Literal

from aggregator.model.fetches import Failure, Fetched

Effect = Literal["titles", "stop"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Signal:
    """What a publisher says against a use of the text, and what follows."""

    text: str  # names the file or header and what stands there
    effect: Effect


@dataclass(frozen=True, slots=True, kw_only=True)
class SitePolicy:
    """The files in which a site says what may be done with it; "" for one that is not there."""

    origin: str  # scheme, host and port
    robots: str = field(default="", repr=False)
    tdmrep: str = field(default="", repr=False)
    ai_txt: str = field(default="", repr=False)
    known: bool = True  # False: its robots.txt could not be read
    trouble: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class PageVisit:
    """An entry whose site's signals, and maybe page, are to be looked at."""

    entry_id: int
    fingerprint: str  # of the entry
    title: str
    url: str  # its permalink, or its feed's address where it has none
    wanted: bool  # the page's text, not the signals alone
    noted: bool  # rights_note says why signals do not hold
    length: int  # characters of the feed's text


@dataclass(frozen=True, slots=True, kw_only=True)
class SiteBatch:
    """The visits to one registrable domain, one after another."""

    domain: str
    visits: tuple[PageVisit, ...]
    spacing: timedelta
    wait: timedelta = timedelta()


@dataclass(frozen=True, slots=True, kw_only=True)
class PageJob:
    """One job of visits, with the policies that were read within a day."""

    batches: tuple[SiteBatch, ...]
    policies: tuple[SitePolicy, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Looked:
    """What one visit brought. Neither text nor failure: there was nothing to fetch, or nothing better."""

    visit: PageVisit
    text: str = ""  # of the page, where it is longer than the feed's; shape as in Article
    url: str = ""  # where redirects ended, of a page that was read
    shortlink: str = ""  # by which WordPress knows the page, where the page says that it is WordPress's
    failure: str | None = None
    again: bool = False  # whether trying later makes sense
    signal: Signal | None = None
    refused: Failure | None = None  # an answer that asks to be left alone


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrived:
    """A page that came and may be read."""

    visit: PageVisit
    page: Fetched


@dataclass(frozen=True, slots=True, kw_only=True)
class PageOutcome:
    """What a job of visits brought, and the policies read on the way."""

    looked: tuple[Looked, ...]
    policies: tuple[SitePolicy, ...]
