"""Turn a feed's markup into markup that is safe, text that is prose, and titles that are one line."""

import html as entities
import re
from collections.abc import Iterator
from typing import Literal

import nh3
from lxml import etree  # type: ignore[import-untyped]

from aggregator import urls

# Removed together with what they hold; nh3 would keep the text inside of the others.
_EMPTIED = frozenset(
    "script style iframe noscript object embed template svg math head title form select textarea button audio"
    " video canvas noframes xmp plaintext".split()
)
_MAX_DEPTH, _MAX_TAGS = 1000, 20_000
_NESTING_TAG = re.compile(r"<(/?)(?!(?:br|img|hr|wbr|input|link|meta|source)\b)[a-z]", re.IGNORECASE)
_SCHEMES = {"http", "https", "mailto"}
# nh3 writes attributes in one way only, so a pattern is enough to read its own output.
_IMAGE = re.compile(r'<img(?: [\w-]+="[^"]*")*>')
_PIXEL = re.compile(r' (width|height)="\s*[01](?:px)?\s*"')

_NO_PROSE = _EMPTIED | {"pre", "figure", "figcaption", "caption", "table"}
_BLOCKS = frozenset(
    "address article aside blockquote body center dd details dialog div dl dt fieldset footer h1 h2 h3 h4"
    " h5 h6 header hgroup hr html li main nav ol p section summary ul".split()
)
_QUOTED = frozenset({"code", "kbd"})
_FRAME = re.compile(r"</?(?:html|body)\b[^<>]*>", re.IGNORECASE)  # libxml2 drops what follows a closed body
# Neither can stand in an XML document, so no text can hold them.
_PARAGRAPH, _LINE = "\x00", "\x01"
_LINES = re.compile(f"{_LINE}\\s*{_LINE}[\\s{_LINE}]*")

_TURNS = dict.fromkeys((*range(0x202A, 0x202F), *range(0x2066, 0x206A)))
_SOURCE_NAMES = (
    "p|div|span|a|br|hr|img|ul|ol|li|h[1-6]|blockquote|strong|b|em|i|u|code|pre|figure|figcaption|section|article"
    "|table|thead|tbody|tr|td|th"
)
_SOURCE_TAG = re.compile(rf"<(/?)({_SOURCE_NAMES})(?:\s[^<>]*)?/?>", re.IGNORECASE)
_SOURCE_END = re.compile(rf"<(?:/(?:{_SOURCE_NAMES})|br\s*/?|img\s[^<>]*)>$", re.IGNORECASE)

_ILLEGAL = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")  # XML 1.0, section 2.2 Char
_CONTROLS = bytes({*range(32)} - {9, 10, 13})
_INLINE_TAG = re.compile(
    r"<(/?)(a|abbr|b|big|br|cite|code|del|div|em|font|i|img|ins|kbd|mark|p|q|s|samp|small|span|strike|strong|sub|sup"
    r"|tt|u|var|wbr)(?:\s[^<>]*)?/?>",
    re.IGNORECASE,
)
_VOID = {"br", "img", "wbr"}
_TAG_SPACE = {"br": " ", "div": " ", "p": " "}

_SPECIAL = "<&>\xa0\r"  # nh3 leaves a text without these as it is
_TAG = re.compile(r"<[^>]*>")  # of sanitised markup: nh3 writes "&gt;" in attributes
_SPACES = b" \t\n\r\f"
_LEVELS = 5  # of a relative address; more are too many for most pages anyway
_INNER, _UP, _PAGE = "https://relative.invalid", "/-up-", "-page-"
_MOVED = re.compile(rf'="{re.escape(_INNER)}([^"]*)"')

_PATH = re.compile("[/?]")
_IN_ATTRIBUTE = str.maketrans({"&": "&amp;", '"': "%22", "<": "%3C", ">": "%3E"})

_Relative = tuple[Literal["rewrite_with_base"], str] | Literal["deny"]


def sanitise(html: str, base_url: str) -> str:
    """Return markup without anything active or spying, its links and images absolute.

    Shape: scripts, styles, frames, forms, handlers, foreign schemes and 1x1 images are gone; a relative
    address that `base_url` cannot complete is dropped.
    """
    html = xml_legal(html)
    if not html.strip():
        return ""
    if not any(character in html for character in _SPECIAL):
        return html
    if _is_too_deep(html):
        return "".join(f"<p>{entities.escape(part)}</p>" for part in to_text(html).split("\n\n"))
    clean = _CLEANER.clean(html)
    if _INNER in clean:
        clean = _moved(clean, base_url) if urls.is_plain(base_url) else _cleaned(html, base_url)
    clean = xml_legal(clean)  # "&#1;" was legal until now
    return _IMAGE.sub(_unless_pixel, clean) if "<img" in clean else clean


def _cleaner(relative: _Relative) -> nh3.Cleaner:
    return nh3.Cleaner(
        tags=nh3.ALLOWED_TAGS,
        clean_content_tags=_EMPTIED,
        url_schemes=_SCHEMES,
        url_relative=relative,
    )


# Making a cleaner costs as much as cleaning a paragraph. One is enough: it joins relative addresses to a page
# of our own, from where they are moved to the page they belong to.
_CLEANER = _cleaner(("rewrite_with_base", f"{_INNER}{_UP * _LEVELS}/{_PAGE}"))


def _moved(clean: str, base_url: str) -> str:
    base = base_url.translate(_IN_ATTRIBUTE)
    scheme, _, rest = base.partition("://")
    site = f"{scheme}://{_PATH.split(rest, maxsplit=1)[0]}"

    def joined(address: re.Match[str]) -> str:
        path = _relative(address[1])
        return f'="{site}{path}"' if path.startswith("/") else f'="{urls.absolute(base, path)}"'

    return _MOVED.sub(joined, clean)


def _cleaned(html: str, base_url: str) -> str:
    try:
        return _cleaner(("rewrite_with_base", base_url)).clean(html)
    except ValueError:  # a base that is no address
        return _cleaner("deny").clean(html)


def _relative(path: str) -> str:
    """Return the reference that led to an absolute path below the inner page."""
    ups = 0
    while ups < _LEVELS and path.startswith(_UP, ups * len(_UP)):
        ups += 1
    rest = path[len(_UP) * ups :].lstrip("/")
    if not ups:
        return f"/{rest}"
    if ups < _LEVELS:
        return "../" * (_LEVELS - ups) + rest
    return rest.removeprefix(_PAGE) if rest.startswith(_PAGE) else f"./{rest}"


def _is_too_deep(html: str) -> bool:
    """Say whether nh3 would need seconds: its time grows with the square of the depth (100,000: 22 s).

    Shape: end tags that close nothing hide the depth, which the number of tags bounds as well (20,000: 2 s).
    """
    if html.count("<") <= _MAX_DEPTH:
        return False
    if html.count("<") > 2 * _MAX_TAGS:
        return True
    depth = deepest = 0
    for slash in _NESTING_TAG.findall(html):
        depth = max(0, depth - 1) if slash else depth + 1
        deepest = max(deepest, depth)
    return deepest > _MAX_DEPTH


def _unless_pixel(image: re.Match[str]) -> str:
    sides = set(_PIXEL.findall(image[0]))
    return "" if sides == {"width", "height"} or " src=" not in image[0] else image[0]


def to_text(html: str) -> str:
    """Return the prose in some markup.

    Shape: paragraphs separated by a blank line, a list item is one; inline code in backticks; code blocks,
    figures, captions and tables left out; links reduced to their text. Any string is taken.
    """
    marked = _LINES.sub(_PARAGRAPH, "".join(_pieces(html))).replace(_LINE, " ")
    return "\n\n".join(folded for part in marked.split(_PARAGRAPH) if (folded := " ".join(part.split())))


def letters(html: str) -> str:
    """Return the text of sanitised markup without any space: what tells whether two texts differ."""
    return _TAG.sub("", html).encode().translate(None, _SPACES).decode() if html else ""


def _pieces(html: str) -> Iterator[str]:
    """Walk the tree without recursion: feeds nest deeper than Python's stack."""
    if not html.strip():
        return
    root = etree.HTML(f"<body>{_FRAME.sub('', unturned(xml_legal(html)))}", _parser())
    walk = etree.iterwalk(root, events=("start", "end", "comment", "pi"))
    for event, node in walk:
        tag = node.tag if isinstance(node.tag, str) else ""
        if event == "start":
            if tag in _NO_PROSE or tag in _QUOTED:
                walk.skip_subtree()
            yield _opening(tag, node)
        else:
            yield (_PARAGRAPH if tag in _BLOCKS or tag in _NO_PROSE else "") + (node.tail or "")


def _opening(tag: str, node: etree._Element) -> str:
    if tag in _QUOTED:
        code = " ".join("".join(node.itertext(etree.Element)).replace("`", "").split())
        return f"`{code}`" if code else ""
    if tag in _NO_PROSE:
        return _PARAGRAPH
    return (_PARAGRAPH if tag in _BLOCKS else _LINE if tag == "br" else "") + (node.text or "")


def _parser() -> etree.HTMLParser:
    return etree.HTMLParser(
        encoding="utf-8", no_network=True, remove_comments=True, remove_pis=True, huge_tree=True
    )


def plain(text: str) -> str:
    """Return a title as one line of plain text.

    Shape: formatting tags go, other words in angle brackets stay ("vector<int>"); entities are decoded twice,
    because feeds escape titles twice.
    """
    if "<" not in text and "&" not in text:
        return " ".join(xml_legal(text).split())
    return " ".join(entities.unescape(_untagged(entities.unescape(_untagged(xml_legal(text))))).split())


def _untagged(text: str) -> str:
    if "<" not in text:
        return text
    # A tag that is never closed is a word of the title, as in "Why I avoid <b>".
    closed = {name.lower() for slash, name in _INLINE_TAG.findall(text) if slash} | _VOID
    return _INLINE_TAG.sub(
        lambda tag: _TAG_SPACE.get(tag[2].lower(), "") if tag[2].lower() in closed else tag[0], text
    )


def unturned(text: str) -> str:
    """Return the text without the characters that turn the direction of what follows.

    One that is never closed turns the rest of a page. Source: Unicode UAX #9, section 2.
    """
    return text if text.isascii() else text.translate(_TURNS)


def source(html: str) -> str:
    """Return markup that was escaped once too often as the markup it was meant to be, any other as it is.

    Shape: nothing in it is markup, it begins or ends with the source of a tag, and one of its tags is closed.
    Prose that speaks of tags does neither begin nor end with one as a rule.
    """
    if "<" in html or "&lt;" not in html:
        return html
    meant = entities.unescape(html.strip())
    tags = _SOURCE_TAG.findall(meant)
    at_ends = _SOURCE_TAG.match(meant) or _SOURCE_END.search(meant)
    return meant if at_ends and len(tags) > 1 and any(slash for slash, _ in tags) else html


def xml_legal(text: str) -> str:
    """Return the text without the characters that XML cannot hold, lone surrogates among them."""
    try:
        written = text.encode()
    except UnicodeEncodeError:
        return _ILLEGAL.sub("", text)
    # Ten times as fast as the pattern, and hardly any text has them.
    is_legal = len(written.translate(None, _CONTROLS)) == len(written) and not (
        "\ufffe" in text or "\uffff" in text
    )
    return text if is_legal else _ILLEGAL.sub("", text)
