"""Whole sentences out of running text."""

import re

from fxtranslate import discovery

# Pieces the segmenter (ICU rules) cuts after although the sentence goes on.
_TITLES = "Mr|Mrs|Ms|Dr|Prof|Sr|Jr|St|Sgt|Gen|Sen|Rep|Gov|Capt|Lt|Col|Maj|Mt|No|vs|Fig|Eq|approx|est|a.k.a"
_ENDS_OPEN = re.compile(rf"(?:\b(?:{_TITLES})\.|(?:^|\s)(?:[A-Z]\.)+)$")
_IN_NAMES = re.compile(r"\b(?:U\.S|U\.K|U\.N|E\.U|D\.C|Inc|Corp|Ltd|Co)\.$")
_MONTH = re.compile(r"\b(?:Jan|Feb|Mar|Apr|Aug|Sept?|Oct|Nov|Dec)\.$")
_CLOCK = re.compile(r"\b[ap]\.m\.$", re.IGNORECASE)
_ZONE = re.compile(r"\(?(?:[A-Z]{1,3}T|UTC|GMT|Pacific|Eastern|Central|Mountain)\b")
# A sentence rarely begins with these after "U.S." or "Inc."; a capital that is none of them continues a name.
_OPENERS = frozenset(
    "The A An It He She They We I You This That These Those But And Or So In On At For With From By As If "
    "When While After Before Since Although However Meanwhile Its His Her Their Our There Here".split()
)
_OPENING = "「『（(“"
_CLOSING = "」』）)”’\"'"
_LONGEST_QUOTATION = 300  # characters; beyond, a quotation mark was forgotten rather than left open
_WHOLE = re.compile(rf"[.!?。！？][{_CLOSING}]*$")
_CUT_OFF = re.compile(r"(?:…|\.\.\.|\[(?:…|\.\.\.)\])\s*$")


def sentences(paragraph: str) -> list[str]:
    """Split one paragraph into sentences, in order; joined again they hold every word.

    A dialogue tag stays with its quotation, a title or initial with its name.
    """
    joined: list[str] = []
    opened = ""
    for cut in discovery.segment_sentences(paragraph):
        stripped = opened + cut.strip()
        piece = stripped.rstrip(_OPENING)  # the segmenter leaves the next sentence's quote behind
        opened = stripped[len(piece) :]
        if joined and _continues(joined[-1], piece):
            joined[-1] = _glue(joined[-1], piece)
        elif piece:
            joined.append(piece)
    return joined if not opened else [*joined[:-1], "".join(joined[-1:]) + opened]


def is_whole(sentence: str) -> bool:
    """Tell whether a sentence has its end, rather than being cut off or a bare phrase."""
    return bool(_WHOLE.search(sentence)) and not _CUT_OFF.search(sentence)


def is_cut_off(sentence: str) -> bool:
    """Tell whether a sentence ends in the dots of a teaser."""
    return bool(_CUT_OFF.search(sentence))


def _continues(before: str, piece: str) -> bool:
    if not piece:
        return False
    if _is_open(before) and len(before) < _LONGEST_QUOTATION:
        return True
    if (_MONTH.search(before) and piece[0].isdigit()) or (_CLOCK.search(before) and _ZONE.match(piece)):
        return True
    first = piece.split(maxsplit=1)[0].rstrip(",")
    if _IN_NAMES.search(before):
        return first[:1].islower() or (first[:1].isupper() and first not in _OPENERS)
    return (
        piece[0].islower()
        or piece[0] in _CLOSING[:3]
        or (before.endswith(("」", "』")) and piece[:1] in "とはがをのに")
        or bool(_ENDS_OPEN.search(before))
    )


def _is_open(text: str) -> bool:
    """Tell whether a quotation begun in the text goes on after it."""
    if any(text.count(left) > text.count(right) for left, right in ("「」", "『』", "“”")):
        return True
    return text.count('"') % 2 == 1


def _glue(before: str, piece: str) -> str:
    japanese = before[-1] in "「『」』。！？" or piece[0] in "」』とはがをのに"
    return before + piece if japanese else f"{before} {piece}"
