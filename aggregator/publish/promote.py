"""When a story becomes public, and when what readers were given may change. Pure decisions."""

import hashlib
import re
import uuid
import zoneinfo
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import groupby

from aggregator.model import PublicationState
from aggregator.publish.body import frozen_body, quoted
from aggregator.publish.edition import Facts, Publication, shown_title
from aggregator.times import maybe_text

_NUMBER = re.compile(r"\d+(?:[.,]\d+)*")
_SHORT = (8, 12, 32)  # digits of the UUID in a page's path: as few as are free


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """An entry with a summary whose story has no publication yet."""

    story_id: int
    entry_id: int
    listed_url: str
    guid: str
    published_at: datetime | None
    sort_at: datetime
    permalink: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Hold:
    """A story seen for the first time, and the entry that leads it."""

    story_id: int
    lead_entry_id: int
    public_id: str
    slugs: tuple[str, ...]  # the first that is free
    others: tuple["Hold", ...] = ()  # the same under the names it takes where its id is another's


def hold(candidates: Iterable[Candidate], zone: zoneinfo.ZoneInfo) -> tuple[Hold, ...]:
    """Choose each new story's lead and name it, from nothing that differs in a store rebuilt."""
    by_story = sorted(candidates, key=lambda c: (c.story_id, _moment(c), c.listed_url, c.guid))
    leads = [next(entries) for _, entries in groupby(by_story, key=lambda c: c.story_id)]
    return tuple(_hold(lead, zone) for lead in leads)


def _hold(lead: Candidate, zone: zoneinfo.ZoneInfo) -> Hold:
    # A feed may use a guid again that the entry published under it has lost since.
    told_by = (lead.listed_url, lead.guid, str(lead.permalink), str(lead.entry_id))
    story, *others = (_named(lead, "\n".join(told_by[:length]), zone) for length in (2, 3, 4))
    return replace(story, others=tuple(others))


def _named(lead: Candidate, name: str, zone: zoneinfo.ZoneInfo) -> Hold:
    identity = uuid.uuid5(uuid.NAMESPACE_URL, name)
    month = _moment(lead).astimezone(zone).strftime("%Y/%m")
    slugs = tuple(f"{month}/{identity.hex[:length]}" for length in _SHORT)
    return Hold(story_id=lead.story_id, lead_entry_id=lead.entry_id, public_id=identity.urn, slugs=slugs)


def _moment(candidate: Candidate) -> datetime:
    # A store rebuilt from nothing sees old entries on a first poll, whose sort_at is the date the feed gives.
    return min(candidate.published_at or candidate.sort_at, candidate.sort_at)


def promote(
    facts: Facts, now: datetime, hold_time: timedelta, *, publish_untranslated: bool, room: int | None = None
) -> Publication | None:
    """Return the publication as it has to become now, None where it stays.

    Units: `room` is how many bytes an excerpt may take that is published now.
    """
    row = facts.publication
    if row.state in {"held", "untranslated"} and facts.translated:
        known = publish_untranslated and row.state == "untranslated"  # readers have it, in English
        return _freeze(facts, "translated", row.first_published_at if known else now, now, room)
    if row.state == "held" and now - row.held_at >= hold_time:
        return _freeze(facts, "untranslated", now, now, room)
    if row.state in {"translated", "untranslated"}:
        return _revise(facts, now)
    return None


def withdraw(facts: Facts) -> Publication:
    """Return the publication that readers are never given."""
    return replace(facts.publication, state="withdrawn")


def republish(facts: Facts, now: datetime) -> Publication | None:
    """Return the publication with the text its page shows now, None where readers have that text.

    Shape: title and summary decide; a discussion that was found since is no reason to show an entry again.
    """
    row = facts.publication
    if row.state != "translated" or not (facts.translated and facts.translated.current):
        return None
    if row.title == shown_title(facts) and row.body.startswith(quoted(facts, row.room)):
        return None
    return _freeze(facts, row.state, row.first_published_at, now, row.room)


def _freeze(
    facts: Facts,
    state: PublicationState,
    first_published_at: datetime | None,
    updated_at: datetime | None,
    room: int | None,
) -> Publication:
    return replace(
        facts.publication, state=state, first_published_at=first_published_at, updated_at=updated_at,
        title=shown_title(facts), body=frozen_body(facts, room), fingerprint=_basis(facts), room=room,
    )  # fmt: skip


def _revise(facts: Facts, now: datetime) -> Publication | None:
    row = facts.publication
    rights, updated, content = row.fingerprint.split(" ")
    new_rights, new_updated, new_content = _basis(facts).split(" ")
    corrected = new_updated > updated and new_content != content  # "-", no date, is before any
    if corrected and facts.translated and facts.translated.current:
        return _freeze(facts, row.state, row.first_published_at, now, row.room)
    if new_rights != rights:  # a limit holds at once, and is no news
        body = frozen_body(facts, row.room)
        return replace(row, body=body, fingerprint=f"{new_rights} {updated} {content}")
    return None


def _basis(facts: Facts) -> str:
    """Write what a frozen text rests on: rights, the source's own `updated`, its title and numbers."""
    numbers = sorted(_NUMBER.findall(f"{facts.title}\n{facts.summary}"))
    content = hashlib.sha256("\n".join((facts.title, *numbers)).encode()).hexdigest()
    if facts.translated and not facts.translated.current:  # an older text's: the present one is still to come
        return f"{facts.rights} - -"
    return f"{facts.rights} {maybe_text(facts.source_updated_at) or '-'} {content}"
