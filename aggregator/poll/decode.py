"""A feed's body in UTF-8, whatever it was written in and whatever it and its server say about that."""

import codecs
import re

# A byte order mark decides (RFC 7303, section 3.3), else the first characters of a prolog or element do
# (XML 1.0, appendix F).
_SNIFFED = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (b"\x00\x00\x00<", "utf-32-be"),
    (b"<\x00\x00\x00", "utf-32-le"),
    (b"\x00<", "utf-16-be"),
    (b"<\x00", "utf-16-le"),
    (b"\x4c\x6f\xa7\x94", "cp037"),
)
# What programs mean by a name (https://encoding.spec.whatwg.org/#names-and-labels).
_MEANT = {
    "ascii": "cp1252",
    "iso8859-1": "cp1252",
    "iso8859-9": "cp1254",
    "iso8859-11": "cp874",
    "tis-620": "cp874",
    "shift_jis": "cp932",
    "euc_kr": "cp949",
    "gb2312": "gb18030",
    "gbk": "gb18030",
    "iso2022_jp": "iso2022_jp_ext",
}
_NO_CHARSETS = {"unicode-escape", "raw-unicode-escape", "utf-7", "idna", "punycode", "undefined"}
_SHIFTS = (b"\x1b$B", b"\x1b$@", b"\x1b(J")  # ISO-2022-JP: the bytes are ASCII, and so valid UTF-8

_PROLOG = re.compile(rb"\s*<\?xml\b[^>]*>")
_DECLARED = re.compile(rb"encoding\s*=\s*[\"']\s*([\w.:-]+)", re.IGNORECASE)
_CHARSET = re.compile(r"charset\s*=\s*[\"']?\s*([\w.:-]+)", re.IGNORECASE)
_CONTROLS = bytes({*range(32)} - {9, 10, 13})
_NONCHARACTERS = ("\ufffe".encode(), "\uffff".encode())
_REFERENCE = re.compile(rb"&#(?:[xX][0-9a-fA-F]+|[0-9]+);")
_UNKNOWN = "\N{REPLACEMENT CHARACTER}"


def to_utf8(body: bytes, content_type: str | None) -> bytes:
    """Return the body in UTF-8 without prolog, byte order mark, and characters that XML cannot hold.

    Shape: what is valid UTF-8 is UTF-8; else what header or prolog names, if it fits; windows-1252 fits last.
    """
    text = _decoded(body, content_type)
    text = text.translate(None, _CONTROLS)
    for character in _NONCHARACTERS:
        if character in text:
            text = text.replace(character, b"")
    return _without_illegal_references(_PROLOG.sub(b"", text, count=1) if b"<?xml" in text[:200] else text)


def _decoded(body: bytes, content_type: str | None) -> bytes:
    mark, sniffed = next((pair for pair in _SNIFFED if body.startswith(pair[0])), (b"", "utf-8"))
    if sniffed != "utf-8":
        return body.decode(sniffed, "replace").removeprefix("\ufeff").encode("utf-8", "replace")
    body = body.removeprefix(mark)
    if not _is_shifted(body) and _fits(body, "utf-8") is not None:
        return body
    for name in _named(body, content_type):
        text = _fits(body, name)
        if text is not None:
            return text.encode("utf-8", "replace")
    return _closest(body).encode()


def _named(body: bytes, content_type: str | None) -> list[str]:
    """Return the charsets that header and prolog name, but for the two that `_closest` tells apart."""
    declared = _DECLARED.search(body[:200])
    charset = _CHARSET.search(content_type or "")
    names = (charset[1] if charset else "", declared[1].decode() if declared else "", "iso-2022-jp")
    known = map(_charset, names if _is_shifted(body) else names[:2])
    return [name for name in known if name not in {"", "utf-8", "cp1252"}]


def _is_shifted(body: bytes) -> bool:
    return b"\x1b" in body and any(shift in body for shift in _SHIFTS)


def _charset(name: str) -> str:
    try:
        known = codecs.lookup(name).name
    except (LookupError, ValueError):
        return ""
    return "" if known in _NO_CHARSETS else _MEANT.get(known, known)


def _fits(body: bytes, name: str) -> str | None:
    try:
        return body.decode(name)
    except (UnicodeError, LookupError):  # LookupError: a codec that is no charset, as "zip"
        return None


def _closest(body: bytes) -> str:
    """Return UTF-8 with faults where there is more UTF-8 in it than faults, else windows-1252."""
    text = body.decode("utf-8", "replace")
    faults = text.count(_UNKNOWN)
    whole = len(text) - len(text.encode("ascii", "ignore")) - faults
    return text if whole > faults else body.decode("cp1252", "replace")


def _without_illegal_references(text: bytes) -> bytes:
    if b"&#" not in text:
        return text
    for reference in set(_REFERENCE.findall(text)):
        if not _is_legal(reference[2:-1]):
            text = text.replace(reference, b"&#xFFFD;")
    return text


def _is_legal(number: bytes) -> bool:
    if len(number) > 20:
        return False
    code = int(number[1:], 16) if number[:1] in b"xX" else int(number)
    return code in {9, 10, 13} or 32 <= code < 0xD800 or 0xE000 <= code < 0xFFFE or 0x10000 <= code < 0x110000
