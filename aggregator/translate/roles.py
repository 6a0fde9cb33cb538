"""Whether a Japanese translation swaps two names: who buys and who is bought, who sells to whom.

Only plain clauses are judged, of which both names are found again, as they are written or in katakana that
sounds alike; whatever is less certain passes.
"""

import re
from difflib import SequenceMatcher

_NAME = r"([A-Z][A-Za-z]+)"
_KIND = r"(?:(?:rival|startup|competitor|chipmaker|maker|owner|parent) )?"
_DO = (
    "acquires?|acquired|buys?|bought|sues?|sued|overtakes?|overtook|beats?|surpass(?:es|ed)|accus(?:es|ed)"
    "|takes over|took over|hacks?|hacked|copie[sd]|outsells?|outsold|fines?|fined"
)
_DONE = "acquired|bought|sued|overtaken|beaten|surpassed|accused|taken over|hacked|copied|outsold|fined"
_GIVE = "sells?|sold|suppl(?:y|ies|ied)|licen[sc]e[sd]?|lends?|lent|leases?|leased|pays?|paid|hands?|handed"
_TAKE = "buys?|bought|borrows?|borrowed|steals?|stole|poach(?:es|ed)|rents?|rented"
_BY = r"(?:is|was|are|were|gets|got|been|be)(?: being)?"
_GAP = r"[^.,;:!?]{1,60}?"
# A clause, which of its two names acts, and what follows that one where the two were swapped.
_CLAUSES = tuple(
    (re.compile(pattern), actor, wrong)
    for pattern, actor, wrong in (
        (rf"\b{_NAME} (?i:{_BY} (?:{_DONE}) by {_KIND}){_NAME}", 2, "を"),
        (rf"\b{_NAME} (?i:(?:will )?(?:{_DO}) {_KIND}){_NAME}", 1, "を"),
        (rf"\b{_NAME} (?i:(?:will )?(?:{_GIVE}) {_GAP} to ){_NAME}", 1, "[にへ]"),
        (rf"\b{_NAME} (?i:(?:will )?(?:{_TAKE}) {_GAP} from ){_NAME}", 1, "から"),
    )
)
_RUN = re.compile("[ァ-ヺー・]{2,}|[A-Za-z]{2,}")
_TITLE = "(?:社|氏|側)?"
_SUBJECT = re.compile(f"{_TITLE}[はが、]")
_ALIKE = 0.8
_OTHER_WAY = re.compile("下回|敗|負け|劣|許し")  # 「BはAを下回った」 is what "A beats B" says

_ROWS = {
    "k": "カキクケコ", "g": "ガギグゲゴ", "s": "サシスセソ", "z": "ザジズゼゾヂヅ", "t": "タチツテト",
    "d": "ダデド", "n": "ナニヌネノン", "h": "ハヒフヘホ", "b": "バビブベボヴ", "p": "パピプペポ",
    "m": "マミムメモ", "r": "ラリルレロ",
}  # fmt: skip
_KANA = {kana: consonant for consonant, row in _ROWS.items() for kana in row}
_SOUNDS = tuple(
    (re.compile(pattern), sound)
    for pattern, sound in (
        ("ph|f", "h"), ("sh|th|c(?=[eiy])", "s"), ("dg|j", "z"), ("tch|ch", "t"), ("ck|c|q", "k"),
        ("x", "ks"), ("v", "b"), ("r(?![aeiouy])", ""), ("l", "r"), (r"(.)\1", r"\1"),
        ("[^bdghkmnprstz]", ""),
    )
)  # fmt: skip


def swapped(source: str, translated: str) -> str:
    """Return what is wrong where a translation has two names change places, or ""."""
    if _OTHER_WAY.search(translated):
        return ""
    for clause, actor, wrong in _CLAUSES:
        match = clause.search(source)
        if match and _is_turned(match[actor], match[3 - actor], translated, wrong):
            return f"roles swapped: {match[1]}, {match[2]}"
    return ""


def _is_turned(actor: str, other: str, translated: str, wrong: str) -> bool:
    runs = list(_RUN.finditer(translated))
    ends = [[run.end() for run in runs if is_named(name, run[0])] for name in (actor, other)]
    if [len(found) for found in ends] != [1, 1] or ends[0] == ends[1]:
        return False
    after = re.compile(f"{_TITLE}(?:{wrong})")
    return bool(after.match(translated, ends[0][0]) and _SUBJECT.match(translated, ends[1][0]))


def is_named(name: str, run: str) -> bool:
    """Tell whether Latin letters are a name, or katakana sound like it."""
    if run.isascii():
        return run == name
    sound = _sound(name)
    return bool(sound) and SequenceMatcher(None, sound, _kana_sound(run)).ratio() >= _ALIKE


def _sound(name: str) -> str:
    """Return the consonants of a name as katakana would have them."""
    text = name.lower()
    for pattern, sound in _SOUNDS:
        text = pattern.sub(sound, text)
    return text


def _kana_sound(run: str) -> str:
    return "".join(_KANA.get(kana, "") for kana in run)
