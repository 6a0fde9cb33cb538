"""Whether a Japanese translation turns the source around: yes and no, denials, bounds, hearsay, who acts.

Each check refuses what is certainly turned and lets through what it cannot tell.
"""

import re
from collections.abc import Callable

from aggregator.translate.roles import swapped

_YES, _NO = re.compile(r"はい(?:[、。,!！]|$)"), re.compile(r"(?:いいえ|いや)(?:[、。,!！]|$)")
_AFTER_QUESTION = re.compile(r"[?？]\s*(?:はい|いいえ)[、。]")
_ENGLISH_YES = re.compile(
    r"\b(?:yes|yeah|yep|yup|sure|ok|okay|right|indeed|of course|please|certainly)\b", re.IGNORECASE
)
_ENGLISH_NO = re.compile(r"\b(?:no|nope|nah|not|never|well|\w+n['’]t)\b", re.IGNORECASE)
_NEGATION = re.compile(r"\b(?:not|never|cannot|nobody|\w+n['’]t)\b", re.IGNORECASE)
_NOT_MEANT = re.compile(  # negations that a translation may turn into something else
    r"\bnot\b.{0,60}\bbut\b|(?:\bnot|n['’]t) (?:only|just|simply|merely|necessarily|sure|to mention)\b"
    r"|\bwhy (?:not|don|doesn|can)\b|\b(?:or|if) not\b",
    re.IGNORECASE,
)
# Generous: "unable" in any form, and words that deny without 「ない」 (拒否, 未定, 以外, 失敗 …).
_DENIAL = re.compile(
    "な[いくかけしさきれ]|ませ|[ずぬ]|ん[。でだがけかのよ]|まい|だけ|のみ|しか|より|もう"
    "|[無不非未否拒禁避外欠限違誤控止失困難逃却免防]"
)
_REFUSAL = re.compile(
    r"\b(?:den(?:y|ies|ied)|refus(?:es|ed)|reject(?:s|ed)|overturn(?:s|ed))\b", re.IGNORECASE
)
_REFUSED = re.compile("[断却退覆]|取り消|撤回|破棄|反対")
_NUMBER = r" (?:about )?[$€£]?\d"
_AT_MOST = re.compile(rf"\b(?:up to|at most|no more than|(?:less|fewer) than|under){_NUMBER}", re.IGNORECASE)
_AT_LEAST = re.compile(
    rf"\b(?:(?<!no )more than|at least|over|no (?:less|fewer) than){_NUMBER}", re.IGNORECASE
)
_MOST_JA = re.compile("最[大長高多]|多くとも|まで|以[下内]|未満|満たな|切る|下回|足らず|届か|弱")
_LEAST_JA = re.compile("以上|超|上回|少なくとも|最低|余り|強|あまり|[ずな][、にい]")
# Hearsay and guesses. "may", "might" and "plans to" are left alone: 10 % of human translations drop them.
_HEARSAY = re.compile(r"\b(?:reportedly|allegedly|rumou?red)\b", re.IGNORECASE)
_HEARSAY_JA = re.compile(
    "[報噂疑]|とい|とさ|とし|とみ|と見|模様|らし|伝え|によ[るれ]|うわさ|よう|そう|とのこと|明らか|主張|容疑|か[。？]?$"
)
_GUESS = re.compile(
    r"(?<!\byou )(?<!\bwe )(?<!\bi )\b(?:could (?!not\b|have\b)\w+"
    r"|(?:may|might|could) (?:not )?have \w+(?:ed|wn|en|nt|st))\b|\bprobably\b",
    re.IGNORECASE,
)
_GUESS_JA = re.compile(  # generous: a condition, an ability or a plan says it as well
    "可能|かも|恐|おそ|虞|うる|得[るま]|えま|かね|[報噂疑]|とい|とさ|模様|らし|伝え|によ[るれ]|計画|予定|見[込通ら]|みら|方針|検討"
    "|しょう|ろう|よう|推|ことが|場合|こともあ|など|思|考え|もし|たぶん|多分|ほぼ|つもり|目指|意[向図]|予想|想定|期待|はず|うわさ"
    "|うと|し得|危険|リスク|懸念|か[。」？]|か$|気|主張|容疑|とも|でき|れば|たら|なら|られ|える|必要|せる|いく|[けてね]る"
)


def turned(source: str, translated: str) -> tuple[str, ...]:
    """Name what a translation turned into its opposite; empty where nothing is known to be."""
    found = (check(source, translated) for check in _CHECKS)
    return tuple(reason for reason in found if reason)


def _answer(source: str, translated: str) -> str:
    """Find a yes that the source does not say or a no turned into one, and a question that was answered."""
    if _YES.match(translated) and not _ENGLISH_YES.search(source):
        return "made up: yes"
    if _NO.match(translated) and not _ENGLISH_NO.search(source):
        return "made up: no"
    said = _ENGLISH_YES.search(source) or _ENGLISH_NO.search(source)
    return "answers the question" if _AFTER_QUESTION.search(translated) and not said else ""


def _negation(source: str, translated: str) -> str:
    denied, refused = _NEGATION.search(source), _REFUSAL.search(source)
    if _NOT_MEANT.search(source) or _DENIAL.search(translated):
        return ""
    if denied:
        return f"negation lost: {denied[0]}"
    return f"denial lost: {refused[0]}" if refused and not _REFUSED.search(translated) else ""


def _bound(source: str, translated: str) -> str:
    """Find an "up to" that became an "at least", or the other way round; silence about it is no fault."""
    most, least = _AT_MOST.search(source), _AT_LEAST.search(source)
    if bool(most) == bool(least):
        return ""
    said_most, said_least = _MOST_JA.search(translated), _LEAST_JA.search(translated)
    turned = said_least and not said_most if most else said_most and not said_least
    return f"bound turned: {(most or least or ['?'])[0]}" if turned else ""


def _hedge(source: str, translated: str) -> str:
    """Find hearsay or a guess that is told as a fact."""
    for said, kept in ((_HEARSAY, _HEARSAY_JA), (_GUESS, _GUESS_JA)):
        match = said.search(source)
        if match and not kept.search(translated):
            return f"told as a fact: {match[0]}"
    return ""


_CHECKS: tuple[Callable[[str, str], str], ...] = (_answer, _negation, _bound, _hedge, swapped)
