"""Tell the entries of a feed apart: by guid, or by permalink or title where guids do not hold."""

import hashlib
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from aggregator import urls
from aggregator.model import IdentityPolicy, ParsedEntry

_CHURN = 4  # times as many guids changed under an entry as stayed: four of five
_ENOUGH = 3  # entries that show the symptom, where the document has so many
_SUFFIX = 9  # "#" and eight digits


@dataclass(frozen=True, slots=True, kw_only=True)
class Stored:
    """What the store tells an entry by."""

    entry_id: int
    guid: str
    permalink: str | None
    title: str
    published_at: datetime | None
    fingerprint: str = ""


def told_apart(entries: Iterable[ParsedEntry | None]) -> tuple[ParsedEntry, ...]:
    """Return the entries with guids that differ.

    A repeated guid gets a suffix made of what an edit of the text leaves alone; an entry that stands twice in
    every respect is one.
    """
    found = [entry for entry in entries if entry]
    uses = Counter(entry.guid for entry in found)
    unique: dict[str, ParsedEntry] = {}
    for entry in found:
        told = entry if uses[entry.guid] == 1 else suffixed(entry)
        unique.setdefault(told.guid, told)
    return tuple(unique.values())


def suffixed(entry: ParsedEntry) -> ParsedEntry:
    """Return the entry under a guid that is its own where others have the same."""
    told_by = f"{entry.permalink}\n{entry.title}\n{entry.published_at}"
    return replace(entry, guid=f"{entry.guid}#{hashlib.sha256(told_by.encode()).hexdigest()[:8]}")


def key(policy: IdentityPolicy, guid: str, permalink: str | None, title: str) -> str:
    """Return what an entry is stored under; its guid where it has not what the policy asks for.

    Shape: "permalink:" and "title:" keep keys from being taken for guids.
    """
    link = urls.canonical(permalink) if permalink else None
    if policy == "permalink" and link:
        return f"permalink:{link}"
    if policy == "title" and title:
        return f"title:{' '.join(title.casefold().split())}"
    return guid


def keyed(entries: Iterable[ParsedEntry], policy: IdentityPolicy) -> tuple[ParsedEntry, ...]:
    """Return the entries under the policy's keys, repeated ones told apart."""
    if policy == "guid":
        return tuple(entries)
    return told_apart(
        replace(entry, guid=key(policy, entry.guid, entry.permalink, entry.title)) for entry in entries
    )


# --- one entry under another spelling -----------------------------------------------------------------------


def spellings(entry: ParsedEntry) -> frozenset[str]:
    """Return the other guids under which the store may have an entry.

    Shape: http or https, with or without `www.` and a final slash; and a guid that the document repeats has
    a suffix that it has not in a document that does not.
    """
    plain = _plain(entry)
    told = suffixed(replace(entry, guid=plain)).guid
    suffix = told[len(plain) :]
    flipped = _flips(plain)
    return frozenset({*flipped, *(guid + suffix for guid in flipped)} - {entry.guid})


def _plain(entry: ParsedEntry) -> str:
    plain = entry.guid[:-_SUFFIX]
    may_have_one = plain and entry.guid[-_SUFFIX] == "#"
    return plain if may_have_one and suffixed(replace(entry, guid=plain)).guid == entry.guid else entry.guid


def _flips(guid: str) -> set[str]:
    scheme, separator, rest = guid.partition("://")
    if not separator or scheme.lower() not in {"http", "https"}:
        return {guid}
    stem = rest.removeprefix("www.").removesuffix("/")
    return {guid} | {
        f"{scheme}://{www}{stem}{slash}"
        for scheme in ("http", "https") for www in ("", "www.") for slash in ("", "/")
    }  # fmt: skip


def recognise(strangers: Sequence[ParsedEntry], stored: Mapping[str, Stored]) -> dict[str, Stored]:
    """Return, by guid in the document, the stored entries that strangers are under another spelling.

    `stored` are entries by guid that the document does not name by their own.
    """
    found: dict[str, Stored] = {}
    taken: set[str] = set()
    for entry in strangers:
        for guid in sorted(spellings(entry) & stored.keys() - taken, key=len, reverse=True):
            if not _is_narrower(entry, stored[guid]) or is_same(entry, stored[guid]):
                found[entry.guid] = stored[guid]
                taken.add(guid)
                break
    return found


def _is_narrower(entry: ParsedEntry, stored: Stored) -> bool:
    """Say whether the entry's guid had to be told apart and the stored one did not."""
    plain = _plain(entry)
    return plain != entry.guid and stored.guid in _flips(plain)


def is_same(entry: ParsedEntry, stored: Stored) -> bool:
    """Say whether title, link and date are the same, guids aside."""
    dated = entry.published_at and stored.published_at
    return (
        entry.title == stored.title
        and _link(entry.permalink) == _link(stored.permalink)
        and (not dated or entry.published_at == stored.published_at)
    )


def is_narrowed(guid: str, stored: Stored) -> bool:
    """Say whether a recognised entry has to be stored under the document's guid from now on.

    A guid that turned out to be shared must not be found again under its plain form by another entry.
    """
    return guid.startswith(f"{stored.guid}#") and len(guid) == len(stored.guid) + _SUFFIX


def _link(permalink: str | None) -> str | None:
    return urls.canonical(permalink) or permalink if permalink else None


# --- guids that do not hold ---------------------------------------------------------------------------------


def may_churn(entries: int, strangers: int) -> bool:
    """Say whether so many unknown guids are worth a look at what the entries were known by."""
    return strangers > 0 and strangers >= _CHURN * (entries - strangers)


def choose(
    entries: Sequence[ParsedEntry], strangers: Collection[str], listed: Sequence[Stored]
) -> IdentityPolicy:
    """Return the policy that a document asks for, beside what the feed listed until now.

    Shape: `strangers` are the unknown guids. Where at least four of five known entries come under a new guid,
    the permalink (with the same title) tells them if links differ within the document; else the title (with
    the same text or date).
    """
    fresh = [entry for entry in entries if entry.guid in strangers]
    stable = len(entries) - len(fresh)
    policy: IdentityPolicy = "permalink" if _differ([_link(e.permalink) for e in entries]) else "title"
    if policy == "title" and len(entries) > 1 and not _differ([e.title for e in entries]):
        return "guid"
    tell = _by_link if policy == "permalink" else _by_title
    known = {mark for stored in listed for mark in tell(stored)}
    churned = sum(not known.isdisjoint(tell(entry)) for entry in fresh)
    is_enough = churned >= min(_ENOUGH, len(entries)) and churned >= _CHURN * stable
    return policy if is_enough else "guid"


def _differ(values: Sequence[str | None]) -> bool:
    """Say whether the values tell at least four of five entries apart."""
    different = len({value for value in values if value})
    return different > 1 and different * (_CHURN + 1) >= len(values) * _CHURN


def _by_link(entry: ParsedEntry | Stored) -> tuple[object, ...]:
    return ((_link(entry.permalink), entry.title),) if entry.permalink else ()


def _by_title(entry: ParsedEntry | Stored) -> tuple[object, ...]:
    marks = (entry.fingerprint, entry.published_at)
    return tuple((entry.title, mark) for mark in marks if entry.title and mark)


def rekeyed(
    rows: Sequence[Stored], entries: Sequence[ParsedEntry], old: IdentityPolicy, new: IdentityPolicy
) -> dict[int, str]:
    """Return the stored entries' keys under a new policy, by entry_id, those that change.

    Of entries that share a key the first row has it; the others keep theirs and are not found again.
    `entries` are the document's, as parsed: back to guids only they can say what an entry's guid is.
    """
    under_new = {was.guid: now.guid for was, now in _pairs(entries, old, new)}
    taken = {row.guid for row in rows}
    changed: dict[int, str] = {}
    for row in rows:
        wanted = under_new.get(row.guid) or key(new, row.guid, row.permalink, row.title)
        if wanted not in taken:
            taken.add(wanted)
            changed[row.entry_id] = wanted
    return changed


def _pairs(
    entries: Sequence[ParsedEntry], old: IdentityPolicy, new: IdentityPolicy
) -> Iterable[tuple[ParsedEntry, ParsedEntry]]:
    was, now = keyed(entries, old), keyed(entries, new)
    return zip(was, now, strict=True) if len(was) == len(now) == len(entries) else ()
