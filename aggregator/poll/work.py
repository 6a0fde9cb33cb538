"""The poll stage's work, named here so that each side loads only what it uses."""

from aggregator.config import Config
from aggregator.model import Shard, ShardOutcome


def work(config: Config, shard: Shard) -> ShardOutcome:
    """Fetch a shard's feeds and parse each body where it was fetched."""
    # Sockets and parsers take a fifth of a second to load: in the worker, and only if a feed is due.
    from aggregator.poll.shard import fetch_and_parse

    return fetch_and_parse(config, shard)
