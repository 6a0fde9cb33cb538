"""Japanese punctuation, width and spacing, one way everywhere.

Engines mix styles, even within one sentence. Addresses, code and whatever else must come through unchanged
are set aside first.
"""

import re
import unicodedata

from aggregator.translate.segment import VERBATIM

_JA = "ぁ-ゖァ-ヺー々〆\u3400-\u4dbf\u4e00-\u9fff"
_OPEN, _CLOSE = "「『（【", "」』）】"
_WIDE = f"、。！？：；…{_OPEN}{_CLOSE}"
_NEAR = _JA + _WIDE  # what makes the punctuation beside it Japanese
_STAND_IN, _LAST_STAND_IN = 0xE000, 0xF8FF  # private characters: one stands for each text set aside
_LITERAL = f"{chr(_STAND_IN)}-{chr(_LAST_STAND_IN)}"
_LATIN = f"A-Za-z0-9%+#$€£@{_LITERAL}"
_JAPANESE = re.compile(f"[{_JA}]")
_PRIVATE = re.compile(f"[{_LITERAL}]")

_WIDE_ALPHANUMERIC = re.compile("[０-９Ａ-Ｚａ-ｚ％]+")
_HALF_KATAKANA = re.compile("[｡-ﾟ]+")
_PASSES = 20  # a sign made Japanese may make the one beside it so; two passes do, but for hostile text
_PUNCTUATION = re.compile(
    rf"(?<=[{_NEAR}])(?: *(?:[!?,;]|\.(?![\w./\\{_LITERAL}])|:(?![/\\\w]*[/\\])))+|(?:[,;:] *)+(?=[{_NEAR}])"
)
_TO_WIDE = str.maketrans({**dict(zip("!?,;.:", "！？、；。：", strict=True)), " ": None})
_RULES = tuple(
    (re.compile(pattern), replacement)
    for pattern, replacement in (
        (r"(?<=\d)，(?=\d)", ","),
        (r"(?<=\d)．(?=\d)", "."),
        ("，", "、"),
        ("．", "。"),
        (r"\.{3,}|。{3,}|・{3,}", "…"),
        (r"“([^“”\n]+)”", r"「\1」"),
        (r"（([^()（）\n]*)\)|\(([^()（）\n]*)）", r"（\1\2）"),
        (rf"\(([^()\n]*[{_JA}][^()\n]*)\)", r"（\1）"),
        (rf"(?<=[{_NEAR}])( *)\(([^()\n]+)\)|(?<![A-Za-z0-9_])\(([^()\n]+)\)(?= *[{_NEAR}])", r"（\2\3）"),
        (rf"[ \u3000]+(?=[{_WIDE}])|(?<=[{_WIDE}])[ \u3000]+", ""),
        (rf"(?<=[{_JA}]) +(?=[{_LATIN}])|(?<=[{_LATIN}]) +(?=[{_JA}])", ""),
    )
)


def typeset(text: str, literals: tuple[str, ...] = ()) -> str:
    """Return a translation in one style: full-width punctuation, half-width digits and Latin, unspaced.

    Shape: addresses, code in backticks and `literals` stay as they are; so does text without Japanese.
    """
    if not _JAPANESE.search(text) or _PRIVATE.search(text):
        return text
    aside: list[str] = []

    def set_aside(match: re.Match[str]) -> str:
        aside.append(match[0])
        return chr(_STAND_IN + len(aside) - 1)

    plain = _kept(literals).sub(set_aside, text)
    if len(aside) > _LAST_STAND_IN - _STAND_IN:
        return text
    for _ in range(_PASSES):
        plain, before = _tidy(plain), plain
        if plain == before:
            break
    return _PRIVATE.sub(lambda match: aside[ord(match[0]) - _STAND_IN], plain)


def _kept(literals: tuple[str, ...]) -> re.Pattern[str]:
    if not literals:
        return VERBATIM
    longest_first = sorted(literals, key=len, reverse=True)
    return re.compile(f"{'|'.join(map(re.escape, longest_first))}|{VERBATIM.pattern}")


def _tidy(text: str) -> str:
    for pattern in (_WIDE_ALPHANUMERIC, _HALF_KATAKANA):
        text = pattern.sub(lambda match: unicodedata.normalize("NFKC", match[0]), text)
    if text.count('"') % 2 == 0:  # an odd one may be an inch
        text = re.sub(r'"([^"\n]+)"', r"「\1」", text)
    for pattern, replacement in _RULES:
        text = pattern.sub(replacement, text)
    return _nested(_PUNCTUATION.sub(lambda match: match[0].translate(_TO_WIDE), text))


def _nested(text: str) -> str:
    """Write quotations within quotations as 『』."""
    depth, characters = 0, list(text)
    for n, character in enumerate(characters):
        if character == "「":
            characters[n] = "『" if depth else "「"
            depth += 1
        elif character == "」":
            characters[n] = "』" if depth > 1 else "」"
            depth = max(0, depth - 1)
    return "".join(characters)
