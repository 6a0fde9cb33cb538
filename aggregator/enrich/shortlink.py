"""By which number WordPress knows a page, where the page or its headers say that it is WordPress's.

Source: developer.wordpress.org, rest_output_link_wp_head, rest_output_link_header, wp_shortlink_header.
"""

import html
import re
from collections.abc import Iterator, Mapping

from aggregator import urls

_HEAD = 256 * 1024  # bytes in which a page's links are looked for
_LINK = re.compile(rb"<link\b[^<>]{0,1000}>", re.IGNORECASE)
_ATTRIBUTE = re.compile(r"""\b(rel|href)\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s"'>]+))""", re.IGNORECASE)
_HEADER = re.compile(r"""<([^<>]{1,2000})>((?:\s*;\s*[\w*-]+\s*=\s*(?:"[^"]*"|[^\s",;]+))*)""")
_REL = re.compile(r"""\brel\s*=\s*(?:"([^"]*)"|([^\s",;]+))""", re.IGNORECASE)
_API = "https://api.w.org/"
_ROOT = re.compile(r"(https://[^/?]+(?:/[\w~-]+)*)/wp-json", re.ASCII)
_LISTS = r"(?!(?:categories|tags|users)/)"  # which have numbers of their own
_Link = tuple[str, str]  # rel, in lower case, and where it leads


def of_page(headers: Mapping[str, str], body: bytes, url: str) -> str | None:
    """Return `https://site/folder/?p=number`, as WordPress writes a guid; None where that is not said.

    Shape: no tracking parameters, https always; only what the page says of its own host is believed.
    """
    links = [*_in_header(headers.get("link", "")), *_in_page(body[:_HEAD])]
    named = [urls.canonical(urls.absolute(url, href)) or "" for rel, href in links if rel == _API]
    root = next((found[1] for each in named if (found := _ROOT.fullmatch(each))), None)
    if root is None or urls.host(root) != urls.host(urls.canonical(url) or ""):
        return None
    site = re.escape(root)
    said = {
        "shortlink": re.compile(rf"{site}/?\?p=([0-9]{{1,10}})"),
        "alternate": re.compile(rf"{site}/wp-json/wp/v2/{_LISTS}[\w-]{{1,40}}/([0-9]{{1,10}})", re.ASCII),
    }
    numbers = (_number(said[rel], urls.absolute(url, href)) for rel, href in links if rel in said)
    return next((f"{root}/?p={number}" for number in numbers if number), None)


def _number(form: re.Pattern[str], href: str) -> str | None:
    found = form.fullmatch(urls.canonical(href) or "")
    return found[1] if found else None


def _in_header(text: str) -> Iterator[_Link]:
    for found in _HEADER.finditer(text[:8000]):
        if rel := _REL.search(found[2]):
            yield (rel[1] or rel[2] or "").lower(), found[1].strip()


def _in_page(body: bytes) -> Iterator[_Link]:
    for tag in _LINK.finditer(body):
        said = {
            name.lower(): html.unescape(double or single or bare)
            for name, double, single, bare in _ATTRIBUTE.findall(tag[0].decode("utf-8", "replace"))
        }
        yield said.get("rel", "").lower(), said.get("href", "").strip()
