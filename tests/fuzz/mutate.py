"""Documents broken at random, from a seed that is printed."""

import random

TOKENS = [
    b"<", b">", b"&", b"]]>", b"<![CDATA[", b"<!--", b"-->", b"<?", b"?>", b"</", b"/>", b"\x00", b"\x0b", b"\xff", b"\xef\xbb\xbf",
    b"&#xD800;", b"&#0;", b"&#99999999999;", b"&nbsp;", b"&bogus;", b"&amp;#1;", b"\xed\xa0\x80", b"\xc2\x85", b"\x1b$B", b'"', b"'",
    b"<!DOCTYPE rss [<!ENTITY a 'b'>]>", b"&a;", b'<?xml version="1.0" encoding="utf-16"?>', b' xml:base="http://[bad/"',
    b' xmlns="urn:x"', b' xmlns:dc="urn:y"', b"<item>", b"</item>", b"<entry>", b"<title>", b"<link>", b"<guid>", b"<image>",
    b"<source>", b"<author>a@b.example (", b"<description>&lt;p&gt;", b'<content type="xhtml">', b"<pubDate>9999-99-99T99:99:99Z",
    b"0001-01-01T00:00:00Z", b'<enclosure url="javascript:x" length="-1"/>', b"<ttl>99999999999999999999</ttl>", b"<skipHours><hour>",
    b'<outline text="a" xmlUrl="https://e.example/">', b"</outline>", b"<body>", b"{", b"[", b'"version":', b"1e999", b"\\ud800",
]  # fmt: skip


def mutated(chance: random.Random, seeds: list[bytes]) -> bytes:
    """Return one of the documents with a few faults in it."""
    body = bytearray(chance.choice(seeds)[:50_000])
    for _ in range(chance.choice([1, 1, 2, 4, 16])):
        chance.choice(_FAULTS)(chance, body, seeds)
    return bytes(body)


def _flip(chance: random.Random, body: bytearray, _: list[bytes]) -> None:
    if body:
        body[chance.randrange(len(body))] = chance.randrange(256)


def _insert(chance: random.Random, body: bytearray, _: list[bytes]) -> None:
    at = chance.randint(0, len(body))
    body[at:at] = chance.choice(TOKENS) * chance.choice([1, 1, 1, 3, 300])


def _cut(chance: random.Random, body: bytearray, _: list[bytes]) -> None:
    at = chance.randint(0, len(body))
    del body[at : at + chance.choice([1, 5, 50, 50_000])]


def _repeat(chance: random.Random, body: bytearray, _: list[bytes]) -> None:
    at = chance.randint(0, len(body))
    piece = body[at : at + chance.randint(1, 200)]
    body[at:at] = piece * chance.choice([1, 2, 50])


def _splice(chance: random.Random, body: bytearray, seeds: list[bytes]) -> None:
    other = chance.choice(seeds)
    start = chance.randint(0, len(other))
    at = chance.randint(0, len(body))
    body[at:at] = other[start : start + chance.randint(1, 500)]


def _recode(chance: random.Random, body: bytearray, _: list[bytes]) -> None:
    text = body.decode("utf-8", "replace")
    body[:] = text.encode(
        chance.choice(["utf-16", "utf-16-be", "cp1252", "shift_jis", "iso2022_jp"]), "replace"
    )


_FAULTS = [_flip, _insert, _insert, _insert, _cut, _repeat, _splice, _splice, _recode]
