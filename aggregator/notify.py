"""Telling an operator by a command of their own, or by a POST to an address of theirs."""

import json
import logging
import os
import shlex
import signal
import subprocess
import tempfile
from collections.abc import Mapping
from datetime import timedelta
from typing import IO
from urllib.parse import urlsplit

from aggregator.errors import FetchError
from aggregator.http import post

PATIENCE = timedelta(seconds=20)
_OURS = "AGGREGATOR_"  # settings, and keys among them, are no business of a command
_SHOWN = 200  # characters of what a command complained of

log = logging.getLogger(__name__)


def tell(alert: str, facts: Mapping[str, str], patience: timedelta = PATIENCE) -> str:
    """Tell by what the setting `alert` names, and return why that failed, "" where it did not.

    Shape: an address gets the facts as JSON; a command gets them on its standard input and each in
    AGGREGATOR_ALERT_<NAME>.
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
    given = {f"{_OURS}ALERT_{name.upper()}": text for name, text in facts.items()}
    kept = {name: value for name, value in os.environ.items() if not name.startswith(_OURS)}
    text = json.dumps(dict(facts), ensure_ascii=False)
    # A file and no pipe: what the command leaves running would hold its end, and us with it.
    with tempfile.TemporaryFile() as complaints:
        try:
            process = subprocess.Popen(  # noqa: S603 - the operator's own command
                shlex.split(command), env=kept | given, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL,
                stderr=complaints, start_new_session=True,
            )  # fmt: skip
        except OSError as error:
            return f"{error.filename}: {error.strerror}"
        with process:
            return _outcome(process, text.encode(), patience) or _complaint(process.returncode, complaints)


def _outcome(process: "subprocess.Popen[bytes]", text: bytes, patience: timedelta) -> str:
    try:
        process.communicate(text, timeout=patience.total_seconds())
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        return f"no end after {patience.total_seconds():.0f} s"
    return ""


def _complaint(code: int, complaints: IO[bytes]) -> str:
    complaints.seek(0)
    said = complaints.read(_SHOWN).decode(errors="replace").strip()
    return f"exit code {code}: {said}" if code else ""
