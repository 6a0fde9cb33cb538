"""The deny list as a file: what is written is read, what is wrong is named, and what a line denies."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from aggregator import deny_list
from aggregator.deny_list import Denial
from aggregator.errors import ConfigError

NOON = datetime(2026, 11, 24, 3, tzinfo=UTC)


def denial(**what: tuple[str, ...]) -> Denial:
    return Denial(target="t", denied_at=NOON, reason="its author asked", **what)


def test_the_list_of_a_store_is_the_same_one_by_a_link_to_it(tmp_path: Path):
    store, link = tmp_path / "store.sqlite", tmp_path / "other" / "link.sqlite"
    link.parent.mkdir()
    link.symlink_to(store)
    written = deny_list.write(link, [denial(hosts=("a.example",))])
    assert deny_list.read(store) == deny_list.read(link) == written
    assert [each.name for each in link.parent.iterdir()] == ["link.sqlite"]


def test_a_list_that_an_older_version_wrote_beside_a_link_still_holds(tmp_path: Path):
    store, link = tmp_path / "store.sqlite", tmp_path / "other" / "link.sqlite"
    link.parent.mkdir()
    link.symlink_to(store)
    old = link.with_name("link.sqlite.denied")
    deny_list.write(store, [denial(hosts=("a.example",))])
    deny_list.path(store).rename(old)
    assert deny_list.read(link).hosts == {"a.example"}
    deny_list.write(link, [denial(hosts=("b.example",))])
    assert deny_list.read(link).hosts == {"b.example"}
    assert not deny_list.path(store).exists()


def test_what_is_written_is_read(tmp_path: Path):
    store = tmp_path / "new" / "store.sqlite"
    made = (
        denial(urls=("https://a.example/2026/ü",), entries=(deny_list.of_entry("https://f.example/", "g"),)),
        Denial(
            target="対象", denied_at=NOON, reason="理由", feeds=("https://f.example/",), hosts=("h.example",)
        ),
    )
    written = deny_list.write(store, made)
    assert deny_list.read(store) == written
    assert written.denials == made
    assert written.digest != deny_list.write(store, made[:1]).digest


def test_nobody_else_may_read_it(tmp_path: Path):
    for _ in range(2):  # also the one that replaces it
        deny_list.write(tmp_path / "s", [denial(hosts=("h.example",))])
        assert deny_list.path(tmp_path / "s").stat().st_mode & 0o777 == 0o600


def test_no_file_denies_nothing(tmp_path: Path):
    found = deny_list.read(tmp_path / "store.sqlite")
    assert (found.denials, found.digest) == ((), "")
    assert not found.denies_feed("https://f.example/")
    assert not found.denies_link("https://f.example/1")


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("{", "Expecting property name"),
        ("[]", "no takedown"),
        ('{"target": "t", "reason": "r"}', "denied_at"),
        ('{"target": "t", "reason": "r", "denied_at": "yesterday"}', "yesterday"),
        (
            '{"target": "t", "reason": "r", "denied_at": "2026-11-24T03:00:00Z", "host": ["a"]}',
            "unknown: host",
        ),
        (
            '{"target": "t", "reason": "r", "denied_at": "2026-11-24T03:00:00Z", "hosts": "a"}',
            "a list of texts",
        ),
        (
            '{"target": "t", "reason": "r", "denied_at": "2026-11-24T03:00:00Z", "hosts": [""]}',
            "a list of texts",
        ),
    ],
)
def test_a_line_that_cannot_be_read_is_named(line: str, said: str):
    good = '{"target": "t", "reason": "r", "denied_at": "2026-11-24T03:00:00Z"}'
    with pytest.raises(
        ConfigError, match=f"list, line 3: no takedown .*{said}" if said != "no takedown" else "line 3"
    ):
        deny_list.parse(f"{good}\n\n{line}\n".encode(), "list")


def test_what_a_person_wrote_is_compared_as_the_program_writes_it():
    line = (
        '{"target": "t", "reason": "r", "denied_at": "2026-11-24T12:00:00+09:00",'
        ' "urls": ["http://www.A.example/post/?utm_source=x"], "hosts": ["B.Example."],'
        ' "feeds": ["HTTP://F.example"]}'
    )
    found = deny_list.parse(line.encode(), "list")
    assert found.denials[0].denied_at == NOON
    assert found.denies_link("https://a.example/post")
    assert found.denies_link("https://sub.b.example/anything")
    assert found.denies_feed("http://f.example/")


@pytest.mark.parametrize(
    ("link", "denied"),
    [
        ("https://h.example/x", True),
        ("http://deep.sub.H.example:8080/", True),
        ("https://h.example./x", True),
        ("https://noth.example/x", False),
        ("https://h.example.org/x", False),
        ("mailto:a@h.example", False),
        ("", False),
    ],
)
def test_a_host_is_denied_with_all_beneath_it_and_no_other(link: str, denied: bool):
    found = deny_list.of([denial(hosts=("h.example",))])
    assert found.denies_link(link) is denied
    assert found.denies_feed(link) is denied


def test_an_address_is_denied_however_it_is_spelled_and_none_beside_it():
    found = deny_list.of([denial(urls=("https://a.example/post",))])
    assert all(
        map(found.denies_link, ("http://www.a.example/post/", "https://a.example/post?utm_source=x#top"))
    )
    assert not any(map(found.denies_link, ("https://a.example/post/2", "https://a.example/post?p=1")))
    assert not found.denies_feed("https://a.example/post")


def test_the_reason_is_that_of_the_line_that_denies():
    found = deny_list.of(
        [
            denial(hosts=("h.example",)),
            Denial(target="t", denied_at=NOON, reason="spam", feeds=("https://f.example/",)),
        ]
    )
    assert found.reason("https://f.example/") == "taken down on 2026-11-24: spam"
    assert found.reason("https://x.h.example/") == "taken down on 2026-11-24: its author asked"
    assert found.reason("https://else.example/") == ""


def test_keys_say_nothing_of_what_they_stand_for():
    listed = deny_list.of([denial(urls=("https://a.example/secret",), hosts=("secret.example",))])
    assert len(listed.keys()) == 2
    assert all(len(key) == 64 and "secret" not in key for key in listed.keys())  # noqa: SIM118 - a method of ours


@pytest.mark.parametrize("text", ["[::1]", "::1"])
def test_a_host_may_be_an_address(text: str):
    assert deny_list.host_in(text) == "::1"
    assert deny_list.of([denial(hosts=(deny_list.host_in(text),))]).denies_link("http://[::1]:80/feed")
