"""Host names of a test's own, known to the fetching side alone."""

import pycurl
import pytest

from aggregator.http import curl


def give_addresses(monkeypatch: pytest.MonkeyPatch, port: int, table: dict[str, list[str]]) -> None:
    """Let names lead to the addresses given, in turn at each session and the last one for ever."""
    plain = curl.Session._new_handle

    def in_turn(session: curl.Session) -> pycurl.Curl:
        handle = plain(session)
        given = {name: found.pop(0) if len(found) > 1 else found[0] for name, found in table.items()}
        handle.setopt(pycurl.RESOLVE, [f"{name}:{port}:{_bare(found)}" for name, found in given.items()])
        return handle

    monkeypatch.setattr(curl.Session, "_new_handle", in_turn)


def _bare(address: str) -> str:
    return f"[{address}]" if ":" in address else address
