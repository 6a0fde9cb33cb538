"""How sentences end: 「です・ます」 or 「である」, asked of engines that follow instructions, and made plain.

A polite ending is made plain where its letters leave no choice of verb; all else stays as it is.
"""

import re

DESU_MASU, DEARU = "です・ます", "である"
_INSTRUCTIONS = {
    DESU_MASU: "End sentences in です・ます style; write headlines as headlines, without です or ます.",
    DEARU: "End sentences in plain である style, without です or ます; write headlines as headlines.",
}


def instruction(style: str) -> str:
    """Return what a model is told about a style."""
    return _INSTRUCTIONS[style]


def plain(sentence: str) -> str:
    """Return a sentence that ends plainly where it ended politely, itself where that is not certain."""
    body, stop = (sentence[:-1], "。") if sentence.endswith("。") else (sentence, "")
    return (_verb(body) or _copula(body) or body) + stop


def headline(title: str) -> str:
    """Return a title in the form of headlines: plain, and a noun without 「だ」 at the end."""
    short = title.removesuffix("。")
    if asked := _ASKED.fullmatch(short):
        return _question(asked[1]) + asked[2]
    return _NOUN_DESU.sub(r"\1", short) if _NOUN_DESU.search(short) else plain(short)


def _question(body: str) -> str:
    """Return a question, of which the 「か」 was cut off, plainly: 「なぜ動くのか」, 「動くか」."""
    if explained := _EXPLAINED.search(body):
        return f"{body[: explained.start()]}のか"
    if _LEFT_ASKING.search(body):
        return f"{body}か"
    return f"{headline(body).removesuffix('だ')}か"


_HAN = "\u4e00-\u9fff々"
_NOUN = f"[{_HAN}ァ-ヺーA-Za-z0-9%]"
_NOUN_DESU = re.compile(rf"({_NOUN}|こと|もの)です$")
_ASKED = re.compile(r"(.*(?:です|ます|でした|ました|ません|でしょう))か([?？]?)")
_EXPLAINED = re.compile("(?:の|(?<!な)ん)(?:です|でしょう)$")
# An invitation, perhaps; 「なん」 may be 「何」.
_LEFT_ASKING = re.compile("ません$|(?:なん|いかが)(?:です|でしょう)$")
_ADJECTIVE = re.compile("((?:[しなた]|[多高良早速低長短強弱軽重近遠深浅広狭古安大小]き?|[いよ])い)です$")
_NOMINAL = re.compile(
    rf"({_NOUN}|[のん]|こと|もの|よう|そう|だけ|ため|から|ほど|はず|とおり|つもり)(です|でした)$"
)

# The form before ます -> how many letters of it go, and what comes in their place: for ます, ました, ません.
_E_ROW = "えけげせぜてでねへべぺめれ"
_SU_VERBS = "示残試話押渡直返戻消移出貸指逃促倒崩壊落"
_VERBS = tuple(
    (re.compile(f"(?:{pattern})$"), cut, forms)
    for pattern, cut, forms in (
        (r"(?<![ぁ-ん])でき|(?<=[がはもにでをくり、])でき|出来", 0, ("る", "た", "ない")),
        (f"[{_E_ROW}]|(?<![{_HAN}])[見出得似着寝来]|[てで]い|[{_HAN}ァ-ヺー]がい", 0, ("る", "た", "ない")),
        ("あり", 2, ("ある", "あった", "ない")),
        ("行き|[てで]いき", 1, ("く", "った", "かない")),
        ("[続書開置引聞働招動描築抱導届抜解説除磨]き", 1, ("く", "いた", "かない")),
        ("[防急稼注継]ぎ", 1, ("ぐ", "いだ", "がない")),
        ("[使行思言扱払合会失買違願従補負狙争戦誘疑担]い", 1, ("う", "った", "わない")),
        ("[持待勝立保打育放断]ち", 1, ("つ", "った", "たない")),
        (f"[{_HAN}](?<![借足降下懲])り|[{_HAN}ぁ-ん][かまわなさが]り", 1, ("る", "った", "らない")),
        ("[含進読組住望生飲込挑盗悩頼]み", 1, ("む", "んだ", "まない")),
        ("[学呼選運結及並遊飛]び", 1, ("ぶ", "んだ", "ばない")),
        (f"(?:(?<![{_HAN}])[{_SU_VERBS}]|目指)し", 1, ("す", "した", "さない")),
        (f"(?:[ァ-ヺーA-Za-z]|[{_HAN}][{_HAN}](?<![{_SU_VERBS}])|表示|提示|指示|検出|提出|輸出)し", 1,
         ("する", "した", "しない")),
    )
)  # fmt: skip
_MASU = re.compile("(ます|ました|ません|ませんでした)$")
_PLACE = {"ます": 0, "ました": 1, "ません": 2, "ませんでした": 2}


def _verb(body: str) -> str:
    ending = _MASU.search(body)
    if not ending:
        return ""
    stem = body[: ending.start()]
    for pattern, cut, forms in _VERBS:
        if pattern.search(stem):
            form = forms[_PLACE[ending[1]]]
            past = f"{form[:-1]}かった" if ending[1] == "ませんでした" else form
            return stem[: len(stem) - cut] + past
    # 「した」 whatever the verb
    return f"{stem}た" if stem.endswith("し") and ending[1] == "ました" else ""


def _copula(body: str) -> str:
    if body.endswith("でしょう"):
        return f"{body[:-4]}だろう"
    if _ADJECTIVE.search(body):
        return body[:-2]
    return _NOMINAL.sub(lambda m: m[1] + ("だ" if m[2] == "です" else "だった"), body)
