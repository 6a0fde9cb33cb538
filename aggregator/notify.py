"""Telling an operator by a command of their own, or by a POST to an address of theirs."""

import json
import logging
from collections.abc import Mapping
from datetime import timedelta
from urllib.parse import urlsplit

from aggregator import commands
from aggregator.errors import FetchError
from aggregator.http import post

PATIENCE = timedelta(seconds=20)

log = logging.getLogger(__name__)


def tell(alert: str, facts: Mapping[str, str], patience: timedelta = PATIENCE) -> str:
    """Tell by what the setting `alert` names, and return why that failed, "" where it did not.

    Shape: an address gets the facts as JSON; a command gets the same on its standard input, and each of them
    in ALERT_<NAME>.
    """
    send = _post if is_address(alert) else _run
    failure = send(alert, facts, patience)
    if failure:  # the address may hold a key
        log.warning("alert_not_sent key=%s error=%s", facts.get("key"), failure)
    return failure


def is_address(alert: str) -> bool:
    """Tell whether a setting names an address and not a command."""
    return alert.lower().startswith(("http://", "https://"))


def _post(url: str, facts: Mapping[str, str], patience: timedelta) -> str:
    try:
        reply = post.post_json(url, dict(facts), {}, patience)
    except FetchError as error:
        return f"{urlsplit(url).hostname}: {type(error).__name__}"
    return "" if 200 <= reply.status < 300 else f"{urlsplit(url).hostname}: status {reply.status}"


def _run(command: str, facts: Mapping[str, str], patience: timedelta) -> str:
    given = {f"ALERT_{name.upper()}": text for name, text in facts.items()}
    return commands.run(command, (json.dumps(dict(facts), ensure_ascii=False),), given, patience)
