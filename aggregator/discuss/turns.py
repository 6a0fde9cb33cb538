"""What a provider looks for on behalf of the stories whose turn it is, and what it has found."""

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable
from datetime import timedelta

from aggregator.discuss import links
from aggregator.discuss.answers import Asking, Reader, ask
from aggregator.model import (
    Counted,
    CountTurn,
    Discussion,
    Failure,
    Provider,
    Request,
    ThreadCount,
)

GONE = frozenset({404, 410, 451})  # what is answered for a thread that is no more
# Since a story came out: a search costs a request for one story alone, and most are in no provider's index.
_SEARCHED = (
    (timedelta(hours=1), timedelta(hours=3)),
    (timedelta(hours=12), timedelta(days=1)),
    (timedelta(days=3), timedelta.max),
)
_MOST_KEYS = 2  # of a story's addresses that are searched for


def known(turn: CountTurn, provider: Provider) -> list[Discussion]:
    """Return the threads of a provider that a story is known to have."""
    return [thread for thread in turn.threads if thread.provider == provider]


def keys(turn: CountTurn) -> list[str]:
    """Return the addresses to search for a story by."""
    return [key for key in dict.fromkeys(map(links.key, turn.urls)) if key][:_MOST_KEYS]


def search_due(turn: CountTurn) -> bool:
    """Say whether a story is of an age at which it is searched for: an hour, half a day, three days."""
    return any(begin <= turn.age < end for begin, end in _SEARCHED)


def finder(waiting: Iterable[CountTurn], provider: Provider) -> Callable[[str, str], list[CountTurn]]:
    """Return what finds the stories that a thread is about, from its key and the address it names."""
    by_thread: defaultdict[str, list[CountTurn]] = defaultdict(list)
    by_key: defaultdict[str, list[CountTurn]] = defaultdict(list)
    for turn in waiting:
        for thread in known(turn, provider):
            by_thread[thread.key].append(turn)
        for key in {links.key(url) for url in turn.urls} - {None}:
            by_key[key or ""].append(turn)

    def find(thread_key: str, url: str) -> list[CountTurn]:
        turns = [*by_thread.get(thread_key, ()), *by_key.get(links.key(url) or "", ())]
        return list({turn.story_id: turn for turn in turns}.values())

    return find


def counted(turn: CountTurn, thread: Discussion, count: int | None) -> ThreadCount:
    """Return what a provider says of one thread about a story; None for a thread that is gone."""
    return ThreadCount(story_id=turn.story_id, discussion=thread, count=count)


class Found:
    """What a script has gathered: counts, and the stories it could not ask about."""

    def __init__(self) -> None:
        self._counts: dict[tuple[int, str], ThreadCount] = {}
        self._met: set[int] = set()
        self._failed: set[int] = set()
        self._named: list[tuple[int, Discussion]] = []

    def gather(
        self, waiting: Iterable[CountTurn], request: Request, read: Reader[Iterable[ThreadCount]]
    ) -> Asking[bool]:
        """Ask on behalf of stories and keep what is read; return whether there was an answer."""
        counts = yield from ask(request, read)
        if isinstance(counts, Failure):
            self.fail(waiting)
            return False
        self.add(counts)
        return True

    def refresh(
        self,
        turn: CountTurn,
        thread: Discussion,
        request: Request,
        read: Reader[int | None],
        gone: Collection[int] = GONE,
    ) -> Asking[bool]:
        """Ask about one known thread and keep its count, or that it is gone; return whether that was said."""
        count = yield from ask(request, read)
        if not isinstance(count, Failure):
            self.add([counted(turn, thread, count)])
        elif count.status in gone:
            self.add([counted(turn, thread, None)])
        else:
            self.fail([turn])
            return False
        return True

    def add(self, counts: Iterable[ThreadCount]) -> None:
        """Keep counts."""
        for count in counts:
            self._counts[count.story_id, count.discussion.key] = count
            self._met.add(count.story_id)

    def name(self, turn: CountTurn, thread: Discussion | None) -> None:
        """Note that an answer about a story names a thread, which its own provider is to be asked about."""
        if thread:
            self._named.append((turn.story_id, thread))

    def fail(self, waiting: Iterable[CountTurn]) -> None:
        """Note that stories could not be asked about."""
        self._failed |= {turn.story_id for turn in waiting}

    def has(self, turn: CountTurn, thread: Discussion) -> bool:
        """Say whether a story's thread was counted."""
        return (turn.story_id, thread.key) in self._counts

    def is_met(self, turn: CountTurn) -> bool:
        """Say whether any thread of a story was found."""
        return turn.story_id in self._met

    def of(self, waiting: Collection[CountTurn]) -> Counted:
        """Return all of it, for the stories whose turn it is."""
        asked = frozenset(turn.story_id for turn in waiting) - self._failed
        return Counted(counts=tuple(self._counts.values()), asked=asked, named=tuple(self._named))
