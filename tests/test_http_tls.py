"""Certificates: who is believed, and what is said of the others."""

import ssl
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import trustme

from aggregator.config import Config
from aggregator.http import fetch_one
from aggregator.model import Failure, Fetched, Request
from tests.feedserver import FeedServer

LOCAL = Config(allow_private_hosts=True)
RSS = b"<rss version='2.0'><channel><title>t</title></channel></rss>"
LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def trusted(authority: trustme.CA, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Trust the authority, as an operator of an intranet does."""
    file = tmp_path / "ca.pem"
    authority.cert_pem.write_to_path(str(file))
    monkeypatch.setenv("SSL_CERT_FILE", str(file))


@pytest.fixture
def server(authority: trustme.CA) -> Iterator[FeedServer]:
    yield from serve(authority.issue_cert("127.0.0.1"))


def serve(certificate: trustme.LeafCert) -> Iterator[FeedServer]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    certificate.configure_cert(context)
    with FeedServer(tls=context) as running:
        running.serve("/feed", RSS, etag='"1"')
        yield running


def ask(url: str) -> Fetched | Failure:
    answer = fetch_one(LOCAL, Request(url=url))
    assert isinstance(answer, Fetched | Failure)
    return answer


def refused(server: FeedServer) -> str:
    answer = ask(server.url("/feed"))
    assert isinstance(answer, Failure)
    assert (answer.kind, answer.status) == ("ConnectionFailed", None)
    assert server.requests == []
    return answer.detail


def test_a_certificate_of_an_unknown_authority_is_refused(server: FeedServer):
    assert "certificate" in refused(server)
    assert "SSL_CERT_FILE" in refused(server)


@pytest.mark.usefixtures("trusted")
def test_an_authority_named_in_the_environment_is_trusted(server: FeedServer):
    answer = ask(server.url("/feed"))
    assert isinstance(answer, Fetched), answer
    assert (answer.body, answer.etag) == (RSS, '"1"')


@pytest.mark.usefixtures("trusted")
def test_a_certificate_that_ran_out_is_refused(authority: trustme.CA):
    old = authority.issue_cert("127.0.0.1", not_before=LONG_AGO, not_after=LONG_AGO + timedelta(days=90))
    for server in serve(old):
        assert "expired" in refused(server)


@pytest.mark.usefixtures("trusted")
def test_a_certificate_of_another_host_is_refused(authority: trustme.CA):
    for server in serve(authority.issue_cert("127.0.0.2", "feeds.example")):
        assert "127.0.0.1" in refused(server)


@pytest.mark.usefixtures("trusted")
def test_a_redirect_to_a_host_that_is_not_believed_is_refused(server: FeedServer):
    for other in serve(trustme.CA().issue_cert("127.0.0.1")):
        url = server.serve("/moved", status=301, headers={"Location": other.url("/feed")})
        answer = ask(url)
        assert isinstance(answer, Failure)
        assert (answer.kind, answer.url) == ("ConnectionFailed", other.url("/feed"))
        assert other.requests == []


def test_plain_http_is_not_spoken_to_a_tls_port(server: FeedServer):
    answer = ask(server.url("/feed").replace("https", "http"))
    assert isinstance(answer, Failure)
    assert answer.kind == "ConnectionFailed"
