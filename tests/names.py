"""Host names of a test's own, known to the fetching side alone."""

import pytest

from aggregator.http import names


def give_addresses(monkeypatch: pytest.MonkeyPatch, table: dict[str, list[str]]) -> None:
    """Let names lead to the addresses given, in turn at each look-up and the last one for ever."""
    real = names.look_up

    def in_turn(name: str, port: int) -> list[str]:
        given = table.get(name)
        if given is None:
            return real(name, port)
        return [given.pop(0) if len(given) > 1 else given[0]]

    monkeypatch.setattr(names, "look_up", in_turn)
