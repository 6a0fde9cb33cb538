"""Rules that keep an entry from being translated and published: mute, and keep against it.

A rule is text: `[field:] pattern`. The field is title (where none is named), author, category, url or
translated, the title in Japanese; the pattern is words, a /regular expression/ or `*`; case never matters.
"""

import json
import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from aggregator.errors import ConfigError
from aggregator.model import ParsedEntry

if TYPE_CHECKING:  # loaded where there is a rule
    import regex

TRANSLATED = "translated"


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What rules look at of an entry; of one that is not translated yet they see no translation."""

    title: str = ""
    authors: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    permalink: str | None = None
    translated: str | None = None


FIELDS: Mapping[str, Callable[[Told], Sequence[str | None]]] = {
    "title": lambda entry: (entry.title,),
    "author": lambda entry: entry.authors,
    "category": lambda entry: entry.tags,
    "url": lambda entry: (entry.permalink,),
    TRANSLATED: lambda entry: (entry.translated,),
}
TIMEOUT = 0.05  # seconds for one text: a backtracking expression could take for ever
MOST_SLOW = 10  # entries that may take a rule so long, of one document
_KINDS = ("mute", "keep")
_LIST = "a list of rules such as [\"sponsored\", 'title: /\\bdeals?\\b/']"
_FIELD = re.compile(r"(\w+):\s*")


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """A rule, and as it was written."""

    text: str
    field: str
    pattern: "regex.Pattern[str]"

    def matches(self, entry: Told) -> bool:
        """Say whether the rule fits an entry.

        Raises: TimeoutError where its expression takes too long.
        """
        texts = FIELDS[self.field](entry)
        return any(text is not None and self.pattern.search(text, timeout=TIMEOUT) for text in texts)


@dataclass(frozen=True, slots=True, kw_only=True)
class Filters:
    """Rules that hold together: of all feeds, of one, or both."""

    mute: tuple[Rule, ...] = ()
    keep: tuple[Rule, ...] = ()

    def __or__(self, other: "Filters") -> "Filters":
        """Return the rules of both."""
        return Filters(mute=self.mute + other.mute, keep=self.keep + other.keep)

    def muted_by(self, entry: Told, patience: "Patience") -> Rule | None:
        """Return the first rule that mutes an entry, None where none does or a keep rule saves it."""
        muting = next((rule for rule in self.mute if patience.fits(rule, entry)), None)
        saved = muting and any(patience.fits(rule, entry) for rule in self.keep)
        return None if saved else muting

    def late(self) -> "Filters":
        """Return the rules that wait for a translation, and what saves from them."""
        return Filters(mute=tuple(rule for rule in self.mute if rule.field == TRANSLATED), keep=self.keep)


class Patience:
    """How often rules took too long over one lot of entries; a rule that did too often is not asked again.

    Shape: a rule that takes too long fits nothing.
    """

    def __init__(self) -> None:
        self.slow: Counter[Rule] = Counter()

    def fits(self, rule: Rule, entry: Told) -> bool:
        """Say whether a rule fits an entry."""
        if self.slow[rule] >= MOST_SLOW:
            return False
        try:
            return rule.matches(entry)
        except TimeoutError:
            self.slow[rule] += 1
            return False


def told(entry: ParsedEntry) -> Told:
    """Return what rules look at of an entry as its feed has it."""
    return Told(title=entry.title, authors=entry.authors, tags=entry.tags, permalink=entry.permalink)


def rule(text: str) -> Rule:
    """Read one rule.

    Raises: ValueError saying what was expected.
    """
    named = _FIELD.match(text.strip())
    field, wanted = (named[1], text.strip()[named.end() :]) if named else ("title", text.strip())
    if field not in FIELDS:
        raise ValueError(f"{field} is no field; expected {' | '.join(FIELDS)} before the colon")
    if not wanted:
        raise ValueError("is empty; expected words, a /regular expression/ or *")
    return Rule(text=text.strip(), field=field, pattern=_pattern(field, wanted))


def _pattern(field: str, wanted: str) -> "regex.Pattern[str]":
    if wanted == "*":
        return _compiled("")
    if wanted.startswith("/"):
        if len(wanted) < 3 or not wanted.endswith("/"):
            raise ValueError("expected a slash at both ends of a regular expression")
        return _compiled(wanted[1:-1])
    words = re.escape(wanted)
    if field == "url":
        return _compiled(words)
    if field == TRANSLATED:  # Japanese has no spaces: a word of Latin letters ends where they do
        before, after = (r"[a-z\d]" if end.isascii() else "(?!)" for end in (wanted[0], wanted[-1]))
        return _compiled(rf"(?<!{before}){words}(?!{after})")
    return _compiled(rf"(?<!\w){words}(?!\w)")


def _compiled(expression: str) -> "regex.Pattern[str]":
    import regex

    try:
        return regex.compile(expression, regex.IGNORECASE)
    except regex.error as error:
        raise ValueError(f"expected a regular expression ({error})") from error


def split(text: str) -> tuple[str, ...]:
    """Return the rules of an attribute, which stand between semicolons."""
    return tuple(part for each in text.split(";") if (part := each.strip()))


def of_rules(mute: Iterable[str] = (), keep: Iterable[str] = ()) -> Filters:
    """Read rules.

    Raises: ValueError naming the rule and what was expected.
    """
    return Filters(mute=tuple(map(_named, mute)), keep=tuple(map(_named, keep)))


def _named(text: str) -> Rule:
    try:
        return rule(text)
    except ValueError as error:
        raise ValueError(f"rule {text!r}: {error}") from error


def read(data: bytes, name: str) -> Filters:
    """Read filters.toml.

    Raises: ConfigError naming file, rule and what was expected.
    """
    import tomllib

    try:
        tree = tomllib.loads(data.decode())
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{name}: is not TOML ({error})") from error
    for kind, value in tree.items():
        if kind not in _KINDS:
            raise ConfigError(f"{name}: {kind} is no kind of rule; expected {' | '.join(_KINDS)}")
        if not isinstance(value, list) or not all(isinstance(each, str) for each in value):
            raise ConfigError(f"{name}: {kind} = {value!r}: expected {_LIST}")
    try:
        return of_rules(**tree)
    except ValueError as error:
        raise ConfigError(f"{name}: {error}") from error


def to_text(filters: Filters) -> str:
    """Write rules as the store keeps them: JSON."""
    lists = {"mute": filters.mute, "keep": filters.keep}
    return json.dumps({kind: [rule.text for rule in rules] for kind, rules in lists.items()})


def from_text(text: str) -> Filters:
    """Read what `to_text` wrote."""
    return of_rules(**json.loads(text))
