"""Where everything is published, and what documents say of that place."""

from sqlite_utils import Database

from aggregator.config import Config
from aggregator.publish import feeds
from aggregator.publish.edition import Site
from aggregator.store import publications


def site_of(config: Config, root: str, waiting: int = 0) -> Site:
    """Return what documents say of the place they are published at."""
    return Site(
        title=config.site_title, base_url=_base_url(config, root), home_url=config.site_url,
        timezone=config.timezone, private=config.visibility == "private", contact=config.contact,
        generator="aggregator", waiting=waiting,
        viewpoints=config.viewpoints, search=config.search, images=config.images, hub=config.hub,
        indexable=config.indexable and config.visibility == "public",
    )  # fmt: skip


def private_root(db: Database, config: Config) -> str:
    """Return the folder beneath output/ that everything lies in: empty unless the visibility is private."""
    return publications.private_path(db) if config.visibility == "private" else ""


def _base_url(config: Config, root: str) -> str:
    return f"{config.site_url}{root}/" if root else config.site_url


def addresses(db: Database, config: Config) -> dict[str, str]:
    """Name where people find everything: `page`, then each feed by its file name."""
    base = _base_url(config, private_root(db, config))
    names = [name for name in feeds.PATHS if name != "morning" or config.morning_at]
    return {"page": base} | {path: base + path for name in names for path in feeds.PATHS[name]}
