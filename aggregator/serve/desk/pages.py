"""The operator's pages, from their templates."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from aggregator.config import Config
from aggregator.publish.pages import statics
from aggregator.times import from_text

_TEMPLATES = Path(__file__).parent / "templates"
_SHEET = "style.css"
STATES = {
    "ok": "正常", "new": "未取得", "failing": "失敗中", "paused": "停止中", "gone": "配信終了",
}  # fmt: skip

_environment = Environment(
    loader=FileSystemLoader(_TEMPLATES), autoescape=True, undefined=StrictUndefined, trim_blocks=True,
    lstrip_blocks=True, keep_trailing_newline=True,
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    """What every page knows of who looks at it."""

    root: str  # how /operator/ is called from there
    form_key: str
    notice: str
    is_in: bool


def render(template: str, config: Config, desk: Desk, values: Mapping[str, object]) -> str:
    """Write a page."""

    def at(text: str | None) -> str:
        """Write a moment of the store in the zone that is set."""
        return f"{from_text(text).astimezone(config.zone):%Y-%m-%d %H:%M}" if text else "—"

    given = {"desk": desk, "site_title": config.site_title, "states": STATES, "at": at}
    return _environment.get_template(template).render(given | dict(values))


@cache
def files() -> dict[str, tuple[str, bytes]]:
    """Return what pages need beside them, each with its media type: the site's style and our own after it."""
    site = {document.path: document for document in statics()}
    sheet = site[_SHEET].body + (_TEMPLATES / _SHEET).read_bytes()
    return {_SHEET: ("text/css", sheet), "icon.svg": ("image/svg+xml", site["icon.svg"].body)}
