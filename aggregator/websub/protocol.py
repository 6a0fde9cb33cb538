"""What subscriber and hub say to each other, as values.

Source: https://www.w3.org/TR/websub/
"""

import hashlib
import hmac
import re
from collections.abc import Iterator, Mapping
from datetime import timedelta
from urllib.parse import urlsplit

from aggregator import urls
from aggregator.config import Config
from aggregator.model import HubLease, HubNotice, HubRequest

PATH = "websub/"  # under base_url
LEASE = timedelta(days=10)  # section 8.2 calls it a good default
LONGEST_LEASE = timedelta(days=30)  # a hub that promises more is asked again all the same
MAX_CHALLENGE = 1024

_DIGESTS = {
    "sha1": hashlib.sha1,
    "sha256": hashlib.sha256,
    "sha384": hashlib.sha384,
    "sha512": hashlib.sha512,
}
_LINK = re.compile(r"<([^<>]*)>((?:\s*;\s*[^\s=;,<>]+\s*(?:=\s*(?:\"[^\"]*\"|[^\s\";,<>]*))?)*)")
_REL = re.compile(r";\s*rel\s*=\s*(?:\"([^\"]*)\"|([^\s\";,]+))", re.IGNORECASE)
# A number behind the last dot is an address; a certificate for one, and then a public one, is rare enough.
_LOCAL = re.compile(r".*\.(?:[0-9]+|localhost|local|internal|lan|home\.arpa)\.?", re.IGNORECASE)


def is_possible(config: Config) -> bool:
    """Tell whether hubs could reach a server of ours: at a public address of the internet, over https.

    `allow_private_hosts` makes any address do: on an intranet the hub is as private as we are.
    """
    if config.visibility != "public" or config.websub == "off":
        return False
    parts = urlsplit(config.site_url)
    host = parts.hostname or ""
    return config.allow_private_hosts or (
        parts.scheme == "https" and "." in host and not _LOCAL.fullmatch(host)
    )


def callback_url(config: Config, token: str) -> str:
    """Return where a hub reaches the lease with this token."""
    return f"{config.site_url}{PATH}{token}"


def hub_address(hub_url: str, *, allow_private: bool) -> str:
    """Return where to ask a hub: over https, since the request carries the secret (sections 5.1 and 8.2)."""
    return hub_url if allow_private else re.sub(r"^http:", "https:", hub_url, flags=re.IGNORECASE)


def form(request: HubRequest) -> dict[str, str]:
    """Return the fields of a request to a hub.

    Source: section 5.1; of what we publish PubSubHubbub 0.3, section 7.1
    """
    if request.mode == "publish":
        return {"hub.mode": request.mode, "hub.url": request.topic_url}
    fields = {
        "hub.mode": request.mode,
        "hub.topic": request.topic_url,
        "hub.callback": request.callback_url,
    }
    if request.mode == "subscribe":
        fields["hub.lease_seconds"] = str(round(LEASE.total_seconds()))
        fields["hub.secret"] = request.secret
    return fields


def notice(lease: HubLease, query: Mapping[str, str]) -> HubNotice | None:
    """Return what a hub's GET says about a lease, or None where it asks for what we do not want.

    Source: sections 5.2 and 5.3
    """
    mode, topic = query.get("hub.mode", ""), query.get("hub.topic", "")
    if topic != lease.topic_url:
        return None
    if mode == "denied" and lease.mode != "denied":
        reason = "".join(filter(str.isprintable, query.get("hub.reason", "")))[:200]
        return HubNotice(lease_id=lease.lease_id, mode="denied", reason=reason)
    if mode != lease.mode or not _is_safe(query.get("hub.challenge", "")):
        return None
    return HubNotice(
        lease_id=lease.lease_id,
        mode=lease.mode,
        lasts=_lasting(query.get("hub.lease_seconds", "")),
        challenge=query["hub.challenge"],
    )


def _is_safe(challenge: str) -> bool:
    """Section 8.2: the challenge is echoed, so its length is limited and binary data refused."""
    return 0 < len(challenge) <= MAX_CHALLENGE and challenge.isascii() and challenge.isprintable()


def _lasting(text: str) -> timedelta:
    seconds = int(text) if re.fullmatch(r"[0-9]{1,12}", text) else 0
    return min(timedelta(seconds=seconds) or LEASE, LONGEST_LEASE)


def is_signed(secret: str, body: bytes, signature: str) -> bool:
    """Tell whether X-Hub-Signature proves that the hub we gave the secret to sent this body.

    Source: section 7.1
    """
    method, _, stated = signature.strip().partition("=")
    digest = _DIGESTS.get(method.lower())
    if digest is None:
        return False
    computed = hmac.new(secret.encode(), body, digest).hexdigest()
    return hmac.compare_digest(computed.encode(), stated.strip().lower().encode("utf-8", "replace"))


def named_links(header: str, base: str) -> tuple[str | None, str | None]:
    """Return the first hub and the self link that a Link header names.

    Source: section 4; RFC 8288 section 3
    """
    found: dict[str, str] = {}
    for relation, target in _links(header[:8192]):
        url = urls.absolute(base, target)
        if urlsplit(url).scheme in {"http", "https"}:
            found.setdefault(relation, url)
    return found.get("hub"), found.get("self")


def _links(header: str) -> Iterator[tuple[str, str]]:
    for target, parameters in _LINK.findall(header):
        relation = _REL.search(parameters)
        for name in (relation[1] or relation[2] or "").lower().split() if relation else ():
            yield name, target
