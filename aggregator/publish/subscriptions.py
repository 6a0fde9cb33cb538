"""The list of our own feeds, for readers that take up many at once: subscribe.opml.

Source: http://opml.org/spec2.opml
"""

from collections.abc import Iterable
from urllib.parse import quote

from lxml import etree  # type: ignore[import-untyped]

from aggregator.model import Document, Edition
from aggregator.publish.edition import Site
from aggregator.publish.feeds import paths

PATH = "subscribe.opml"


def subscriptions(editions: Iterable[Edition], site: Site) -> Document:
    """List the editions, each once, as its Atom feed."""
    root = etree.Element("opml", version="2.0")
    etree.SubElement(etree.SubElement(root, "head"), "title").text = site.title
    body = etree.SubElement(root, "body")
    for edition in editions:
        address = site.base_url + quote(edition.path + paths(edition)[0])
        etree.SubElement(
            body, "outline", type="rss", text=edition.title, title=edition.title,
            xmlUrl=address, htmlUrl=site.base_url,
        )  # fmt: skip
    written = etree.tostring(root, xml_declaration=True, encoding="UTF-8", pretty_print=True)
    return Document(path=PATH, media_type="text/x-opml", body=written)
