"""Whether a text is Japanese or English, told by its script and its small words.

Feeds' own tags are often missing or wrong, and an engine makes something of any language.
"""

import re

MOSTLY_JAPANESE = 0.3  # of the letters; names and code in Latin letters are many in technical Japanese
MOSTLY_LATIN = 0.5

# In lower case, as names have few: "Las Vegas" and "Los Angeles" do not count, "Rio de Janeiro" does once.
_SMALL = re.compile(r"(?<![\w./@-])[a-zß-ÿ]+(?![\w/@-]|\.\w)")
_ENGLISH = frozenset(
    "the a an and or but of in on at to by with from for as is are was were be has have had will would can"
    " not it its this that these you your we our they their how why what who when more than after".split()
)
_TELLING = frozenset("the and of with for from that this are".split())
_OTHERS = frozenset(
    "der das und ist nicht ein eine einen einem einer eines für auf dem den des im zu zum zur von wird werden"
    " sich auch bei nach über wie aus oder sind haben wurde"  # German
    " le la les du une est et pour dans sur avec qui que pas au aux cette sont"  # French
    " el los las del y con por en se su más al una para"  # Spanish
    " com não da das dos uma é na ao em"  # Portuguese
    " il gli della delle di che è nel sono dei più"  # Italian
    " het een van voor met niet zijn dat aan wordt ook de"  # Dutch
    " och att det är som på av för med inte ett og ikke til er af".split()  # Swedish, Danish, Norwegian
)


# What feeds write for a language that is no code of it.
_NAMES = {"eng": "en", "english": "en", "us": "en", "jpn": "ja", "japanese": "ja", "jp": "ja"}


def code(tag: str | None) -> str:
    """Return a tag's language, "" where it names none: "en" for "en_GB" and "English"."""
    first = re.split("[-_]", (tag or "").strip().lower())[0]
    found = _NAMES.get(first, first)
    return found if re.fullmatch("[a-z]{2,3}", found) and found not in {"und", "mul", "zxx"} else ""


def is_japanese(text: str, *, tagged: bool) -> bool:
    """Return whether a text is in Japanese; `tagged` where its feed says so.

    Shape: a headline in ideographs alone is Japanese only by its tag, and not where it is plainly Chinese.
    """
    from aggregator.translate.check import japanese_share, unlike_japanese  # polls ask for English alone

    if japanese_share(text) >= MOSTLY_JAPANESE:
        return True
    return tagged and _latin_share(text) < MOSTLY_LATIN and not unlike_japanese(text)


def is_english(text: str) -> bool:
    """Return whether a text may be in English: nothing of it says otherwise."""
    if _latin_share(text) < MOSTLY_LATIN:
        return False
    words = _SMALL.findall(text)
    others = sum(word in _OTHERS for word in words)
    return others < 2 or others <= sum(word in _ENGLISH for word in words)


def is_plainly_english(text: str) -> bool:
    """Return whether a text is in English whatever its feed says: its small words tell it."""
    return is_english(text) and len(_TELLING.intersection(_SMALL.findall(text))) > 1


def _latin_share(text: str) -> float:
    letters = [character for character in text if character.isalpha()]
    return sum(character < "\u0250" for character in letters) / len(letters) if letters else 1.0
