"""Which sentences of an article tell its news: those near the top that speak of what the title speaks of.

A score adds up what news writing does: what matters comes first (lead bias) and in the words of the title, a
paragraph opens with its point, figures are facts; greetings, questions, and openings that lean on a sentence
before them make poor summaries, and so do short remarks. A sentence that says nothing without the one before
it ("The catch is …") is taken with that one only. The labelled articles of tests/summaries hold the weights.
"""

import re
from collections.abc import Mapping, Sequence

SENTENCES = 4
CHARACTERS = 400
WINDOW = 16  # sentences from the top that are looked at
_FADE = 0.15  # how fast a sentence loses weight with its distance from the top
_TITLE = 1.0  # what a sentence with all of the title's words gains
_PARAGRAPH = _FIGURE = 0.08
_POOR, _LEANING, _LENGTH = 0.8, 0.12, 0.8
_FULL, _LONG = 100, 280  # characters: what is shorter tells less, what is longer leaves no room
_ENOUGH = 0.4  # of the best score: a third and a fourth sentence must be worth it

_WORD = re.compile(r"[^\W_]+(?:[.+#'’-][^\W_]+)*[+#]*")
_JAPANESE = re.compile("[ぁ-ヺー\u3400-\u9fff]+")
_STOP = frozenset(
    "a an the and or but nor for of in on at to by with from as into over after before than then that this"
    " these those is are was were be been being it its he she they we you i his her their our your my not no"
    " do does did has have had will would can could may might should how why what when where who which new"
    " now more most just about up out off so if s t say says said".split()
)
_ENDINGS = re.compile(r"(?:['’]s|ing|ed|es|ers?|ly|ions?|ments?|s|e)$")
_POOR_OPENINGS = (
    r"hi|hey|hello|welcome|thanks|thank you|happy|good (?:morning|news)|imagine|remember|picture this|ever",
    r"it['’]s been|let['’]s|have you|we['’]ve all|i['’]ve (?:always|been)|today i|before we|stay tuned",
    r"in (?:this|today['’]s) (?:post|article|episode|issue|video)|if you(?:['’]ve|['’]re| have| are)",
    r"as (?:always|usual)|more on (?:that|this)|for (?:years|decades)",
)
_POOR_OPENING = re.compile(rf"^\W*(?:{'|'.join(_POOR_OPENINGS)})\b|[?？][\"'”’]*$", re.IGNORECASE)
_LEANING_OPENING = re.compile(
    r"^\W*(?:but|and|so|yet|however|still|also|instead|then|that|this|these|those|he|she|they|it|such|both"
    r"|meanwhile|for (?:example|instance)|in (?:fact|addition)|of course|as a result)\b|^[\"“]",
    re.IGNORECASE,
)
_NOUNS = (
    r"catch|reason|upshot|result|downside|upside|twist|trick|trade-?off|bottom line|takeaway|kicker|caveat"
    r"|exception|difference|point|idea|goal|culprit|irony|good news|bad news|hope|worry"
)
_HANGING_OPENINGS = (
    rf"(?:the|one|another) (?:\w+ )?(?:{_NOUNS})(?: here| though)?(?: is| was|['’]s|:|,|\?)",
    r"that said\b|that['’]s (?:why|because|where|how|what|when)\b|the same (?:goes|is true|applies|holds)\b",
    r"(?:this|that|which) (?:means|is (?:why|because|where|how))\b|(?:the|that) (?:former|latter)\b",
    r"in (?:other words|short|contrast|comparison|turn|that case|the meantime)\b|because of (?:this|that)\b",
    r"by (?:contrast|comparison)\b|on the other hand\b|here['’]s (?:why|how|what|where|the)\b|among them\b",
    r"(?:even so|as such|likewise|similarly|otherwise|conversely|to that end|nor)(?=[ ,])",
)
_HANGING_OPENING = re.compile(rf"^\W*(?:{'|'.join(_HANGING_OPENINGS)})", re.IGNORECASE)


def choose(paragraphs: Sequence[Sequence[str]], title: str) -> list[str]:
    """Return up to four sentences that tell the news, in the article's order; the best whatever its length.

    Shape: `paragraphs` hold whole sentences fit to show.
    """
    flat = [(n == 0, sentence) for part in paragraphs for n, sentence in enumerate(part)][:WINDOW]
    scores = _scores(flat, stems(title))
    taken: list[int] = []
    room = CHARACTERS
    best = sorted(range(len(flat)), key=lambda n: (-scores[n], n))
    for at in best:
        length = len(flat[at][1])
        if len(taken) == SENTENCES or (len(taken) > 1 and scores[at] < _ENOUGH * scores[taken[0]]):
            break
        hangs = _HANGING_OPENING.match(flat[at][1]) and at - 1 not in taken
        if not hangs and (not taken or length <= room):
            taken.append(at)
            room -= length
    return [flat[at][1] for at in sorted(taken or best[:1])]


def stems(text: str) -> frozenset[str]:
    """Return the words that carry a text's meaning, cut to what their forms share.

    Shape: Japanese, which has no spaces, as pairs of neighbouring characters.
    """
    plain = text.casefold()
    words = {_stem(word) for word in _WORD.findall(_JAPANESE.sub(" ", plain)) if word not in _STOP}
    return frozenset(
        words | {run[n : n + 2] for run in _JAPANESE.findall(plain) for n in range(len(run) - 1)}
    )


def _stem(word: str) -> str:
    short = _ENDINGS.sub("", word)
    return short if len(short) > 2 else word


def _scores(flat: Sequence[tuple[bool, str]], wanted: frozenset[str]) -> list[float]:
    """Score each sentence; a title's word weighs the less, the more sentences have it."""
    shared = [wanted & stems(text) for _, text in flat]
    weights = {word: 1 / sum(word in each for each in shared) for word in frozenset().union(*shared)}
    return [_score(at, *flat[at], _share(shared[at], weights)) for at in range(len(flat))]


def _share(words: frozenset[str], weights: Mapping[str, float]) -> float:
    # Summed in an order of its own: that of a set differs from run to run, and sums of fractions with it.
    return sum(weights[word] for word in sorted(words)) / (sum(weights[w] for w in sorted(weights)) or 1)


def _score(at: int, opens: bool, text: str, shared: float) -> float:
    score = 1 / (1 + _FADE * at) + _TITLE * shared + _PARAGRAPH * opens
    score += _FIGURE * any(character.isdigit() for character in text)
    leans = _LEANING_OPENING.match(text) or _HANGING_OPENING.match(text)
    score -= _POOR * bool(_POOR_OPENING.search(text)) + _LEANING * bool(leans)
    return score + _LENGTH * (min(len(text) / _FULL, 1) - (len(text) > _LONG))
