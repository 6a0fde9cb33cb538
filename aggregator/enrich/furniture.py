"""What stands among an article's sentences and tells nothing of its story: notices, captions, datelines."""

import re

_MONTH = r"(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)"
_PICTURE = r"(?:photo|photograph|image|illustration|screenshot|picture)"

# A notice is known by how it begins, where the whole sentence is one.
_OPENINGS = (
    rf"(?:last )?updated?(?: (?:at|on|by)\b|:| \d| {_MONTH}).*",
    r"(?:published|posted)(?: (?:at|on|by|in)\b|:).*\d.*",
    r"(?:editor|author|publisher)['’]?s?['’]? note\b.*",
    r"(?:correction|disclosure|disclaimer|clarification)s?\s*[:,(].*",
    rf"(?:via|source|credit|{_PICTURE})s?\s*[:/(].*",
    rf"{_PICTURE} (?:by|credit|courtesy)\b.*",
    r"(?:above|below|left|right|pictured)(?: above| below| left| right)?: .*",
    r"(?:related|see also|further reading|recommended)\b.{0,90}",
    r"more from\b.{0,60}",
    r"(?:subscribe|sign up|sign in|log in|register now|click (?:here|the)|tap here)\b.*",
    r"(?:follow us|follow me|like us|join our|share this|listen to this|support us|become a member)\b.*",
    r"(?:read|learn|see|find out|discover) more\b.*",
    r"(?:get|want) .{0,60}\b(?:inbox|newsletter|straight to)\b.*",
    r"(?:buy|get|grab) (?:it|yours|one) (?:now|here|today)\b.*",
    r"(?:skip|jump) to\b.*",
    r"\d+ min(?:ute)?s? read\b.*",
)
_BYLINE = (
    r"(?i:words by|written by|reported by|reporting by|by)(?: (?:and )?[A-Z][\w.'’-]+){2,6}[.,;]?(?: \|.*)?"
)
_ABOUT_TEXT = r"appeared|published|posted|written for|syndicated|updated|corrected|amended"
_ANYWHERE = (
    rf"\b(?:article|story|post|piece) (?:(?:was|has been|is|originally|first|last) )*(?:{_ABOUT_TEXT})\b",
    r"\b(?:originally|first) (?:appeared|published) (?:on|in|at)\b",
    r"\baffiliate (?:links?|commission|program)",
    r"\b(?:earn|receive|get) (?:a |an )?(?:small )?(?:affiliate )?commission",
    r"\b(?:subscribe|sign up) (?:to|for) (?:our|my|the)\b",
    r"\bnewsletters?\b.{0,40}(?:inbox|sign up|subscri)",
    r"\ball rights reserved\b|\baccept (?:all )?cookies\b|\buses? cookies\b",
    r"\b(?:did not|didn['’]t) (?:immediately )?(?:respond|reply) to (?:\w+ )?requests? for comment\b",
    r"\b(?:leave|drop|post) (?:a|your) comments?\b|\bin the comments\b|\bcomments? (?:section )?below\b",
    r"\b(?:follow|find) (?:me|us|him|her|them) on [a-z]",
    rf"\b{_PICTURE} (?:credit|courtesy|source)\b",
    rf"\((?:{_PICTURE}|credit)\b[^()]{{0,200}}\)\W{{0,9}}$",
)
_OPENING = re.compile(rf"\W*(?:{'|'.join(_OPENINGS)})$", re.IGNORECASE | re.DOTALL)
_WITHIN = re.compile("|".join(_ANYWHERE), re.IGNORECASE)
# Words of which each notice has one; to look for them first is ten times faster.
_TELLING = (
    "appeared", "published", "posted", "written for", "syndicated", "updated", "corrected", "amended",
    "affiliate", "commission", "subscri", "sign up", "inbox", "rights", "cookies", "comment", "follow ",
    "find ", "credit", "courtesy", "source", "photo", "image", "illustration", "screenshot", "picture",
)  # fmt: skip
_NAMED = re.compile(rf"^\W*{_BYLINE}$")

# "BERLIN, March 3 (Example Wire) — " or "Berlin (Example Wire) — ": place, date and agency, then a dash.
_DATE = r"(?:, [A-Z][\w.]+(?: \d{1,2}(?:, \d{4})?)?){0,3}"
_AGENCY, _DASH = r" ?\([^()]{2,40}\)", r"\s*(?:—|–|--|-)\s+(?=\S)"
_DATELINE = re.compile(
    rf"^(?:[A-Z][A-Z.'’]+(?:[ -][A-Z][A-Z.'’]+){{0,3}}{_DATE}(?:{_AGENCY})?"
    rf"|[A-Z][\w.'’]+(?: [A-Z][\w.'’]+){{0,2}}{_DATE}{_AGENCY}){_DASH}"
)


def is_furniture(sentence: str) -> bool:
    """Tell whether a sentence is a notice, a caption or an invitation rather than part of the story."""
    plain = sentence.lower()
    within = any(word in plain for word in _TELLING) and _WITHIN.search(sentence)
    return bool(within or _OPENING.match(sentence) or _NAMED.match(sentence))


def without_dateline(sentence: str) -> str:
    """Return a sentence from where its story begins: place, date and agency before the dash are left out."""
    return sentence[match.end() :] if (match := _DATELINE.match(sentence)) else sentence
