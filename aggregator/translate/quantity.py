"""Numbers by value: what an English text states, what a translation says, and where they differ.

"$2.5 billion" and 「25億ドル」 are one value; "2.5億ドル" is another. A quantity is the set of values it may
mean ("4K" is 4 or 4000, "9 p.m." is 9 or 21), and two quantities agree where their sets meet.
"""

import re
import unicodedata
from decimal import Decimal

Values = frozenset[Decimal]

_DIGITS = r"\d{1,3}(?:,\d{2,3}){0,6},\d{3}(?!\d)(?:\.\d+)?|\d+(?:\.\d+)?"  # 2,06,737 is how India groups
_SCALES = {
    "hundred": 100, "thousand": 1000, "million": 10**6, "mn": 10**6, "billion": 10**9, "bn": 10**9,
    "trillion": 10**12, "tn": 10**12, "lakh": 10**5, "crore": 10**7,
    "k": 1000, "m": 10**6, "b": 10**9, "t": 10**12,
}  # fmt: skip
_SCALE_WORD = r"hundred|thousand|million|billion|trillion|lakh|crore|mn|bn|tn"
_ENGLISH = re.compile(
    rf"(?P<money>[$€£¥]\s?)?(?P<number>{_DIGITS})"
    rf"(?:[\s-]?(?P<scale>{_SCALE_WORD})s?\b|(?P<letter>[kmbt])(?![a-z0-9]))?"
    r"(?P<clock>:[0-5]\d(?!\d))?(?:\s?(?P<half>[ap])\.?\s?m\b)?",
    re.IGNORECASE,
)
_SPAN = re.compile(r"\s?(?:-|–|—|~|〜|～|から|、|to|or|and)\s?[$€£¥]?", re.IGNORECASE)
_SHORT_YEAR = re.compile(r"(?:['’]|\bFY\s?)(\d\d)(?!\d)")
_NOT_COUNTED = re.compile(
    r"(?<!\d)\d+(?:\.\d+){2,}|COVID-19|Catch.22|\b9/11\b", re.IGNORECASE
)  # versions; names that lose their number

_KANJI_SCALES = {"百": 100, "千": 1000, "万": 10**4, "億": 10**8, "兆": 10**12, "十": 10}
_JAPANESE = re.compile(
    rf"(?P<number>{_DIGITS})(?P<scale>\s?[十百千]?[万億兆]|[百千](?!分)|[kmbt](?![a-z0-9]))?(?P<after>割|[年月時]半|月)?",
    re.IGNORECASE,
)
_KANJI_DIGITS = {c: n for n, c in enumerate("〇一二三四五六七八九")}
_KANJI_NUMBER = re.compile("[〇一二三四五六七八九十百千万億兆]+")
_SAID_OTHERWISE = {
    "正午": (12,), "零時": (0, 24, 12), "半": (Decimal("0.5"), 50, 6, 30), "ダース": (12,), "初": (1,),
    "両": (2,), "1週間": (7,), "1日": (24,), "1年": (12,), "1年半": (18,), "1時間": (60,), "2年": (24,),
}  # fmt: skip

_ONES = (
    "one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen".split()
)
_ONES += "seventeen eighteen nineteen".split()
_TENS = "twenty thirty forty fifty sixty seventy eighty ninety".split()
_WORDS = {word: n for n, word in enumerate(_ONES, 1)} | {word: n * 10 for n, word in enumerate(_TENS, 2)}
_WORDS |= {
    "a": 1,
    "an": 1,
    "tenth": 10,
    "eleventh": 11,
    "bicentennial": 200,
    "twelfth": 12,
    "twentieth": 20,
    "thirtieth": 30,
}
_GROUPS = {
    "hundred": 100,
    "thousand": 1000,
    "million": 10**6,
    "billion": 10**9,
    "trillion": 10**12,
    "lakh": 10**5,
    "crore": 10**7,
}
_GROUPS |= {"dozen": 12, "decade": 10, "century": 100, "centuries": 100, "centenary": 100}
_MONTHS = {name: n for n, name in enumerate("jan feb mar apr may jun jul aug sep oct nov dec".split(), 1)}
_HINTS = {
    "half": (50, 30), "third": (33,), "quarter": (25, 15), "quarters": (75,), "noon": (12,),
    "midnight": (0, 12, 24), "fifth": (20,), "double": (200, 100), "fortnight": (14,), "halves": (50,),
    "triple": (300,),
}  # fmt: skip


def differences(source: str, translated: str, target: str) -> tuple[str, ...]:
    """Name each number the translation dropped, changed or made up; empty where all agree.

    Shape: "number missing: 2.5 billion", "number made up: 25". Number words are never demanded; a number
    of one digit is called made up only where it names a month.
    """
    stated = english(source)
    if target == "ja":
        said, spoken = japanese(translated), otherwise(translated)
    else:  # the scale words of other languages are not known here: 2,5 will do for "2.5 billion"
        said, spoken = foreign(translated), frozenset()
        stated = {text: values | _unscaled(text) for text, values in stated.items()}
    spoken = spoken.union(*said.values())
    known = hints(source).union(*stated.values())
    missing = [text for text, values in stated.items() if not values & spoken]
    weighty = (text for text, values in said.items() if max(values) >= 10 or text.endswith("月"))
    made_up = [text for text in weighty if not said[text] & known]
    return tuple(f"number missing: {text}" for text in missing) + tuple(
        f"number made up: {t}" for t in made_up
    )


def _unscaled(text: str) -> Values:
    return frozenset(_value(n) / size for n in re.findall(_DIGITS, text) for size in (1, 1000))


def english(text: str) -> dict[str, Values]:
    """Return the numbers an English text writes in digits, each with the values it may mean."""
    text = _NOT_COUNTED.sub(" ", unicodedata.normalize("NFKC", text))
    found = list(_ENGLISH.finditer(text))
    stated: dict[str, Values] = {}
    for match, after in zip(found, [*found[1:], None], strict=False):
        values = _english_values(match)
        if after and after["scale"] and _SPAN.fullmatch(text, match.end(), after.start("number")):
            values |= {_value(match["number"]) * _SCALES[after["scale"].lower()]}
        stated[match[0].strip()] = values | stated.get(match[0].strip(), frozenset())
        if match["clock"] and match["clock"] != ":00":
            stated[match["clock"]] = frozenset({Decimal(match["clock"][1:])})
    for match in _SHORT_YEAR.finditer(text):
        stated[match[1]] = frozenset({Decimal(match[1]), Decimal("20" + match[1]), Decimal("19" + match[1])})
    return stated


def _english_values(match: re.Match[str]) -> Values:
    number = _value(match["number"])
    if match["scale"]:
        return frozenset({number * _SCALES[match["scale"].lower()]})
    if match["letter"]:
        scaled = number * _SCALES[match["letter"].lower()]
        return frozenset({scaled} if match["money"] else {number, scaled})  # "5m" may be metres, "$5m" not
    if (match["half"] or match["clock"]) and number <= 24:
        return frozenset({number, (number + 12) % 24, number % 12, (number + 12) % 24 or Decimal(24)})
    return frozenset({number})


def japanese(text: str) -> dict[str, Values]:
    """Return the numbers a Japanese text writes in digits (with 万, 億, 兆 …), each with its values."""
    text = _NOT_COUNTED.sub(" ", unicodedata.normalize("NFKC", text))
    said: dict[str, Values] = {}
    parts: list[re.Match[str]] = []
    found = list(_JAPANESE.finditer(text))
    for match, after in zip(found, [*found[1:], None], strict=False):
        parts.append(match)
        if after and match["scale"] and match.end() == after.start() and _scale(after) < _scale(match):
            continue  # 2億5000万 is one number
        total = sum((_value(part["number"]) * _scale(part) for part in parts), Decimal())
        values = {total, *_variants(match, total)}
        if after and after["scale"] and _SPAN.fullmatch(text, match.end(), after.start()):
            values.add(total * _scale(after))  # 12〜15億
        said[text[parts[0].start() : match.end()]] = frozenset(values)
        parts = []
    return said


def _variants(match: re.Match[str], total: Decimal) -> list[Decimal]:
    variants = []
    if match["scale"] and match["scale"].isascii():
        variants.append(_value(match["number"]))
    if match["after"] == "割":
        variants.append(total * 10)
    elif match["after"] and match["after"].endswith("半"):
        variants.append(total + Decimal("0.5"))
    return variants


def _scale(match: re.Match[str]) -> int:
    scale = (match["scale"] or "").strip().lower()
    if scale in _SCALES:
        return _SCALES[scale]
    product = 1
    for character in scale:
        product *= _KANJI_SCALES[character]
    return product


def foreign(text: str) -> dict[str, Values]:
    """Return the numbers of a text in any other language: 1.200 and 2,5 are read both ways."""
    said = {}
    for number in re.findall(r"\d+(?:[.,  ]\d+)*", _NOT_COUNTED.sub(" ", text)):
        digits = re.sub(r"\D", "", number)
        last = re.split(r"[.,]", number)[-1]
        said[number] = frozenset(
            {Decimal(digits), Decimal(digits).scaleb(-len(last) if last != number else 0)}
        )
    return said


def otherwise(text: str) -> Values:
    """Return values a Japanese text states without digits: 二十, 正午, 半分."""
    text = unicodedata.normalize("NFKC", text)
    values = {Decimal(v) for phrase, means in _SAID_OTHERWISE.items() if phrase in text for v in means}
    return frozenset(values | {_kanji(run) for run in _KANJI_NUMBER.findall(text)})


def _kanji(run: str) -> Decimal:
    if not any(c in _KANJI_SCALES for c in run):
        return Decimal("".join(str(_KANJI_DIGITS[c]) for c in run))  # 二〇二六
    total = group = digit = 0
    for character in run:
        if character in _KANJI_DIGITS:
            digit = digit * 10 + _KANJI_DIGITS[character]
        elif _KANJI_SCALES[character] < 10**4:
            group, digit = group + (digit or 1) * _KANJI_SCALES[character], 0
        else:
            total, group, digit = total + ((group + digit) or 1) * _KANJI_SCALES[character], 0, 0
    return Decimal(total + group + digit)


def hints(text: str) -> Values:
    """Return values an English text states in words: "twenty-five", "two million", "October", "noon"."""
    words = re.findall(rf"[a-z]+|{_DIGITS}", text.lower())
    values = {Decimal(v) for word in words for v in _HINTS.get(word, ())}
    values |= {Decimal(_MONTHS[word[:3]]) for word in words if word[:3] in _MONTHS}
    return frozenset(values | _runs(words))


def _runs(words: list[str]) -> set[Decimal]:
    """Value each run of number words: "three hundred and fifty thousand", "2 decades"."""
    values: set[Decimal] = set()
    total = group = Decimal()
    for word in words:
        if word in _WORDS or word[0].isdigit():
            group += _WORDS[word] if word in _WORDS else _value(word)
        elif (size := _GROUPS.get(word, _GROUPS.get(word.removesuffix("s")))) is not None:
            group = (group or Decimal(1)) * size
            if size > 100:
                total, group = total + group, Decimal()
            values |= {Decimal(size), Decimal(size) / 2}  # "a million", "half a million"
        elif word != "and":
            total = group = Decimal()
        values.add(total + group)
    return values


def _value(number: str) -> Decimal:
    return +Decimal(number.replace(",", ""))  # + rounds as arithmetic does
