"""WebSub's messages as values; expected values from https://www.w3.org/TR/websub/."""

from dataclasses import replace
from datetime import timedelta

import pytest

from aggregator.config import Config
from aggregator.model import HubLease, HubNotice, HubRequest
from aggregator.websub import protocol

PUBLIC = Config(visibility="public", base_url="https://news.example.jp/feeds", contact="a@example.jp")
LEASE = HubLease(lease_id=7, mode="subscribe", topic_url="https://a.example/feed", secret="s3cret")
ASKED = {
    "hub.mode": "subscribe",
    "hub.topic": "https://a.example/feed",
    "hub.challenge": "abc",
    "hub.lease_seconds": "3600",
}


@pytest.mark.parametrize(
    ("config", "possible"),
    [
        (PUBLIC, True),
        (replace(PUBLIC, visibility="private"), False),
        (replace(PUBLIC, visibility="local"), False),
        (replace(PUBLIC, base_url="http://news.example.jp/"), False),
        (replace(PUBLIC, base_url="https://localhost/"), False),
        (replace(PUBLIC, base_url="https://nas.local/"), False),
        (replace(PUBLIC, base_url="https://10.0.0.5/"), False),
        (replace(PUBLIC, base_url="https://[::1]/"), False),
        (replace(PUBLIC, base_url="http://10.0.0.5/", allow_private_hosts=True), True),
    ],
)
def test_hubs_are_used_where_they_can_reach_us(config: Config, possible: bool):
    assert protocol.is_possible(config) is possible


def test_the_callback_stands_under_the_public_address():
    assert protocol.callback_url(PUBLIC, "t0k") == "https://news.example.jp/feeds/websub/t0k"


def test_a_request_to_subscribe_has_the_fields_of_section_5_1():
    request = HubRequest(
        lease_id=7, mode="subscribe", hub_url="https://hub.example/", topic_url="https://a.example/feed",
        callback_url="https://b.example/websub/t", secret="s3cret",
    )  # fmt: skip
    assert protocol.form(request) == {
        "hub.mode": "subscribe",
        "hub.topic": "https://a.example/feed",
        "hub.callback": "https://b.example/websub/t",
        "hub.lease_seconds": "864000",
        "hub.secret": "s3cret",
    }
    assert set(protocol.form(replace(request, mode="unsubscribe"))) == {
        "hub.mode",
        "hub.topic",
        "hub.callback",
    }
    assert "s3cret" not in repr(request)
    assert "websub/t" not in repr(request)


def test_a_secret_goes_over_https_alone():
    assert protocol.hub_address("http://hub.example/", allow_private=False) == "https://hub.example/"
    assert protocol.hub_address("http://127.0.0.1/", allow_private=True) == "http://127.0.0.1/"


def test_a_hub_that_asks_for_what_we_want_is_told_so():
    assert protocol.notice(LEASE, ASKED) == HubNotice(
        lease_id=7, mode="subscribe", lasts=timedelta(hours=1), challenge="abc"
    )


@pytest.mark.parametrize(
    "change",
    [
        {"hub.topic": "https://b.example/feed"},
        {"hub.mode": "unsubscribe"},
        {"hub.mode": "publish"},
        {"hub.mode": ""},
        {"hub.challenge": ""},
        {"hub.challenge": "x" * 1025},
        {"hub.challenge": "a\nb"},
        {"hub.challenge": "語"},
    ],
)
def test_anything_else_is_not_wanted(change: dict[str, str]):
    assert protocol.notice(LEASE, ASKED | change) is None


def test_a_lease_that_was_denied_or_is_being_ended_is_not_verified_again():
    assert protocol.notice(replace(LEASE, mode="denied"), ASKED) is None
    assert protocol.notice(replace(LEASE, mode="unsubscribe"), ASKED) is None
    ending = protocol.notice(replace(LEASE, mode="unsubscribe"), ASKED | {"hub.mode": "unsubscribe"})
    assert ending is not None
    assert ending.mode == "unsubscribe"


def test_a_denial_needs_the_topic_and_brings_a_reason():
    said = {"hub.mode": "denied", "hub.topic": LEASE.topic_url, "hub.reason": "not\x1b[31m you" + "x" * 500}
    denied = protocol.notice(LEASE, said)
    assert denied is not None
    assert (denied.mode, denied.reason[:10], len(denied.reason)) == ("denied", "not[31m yo", 200)
    assert protocol.notice(LEASE, said | {"hub.topic": "https://b.example/"}) is None


@pytest.mark.parametrize(
    ("text", "lasts"),
    [
        ("60", timedelta(minutes=1)),
        ("", timedelta(days=10)),
        ("0", timedelta(days=10)),
        ("-5", timedelta(days=10)),
        ("soon", timedelta(days=10)),
        ("3153600000", timedelta(days=30)),
        ("9" * 400, timedelta(days=10)),
    ],
)
def test_a_lease_lasts_as_the_hub_says_within_reason(text: str, lasts: timedelta):
    said = protocol.notice(LEASE, ASKED | {"hub.lease_seconds": text})
    assert said is not None
    assert said.lasts == lasts


# HMAC of "what do ya want for nothing?" with the key "Jefe": RFC 2202 case 2, RFC 4231 case 2.
SIGNATURES = [
    "sha1=effcdf6ae5eb2fa2d27416d5f184df9c259a7c79",
    "sha256=5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843",
    "sha384=af45d2e376484031617f78d2b58a6b1b9c7ef464f5a01b47e42ec3736322445e8e2240ca5e69e2c78b3239ecfab21649",
    "sha512=164b7a7bfcf819e2e395fbe73b56e0a387bd64222e831fd610270cd7ea2505549758bf75c05a994a6d034f65f8f0e6fdcaeab1a34d4a6b4b636e070a38bce737",
]


@pytest.mark.parametrize("signature", SIGNATURES)
def test_the_four_algorithms_are_recognised(signature: str):
    body = b"what do ya want for nothing?"
    assert protocol.is_signed("Jefe", body, signature)
    assert not protocol.is_signed("Jefe", body + b"!", signature)
    assert not protocol.is_signed("jefe", body, signature)
    assert not protocol.is_signed("Jefe", body, signature[:-1])


@pytest.mark.parametrize(
    "signature", ["", "sha256", "sha256=", "md5=750c783e6ab0b503eaa86e310a5db738", "sha1=é", "=" * 9]
)
def test_no_signature_or_an_unknown_one_proves_nothing(signature: str):
    assert not protocol.is_signed("Jefe", b"what do ya want for nothing?", signature)


@pytest.mark.parametrize(
    ("header", "links"),
    [
        ('<https://h.example/>; rel="hub", <https://a.example/feed>; rel="self"', ("https://h.example/", "https://a.example/feed")),
        ("</hub>;rel=hub", ("https://a.example/hub", None)),
        ('<https://h.example/>; title="a, b"; rel="alternate HUB"', ("https://h.example/", None)),
        ("<https://1.example/>; rel=hub, <https://2.example/>; rel=hub", ("https://1.example/", None)),
        ('<javascript:x>; rel="hub"', (None, None)),
        ('<https://h.example/>; rel="hubs"', (None, None)),
        ("<https://h.example/>", (None, None)),
        ("garbage;;;<<<>>>", (None, None)),
        ("", (None, None)),
    ],
)  # fmt: skip
def test_a_link_header_names_hub_and_self(header: str, links: tuple[str | None, str | None]):
    assert protocol.named_links(header, "https://a.example/x/feed") == links
