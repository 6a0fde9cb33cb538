"""Whether a translation is fit to show: reasons against it, none where it passed.

What an engine returns is data of unknown quality, a language model's most of all. Each check names what a
reader would trip over. Limits were set so that at most 2 % of human reference translations are refused.
"""

import re
import unicodedata
from collections import Counter
from collections.abc import Callable

from aggregator.translate.casing import is_common
from aggregator.translate.quantity import differences
from aggregator.translate.segment import LITERAL
from aggregator.translate.sense import turned

_KANA = "ぁ-ゖァ-ヺー"
_HAN = "\u3400-\u4dbf\u4e00-\u9fff々〆"
_JAPANESE = re.compile(f"[{_KANA}{_HAN}]")
_LATIN_WORD = re.compile(r"[A-Za-z][A-Za-z'’]+")

_VERSIONED = re.compile(r"(?:\b[A-Z][\w+#-]*\s){1,3}(?=v?\d)")  # "Alpine Linux" in "Alpine Linux 3.22"
_TOKEN = re.compile(r"[!#-'*+\--9<-~]+")  # ASCII up to a space, quotes, brackets, punctuation
_STAGES = frozenset({"alpha", "beta", "preview", "LTS", "GA"})
_SIGNS = frozenset("HTTP HTTPS HTML JSON REST NULL STDIN STDOUT STDERR".split())
_COMMON = frozenset(
    "the a an in on of for to and or is are was how why what who when with from by at as it its not new your"
    " you we this that about after into over more now will can has have".split()
)
_PLAIN = frozenset(word for word in _COMMON if len(word) > 1)
_QUOTING = re.compile("`|://|@")
_WORD = re.compile(r"[^\s,;:!?()\"“”]+")

_ASSISTANT = re.compile(
    r"申し訳(?:ありません|ございません)が?、?.{0,12}(?:翻訳|お手伝い|お答え|対応|提供|でき)|翻訳(?:結果|文)?\s?[:：]|(?:以下|次)(?:は|が|に).{0,12}翻訳"
    r"|(?:日本語|英語)(?:訳)?\s?[:：]|翻訳(?:いたし|し)ました|訳注|(?:言語|AI)(?:モデル|アシスタント)として"
    r"|\bAs an AI\b|\bI(?:'m| am) sorry\b|\bI can(?:no|')t\b|\bHere(?: is|'s) (?:the|a|your)\b|\bSure[,!]"
    r"|\b(?:English|Japanese|Translation|Source|Target)\s?:"
    r"|<\|?\w+\|?>|\[/?INST\]|###",
    re.IGNORECASE,
)
_MARKUP = re.compile(
    r"</?[a-zA-Z][^<>]*>|&(?:[a-z]{2,6}|#\d+);|\*\*|```|\]\(|^\s*[{\[]\s*[\"'{]|[\"'][}\]]\s*$|\\[nu]|\ufffd"
)

_LOOP = re.compile(r"(\w.{1,39}?)(?:[\s、。,.・]{0,2}\1){2,}")
_GLUED = re.compile(r"(?<=[ァ-ヺー])([a-z]{2,})(?![A-Za-z])|(?<![A-Za-z])([a-z]{2,})(?=[ァ-ヺ])")
_BOUNDS = {"ja": (0.23, 1.15), "": (0.4, 2.2)}  # characters of the translation for each one of the source
_SLACK = 12  # characters: a short title may double or shrink freely


def check(source: str, translated: str, target: str) -> tuple[str, ...]:
    """Return what is wrong with a translation; empty where nothing is.

    Shape: short English phrases, the most telling first. The script is checked for the target "ja" alone.
    """
    if not translated.strip():
        return ("empty",)
    found = [check(source, translated) for check in _ANY]
    if target == "ja":
        found += [check(source, translated) for check in _JA] + [*turned(source, translated)]
    found += [_length(source, translated, target), *differences(source, translated, target)]
    return tuple(reason for reason in found if reason)


def amiss(source: str, text: str) -> tuple[str, ...]:
    """Return what is wrong with a Japanese text about a source, however much of it the text tells."""
    found = (check(source, text) for check in (*_ANYWHERE, *_JA))
    return tuple(reason for reason in found if reason)


def has_words(text: str) -> bool:
    """Return whether anything to translate is left once names, versions, code and addresses are set aside."""
    if not _QUOTING.search(text) and not _PLAIN.isdisjoint(text.split()):
        return True  # nearly every sentence: ten times faster than to look at each word
    words = [w for w in _WORD.findall(_without_names(text)) if sum(map(str.isalpha, w)) > 1]
    if len(words) > 1 or any(word.lower() in _COMMON for word in words):
        return True
    if not words:
        return False
    # A lone "Zig" is a name, a lone "Layoffs" none.
    return words[0].islower() or is_common(words[0].strip(".'-")) or len(_WORD.findall(text)) > 1


def _without_names(text: str) -> str:
    text = LITERAL.sub(" ", re.sub("`[^`]*`", " ", text))
    text = _VERSIONED.sub(lambda match: match[0] if any(map(_is_shouted, match[0].split())) else " ", text)
    return _TOKEN.sub(lambda match: " " if _is_name(match[0]) else match[0], text)


def _is_name(token: str) -> bool:
    """Return whether a word is written as no English word is: RC1, GitHub, Node.js, snake_case, API."""
    if token in _STAGES or any(c.isdigit() or c in "_/\\=" for c in token):
        return True
    word = token.strip(".-'!")
    if _is_shouted(word):
        return False
    inner_capital = any(c.isupper() for c in word[1:])
    compound = "-" in word and word.islower()  # block-relay-only
    return inner_capital or "." in word or compound


def _is_shouted(word: str) -> bool:
    """Return whether a word is one of a TITLE IN CAPITALS, and no API or JSON."""
    return len(word) > 3 and word.isupper() and word not in _SIGNS and is_common(word)


def japanese_share(text: str) -> float:
    """Return which part of the letters is Japanese; 0 where there is no kana, as in Chinese."""
    letters = sum(character.isalpha() for character in text)
    if not letters or not re.search(f"[{_KANA}]", text):
        return 0.0
    return len(_JAPANESE.findall(text)) / letters


def unlike_japanese(text: str) -> str:
    """Return what marks a text without kana as no Japanese: another script, a Chinese word; else ""."""
    return _chinese("", text)


def _literals(source: str, translated: str) -> str:
    lost = [literal for literal in LITERAL.findall(source) if literal not in translated]
    lost += [version for version in _versions(source) if version not in translated]
    return f"lost: {lost[0]}" if lost else ""


def _versions(text: str) -> list[str]:
    return re.findall(r"(?<!\d)\d+(?:\.\d+){2,}", text)


def _foreign_literals(source: str, translated: str) -> str:
    made_up = [url for url in LITERAL.findall(translated) if url.rstrip("/") not in source]
    return f"made up: {made_up[0]}" if made_up else ""


def _assistant(source: str, translated: str) -> str:
    match = _ASSISTANT.search(translated)
    return f"assistant talk: {match[0]}" if match and not _ASSISTANT.search(source) else ""


def _markup(source: str, translated: str) -> str:
    match = _MARKUP.search(translated)
    return f"markup: {match[0]}" if match and not _MARKUP.search(source) else ""


def _lines(_source: str, translated: str) -> str:
    bad = [c for c in translated if unicodedata.category(c) in {"Cc", "Cs", "Co", "Zl", "Zp"}]
    return f"control character: U+{ord(bad[0]):04X}" if bad else ""


def _loop(source: str, translated: str) -> str:
    phrases = (match[1] for match in _LOOP.finditer(translated))
    looping = next((phrase for phrase in phrases if any(map(str.isalpha, phrase))), "")
    return f"repeats: {looping}" if looping and not _LOOP.search(source) else ""


def _said_thrice(source: str, translated: str) -> str:
    """Catch loops with something in between, unless the source repeats itself as often."""
    phrase = _thrice(translated, 10)
    return f"repeats: {phrase}" if phrase and not _thrice(source, 8) else ""


def _thrice(text: str, size: int) -> str:
    seen = Counter(text[start : start + size] for start in range(len(text) - size + 1))
    return next((gram for gram, times in seen.items() if times > 2 and text.count(gram) > 2), "")


def _script(source: str, translated: str) -> str:
    if _JAPANESE.search(LITERAL.sub("", translated)) or not has_words(source):
        return ""
    return "no Japanese script"


def _chinese(source: str, translated: str) -> str:
    odd = [c for c in translated if c not in source and (is_chinese_only(c) or _OTHER_SCRIPT.match(c))]
    if odd:
        return f"not Japanese: {odd[0]}"
    if word := _CHINESE_WORD.search(translated):
        return f"Chinese word: {word[0]}"
    han = re.findall(f"[{_HAN}]", translated)
    if len(han) > 6 and not re.search(f"[{_KANA}]", translated) and set(han) & _CHINESE_GRAMMAR:
        return "Chinese sentence"
    return ""


_OTHER_SCRIPT = re.compile("[\u0400-\u1cff\uac00-\ud7af]")  # Cyrillic to Vedic, Hangul
# Written with characters Japanese has too; weak models use them for kernel, data, chip, hardware, video …
_CHINESE_WORD = re.compile(
    "内核|数据|芯片|硬件|軟件|軟體|視頻|信息|默認|用戶|服務|手機|電腦|互聯|程序|公司|人工智能|塑料|網絡|網站|網頁|開源|机器"
    "|補丁|漏洞|黑客|下載|路由器|屏幕|搜索|密碼|密码|隱私|編程|編譯|字符串|緩存|郵件|博客|我們|他們|因此|如果|一个"
    "|微軟|谷歌|苹果|蘋果|亞馬遜|特斯拉|英偉達|推特|美国|美國|欧盟|伊朗|特朗普"
)
_CHINESE_GRAMMAR = frozenset("的了是在我你他她們这這個和與为為發來將會對")


def is_chinese_only(character: str) -> bool:
    """Return whether a character is in China's basic set (GB 2312) and in Japan's everyday one not at all."""
    if not "\u4e00" <= character <= "\u9fff":
        return False
    return (
        _encodable(character, "gb2312")
        and not _encodable(character, "cp932")
        and character not in _ALSO_JAPANESE
    )


_ALSO_JAPANESE = frozenset("圳鑫")  # 深圳 and company names stand so in Japanese news


def _encodable(character: str, charset: str) -> bool:
    try:
        character.encode(charset)
    except UnicodeEncodeError:
        return False
    return True


def _english_left(source: str, translated: str) -> str:
    """Find English that was not translated: a run of plain words, or more of them than of Japanese."""
    plain = _without_names(translated)
    run = re.search(r"(?:\b[a-z]{2,}\b[\s,]+){2,}[a-z]{2,}", plain)
    if run:
        return f"English left: {run[0]}"
    words = [word for word in _LATIN_WORD.findall(plain) if word.islower()]
    if len(words) > 2 and sum(map(len, words)) > len(_JAPANESE.findall(translated)):
        return f"English left: {' '.join(words[:5])}"
    if has_words(source) and source.strip() == translated.strip():
        return "not translated"
    return ""


def _half_transliterated(source: str, translated: str) -> str:
    """Find a Latin rest glued to katakana, as in 「スaltmarsh」, that is no word of the source."""
    words = frozenset(re.findall("[a-z]+", source.lower()))
    rests = [match[1] or match[2] for match in _GLUED.finditer(translated)]
    return next((f"half transliterated: {rest}" for rest in rests if rest not in words), "")


def _length(source: str, translated: str, target: str) -> str:
    low, high = _BOUNDS.get(target, _BOUNDS[""])
    size = len(translated)
    if size > len(source) * high + _SLACK:
        return f"too long: {size} for {len(source)}"
    if size < len(source) * low - (_SLACK / 4):
        return f"too short: {size} for {len(source)}"
    return ""


_ANYWHERE: tuple[Callable[[str, str], str], ...] = (
    _lines,
    _assistant,
    _markup,
    _foreign_literals,
    _loop,
    _said_thrice,
)
_ANY = (*_ANYWHERE, _literals)
_JA: tuple[Callable[[str, str], str], ...] = (
    _script,
    _chinese,
    _english_left,
    _half_transliterated,
)
