"""How sentences end: 「です・ます」 or 「である」, asked of engines that follow instructions, and made plain.

Plain endings can be told from polite ones where the form leaves no choice of verb; all else stays as it is.
"""

DESU_MASU, DEARU = "です・ます", "である"
_INSTRUCTIONS = {
    DESU_MASU: "End sentences in です・ます style; write headlines as headlines, without です or ます.",
    DEARU: "End sentences in plain である style, without です or ます; write headlines as headlines.",
}


def instruction(style: str) -> str:
    """Return what a model is told about a style."""
    return _INSTRUCTIONS[style]
