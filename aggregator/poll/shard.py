"""A shard's feeds fetched, and each body parsed where it was fetched."""

from dataclasses import replace

from aggregator.config import Config
from aggregator.errors import NotAFeed
from aggregator.http import Answer
from aggregator.http.shards import fetch_shard
from aggregator.model import (
    Changed,
    DueFeed,
    Failure,
    Fetched,
    ParsedFeed,
    PollOutcome,
    Shard,
    ShardOutcome,
    Unchanged,
)
from aggregator.poll.decide import PARSER_VERSION, fingerprint
from aggregator.runaway import Overrun, in_time
from aggregator.websub.protocol import named_links

PARSE_SECONDS = 10.0  # of CPU
_REFUSED = f"{NotAFeed.__name__}: "  # as decide.py writes a failure's kind


def fetch_and_parse(config: Config, shard: Shard) -> ShardOutcome:
    """Return what became of each feed of a shard."""
    return ShardOutcome(results=tuple(poll.result for poll in fetch_shard(config, shard, outcome_of)))


def outcome_of(feed: DueFeed, answer: Answer) -> PollOutcome:
    """Return what an answer means for its feed; a body that is known already is not parsed."""
    if not isinstance(answer, Fetched):
        return PollOutcome(feed=feed, result=answer)
    seen = fingerprint(answer.body, PARSER_VERSION)
    if seen == feed.body_fingerprint:
        return PollOutcome(feed=feed, result=_unchanged(answer))
    if seen == feed.refused_fingerprint and feed.failure:
        return PollOutcome(feed=feed, result=_refused(answer, feed.failure.removeprefix(_REFUSED), seen))
    try:
        parsed = parse_in_time(answer, newest=feed.first_fill, known=feed.entry_marks)
    except NotAFeed as error:
        return PollOutcome(feed=feed, result=_refused(answer, str(error), seen))
    return PollOutcome(feed=feed, result=_changed(answer, parsed, seen))


def _refused(answer: Fetched, reason: str, seen: str) -> Failure:
    return Failure(
        kind=NotAFeed.__name__,
        detail=reason,
        url=answer.url,
        status=answer.status,
        seconds=answer.seconds,
        body_fingerprint=seen,
    )


def _unchanged(answer: Fetched) -> Unchanged:
    return Unchanged(
        fetched_url=answer.url,
        etag=answer.etag,
        last_modified=answer.last_modified,
        fresh_for=answer.fresh_for,
        moved_to=answer.moved_to,
        wire_bytes=answer.wire_bytes,
        seconds=answer.seconds,
        status=answer.status,
    )


def _changed(answer: Fetched, parsed: ParsedFeed, seen: str) -> Changed:
    return Changed(
        fetched_url=answer.url,
        feed=_with_links(parsed, answer),
        etag=answer.etag,
        last_modified=answer.last_modified,
        body_fingerprint=seen,
        fresh_for=answer.fresh_for,
        moved_to=answer.moved_to,
        wire_bytes=answer.wire_bytes,
        seconds=answer.seconds,
        status=answer.status,
    )


def _with_links(parsed: ParsedFeed, answer: Fetched) -> ParsedFeed:
    """Let a Link header outrank the document: WebSub section 4 looks there first."""
    header = next((value for name, value in answer.headers if name == "link"), "")
    hub_url, self_url = named_links(header, answer.url)
    if not (hub_url or self_url):
        return parsed
    return replace(parsed, hub_url=hub_url or parsed.hub_url, self_url=self_url or parsed.self_url)


def parse_in_time(answer: Fetched, *, newest: int | None = None, known: bytes = b"") -> ParsedFeed:
    """Return what an answer's body says, as `parse` does.

    Raises: NotAFeed, also where it took too much CPU time.
    """
    # Parsers are loaded once a body is new: most answers bring none.
    from aggregator.poll.parse import parse

    try:
        return in_time(
            PARSE_SECONDS, parse, answer.body, answer.content_type, answer.url, newest=newest, known=known
        )
    except Overrun as error:
        raise NotAFeed(f"parsing took more than {PARSE_SECONDS:.0f} s of CPU") from error
