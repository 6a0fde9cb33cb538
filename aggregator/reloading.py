"""Settings read anew while a server or a run goes on: what of them can be taken up."""

import logging
from collections.abc import Callable
from dataclasses import replace

from aggregator.config import Config
from aggregator.errors import AggregatorError, ConfigError

FIXED = ("store", "listen")  # settings of what is held open: other ones hold from the next start

log = logging.getLogger(__name__)


def settings(read: Callable[[], Config], old: Config) -> Config | None:
    """Return the settings to go on with; None, and a line in the log, where they cannot be used."""
    try:
        new = read()
    except ConfigError as error:
        log.error("settings_refused error=%s", error)
        return None
    fixed = {name: getattr(old, name) for name in FIXED if getattr(old, name) != getattr(new, name)}
    if fixed:
        log.warning("settings_need_a_restart names=%s", ",".join(fixed))
    return replace(new, **fixed)


def serve(adopt: Callable[[Config], object], new: Config) -> None:
    """Have a server answer by new settings; where it cannot, which is logged, it goes on by the old ones."""
    try:
        adopt(new)
    except AggregatorError as error:
        log.error("settings_not_served error=%s", error)
    log.info("settings_taken_up")
