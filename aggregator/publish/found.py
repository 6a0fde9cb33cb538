"""What a search found, by pages."""

from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import urlencode

from aggregator.model import EditionEntry
from aggregator.publish.terms import MAX_LENGTH, Query

MOST = 1000  # the newest hits are ranked and shown; what is older is not looked at
SIZE = 30  # hits on a page


@dataclass(frozen=True, slots=True, kw_only=True)
class Hit:
    """A story that was found."""

    story_id: int
    titled: bool  # all that was looked for stands in its titles


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """One page of hits."""

    query: Query
    entries: tuple[EditionEntry, ...]
    total: int
    page: int = 1

    size = SIZE
    longest = MAX_LENGTH

    @property
    def pages(self) -> int:
        """How many pages there are."""
        return page_count(self.total)

    @property
    def is_full(self) -> bool:
        """Whether there may be older hits that were not looked at."""
        return self.total >= MOST

    @property
    def feed(self) -> str:
        """The same search as a feed."""
        return self._address(format="json")

    def address(self, page: int) -> str:
        """Return where another page of it is, relative to the pages' folder."""
        return self._address(page=str(page))

    def _address(self, **more: str) -> str:
        return f"search?{urlencode({'q': self.query.text, **more})}"


def page_count(total: int) -> int:
    """Return how many pages so many hits take."""
    return -(-total // SIZE)


def ranked(hits: Sequence[Hit]) -> list[Hit]:
    """Put those first that have everything in their titles; the order stays otherwise."""
    return sorted(hits, key=lambda hit: not hit.titled)
