"""The deny list: what was taken down and must not come back, as a file beside the store.

One line of JSON a takedown. The file is the truth, and outlasts the store: yesterday's store, put back in its
place, has all of it taken down again. It holds addresses and keys, no text of an entry.
"""

import hashlib
import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass, fields, replace
from datetime import datetime
from pathlib import Path

from aggregator import files, urls
from aggregator.errors import ConfigError
from aggregator.times import from_text, to_text

_MOST = 1 << 26  # bytes: a hundred thousand takedowns


@dataclass(frozen=True, slots=True, kw_only=True)
class Denial:
    """One takedown: what was named, when and why, and what is denied for it."""

    target: str  # as the operator named it
    denied_at: datetime
    reason: str
    urls: tuple[str, ...] = ()  # of entries, as urls.canonical writes them
    entries: tuple[str, ...] = ()  # as `of_entry` writes them: a guid may be made of a title
    feeds: tuple[str, ...] = ()  # their addresses
    hosts: tuple[str, ...] = ()  # with all beneath them


@dataclass(frozen=True, slots=True, kw_only=True)
class DenyList:
    """What the file says, and the fingerprint of its bytes; made by `of`."""

    denials: tuple[Denial, ...] = ()
    digest: str = ""  # "" where there is no file
    urls: frozenset[str] = frozenset()
    entries: frozenset[str] = frozenset()
    feeds: frozenset[str] = frozenset()  # each the one way in which those are compared
    hosts: frozenset[str] = frozenset()

    def keys(self) -> frozenset[str]:
        """Return all of it as keys that show nothing of what they stand for."""
        named = [("url", self.urls), ("feed", self.feeds), ("host", self.hosts)]
        return self.entries | {key(kind, name) for kind, names in named for name in names}

    def denies_feed(self, address: str) -> bool:
        """Tell whether a feed at this address is denied."""
        return urls.normalise(address) in self.feeds or self.denies_host(address)

    def denies_link(self, link: str) -> bool:
        """Tell whether an entry that leads to this address is denied."""
        return urls.canonical(link) in self.urls or self.denies_host(link)

    def denies_host(self, link: str) -> bool:
        """Tell whether this address is of a host that is denied."""
        return not self.hosts.isdisjoint(above(link)) if self.hosts else False

    def reason(self, address: str) -> str:
        """Say when and why a feed or what leads to this address was denied, "" where it is not."""
        for each in self.denials:
            alone = of((each,))
            if alone.denies_feed(address) or alone.denies_link(address):
                return f"taken down on {to_text(each.denied_at)[:10]}: {each.reason}"
        return ""


def of(denials: Iterable[Denial], digest: str = "") -> DenyList:
    """Return the list of these takedowns."""
    known = tuple(denials)
    return DenyList(
        denials=known, digest=digest,
        urls=frozenset(url for each in known for url in each.urls),
        entries=frozenset(entry for each in known for entry in each.entries),
        feeds=frozenset(urls.normalise(url) for each in known for url in each.feeds),
        hosts=frozenset(host for each in known for host in each.hosts),
    )  # fmt: skip


def key(kind: str, name: str) -> str:
    """Return the key of something denied: SHA-256, for the store is to show none of it."""
    return hashlib.sha256(f"{kind} {name}".encode("utf-8", "surrogatepass")).hexdigest()


def of_entry(listed_url: str, guid: str) -> str:
    """Return the key of an entry of a feed."""
    return key("entry", f"{listed_url}\n{guid}")


def above(link: str) -> tuple[str, ...]:
    """Return the host of a link and those above it: what may be denied of it; none for no web address."""
    host = urls.host(link) if urls.is_web(link) else ""
    labels = host.rstrip(".").split(".") if host else []
    return tuple(".".join(labels[place:]) for place in range(len(labels)))


def host_in(text: str) -> str:
    """Return a host as it is compared, of its name or address as people write it."""
    name = f"[{text}]" if ":" in text and not text.startswith("[") else text
    return urls.host(f"https://{name}/").rstrip(".")


def path(store: Path) -> Path:
    """Return where the deny list of a store lies: beside the file itself, whichever link names it."""
    own, beside_link = files.companion(store, "denied"), store.with_name(f"{store.name}.denied")
    is_older = beside_link.exists() and not own.exists()  # written by a version that looked beside the link
    return beside_link if is_older else own


def read(store: Path) -> DenyList:
    """Return the deny list of a store; an empty one where there is no file.

    Raises: ConfigError naming the line that cannot be read.
    """
    file = path(store)
    try:
        data = file.read_bytes()
    except FileNotFoundError:
        return DenyList()
    except OSError as error:
        raise ConfigError(f"{file}: cannot be read ({error.strerror})") from error
    return parse(data, str(file))


def parse(data: bytes, name: str) -> DenyList:
    """Return what a deny list says.

    Raises: ConfigError naming the line that cannot be read.
    """
    if len(data) > _MOST:
        raise ConfigError(f"{name}: {len(data):,} bytes are no deny list")
    found = []
    for number, line in enumerate(data.splitlines(), 1):
        if line.strip():
            try:
                found.append(_denial(line))
            except (ValueError, TypeError, KeyError, AttributeError) as error:
                raise ConfigError(f"{name}, line {number}: no takedown ({error})") from error
    return of(found, hashlib.sha256(data).hexdigest())


_LISTS = tuple(each.name for each in fields(Denial) if each.name not in {"target", "denied_at", "reason"})


def _denial(line: bytes) -> Denial:
    values = json.loads(line)
    lists = {name: _texts(name, values.pop(name, [])) for name in _LISTS}
    at = from_text(values.pop("denied_at"))
    made = Denial(denied_at=at, target=str(values.pop("target")), reason=str(values.pop("reason")), **lists)
    if values:
        raise ValueError(f"unknown: {', '.join(values)}")
    # A person may have written it: compared is what the program would have written.
    return replace(
        made, urls=tuple(urls.canonical(url) or url for url in made.urls),
        hosts=tuple(host_in(host) for host in made.hosts),
    )  # fmt: skip


def _texts(name: str, values: object) -> tuple[str, ...]:
    if not isinstance(values, list) or not all(isinstance(each, str) and each for each in values):
        raise ValueError(f"{name}: expected a list of texts")
    return tuple(values)


def write(store: Path, denials: Iterable[Denial]) -> DenyList:
    """Put a deny list in the place of the one that is there, and return what it says.

    Raises: ConfigError where it cannot be written.
    """
    lines = [json.dumps(_values(each), ensure_ascii=False) for each in denials]
    data = "".join(f"{line}\n" for line in lines).encode("utf-8", "surrogatepass")
    file = path(store)
    try:
        files.replace(file, data, secret=not file.exists())  # it may name who asked; that mode stays
    except OSError as error:
        raise ConfigError(f"{file}: cannot be written ({error.strerror})") from error
    return parse(data, str(file))


def _values(denial: Denial) -> dict[str, object]:
    values = asdict(denial) | {"denied_at": to_text(denial.denied_at)}
    return {name: list(value) if name in _LISTS else value for name, value in values.items() if value != ()}
