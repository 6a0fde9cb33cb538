"""Which picture a feed declares for an entry; one that only counts its readers is none."""

import re
from collections.abc import Iterable, Mapping
from typing import Any

from aggregator.model import Enclosure
from aggregator.poll import clean

Raw = Mapping[str, Any]

_PICTURE = re.compile(r"\.(?:avif|gif|jpe?g|png|webp)(?:\?|$)", re.IGNORECASE)
_SIDES = ("width", "height")
# What counts readers, and the faces of authors that WordPress puts beside each entry.
_NO_PICTURE = re.compile(
    r"https?://(?:[\w-]+\.)*(?:2o7\.net|doubleclick\.net|feedsportal\.com|google-analytics\.com|gravatar\.com"
    r"|imrworldwide\.com|pixel\.wp\.com|px\.ads\.linkedin\.com|quantserve\.com|scorecardresearch\.com"
    r"|stats\.wordpress\.com)/"
    r"|https?://(?:feeds\.feedburner\.com/~|feeds\.wordpress\.com/1\.0/|www\.facebook\.com/tr\b)",
    re.IGNORECASE,
)


def declared(base: str, said: Iterable[Raw], enclosures: Iterable[Enclosure | None] = ()) -> str | None:
    """Return the address of the first picture among what a feed said, else among the entry's enclosures.

    Shape: what was said has `url` or `href`, and `width` and `height` where the feed gives them.
    """
    for picture in said:
        if not _is_dot(picture) and (url := shown(base, picture.get("url") or picture.get("href"))):
            return url
    return next((file.url for file in enclosures if file and _is_file(file)), None)


def shown(base: str, address: str | None) -> str | None:
    """Return a picture's absolute address, None where it shows nothing."""
    url = clean.web_url(base, address)
    return None if url is None or _NO_PICTURE.match(url) else url


def is_picture(medium: Raw) -> bool:
    """Tell whether a media:content is a picture, by its name where the feed does not say."""
    kind = medium.get("medium") or (medium.get("type") or "").partition("/")[0]
    return kind == "image" or (not kind and bool(_PICTURE.search(medium.get("url") or "")))


def _is_dot(picture: Raw) -> bool:
    return all((picture.get(side) or "").strip().removesuffix("px") in {"0", "1"} for side in _SIDES)


def _is_file(file: Enclosure) -> bool:
    is_image = (file.media_type or "").startswith("image/")
    return is_image and not _NO_PICTURE.match(file.url)
