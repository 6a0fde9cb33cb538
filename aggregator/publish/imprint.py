"""What feeds say of the site they are from: whose their entries are, whom to write to, what shows them.

Publishers find there how something is taken down.
"""

from urllib.parse import quote

from aggregator.model import Edition
from aggregator.publish.edition import Site


def rights_text(site: Site) -> str:
    """Say whose the entries are, who translated them, and where a publisher has them taken down."""
    return f"記事の権利は各媒体にあります。見出しと要約は機械翻訳です。{takedown_text(site)}"


def takedown_text(site: Site) -> str:
    """Name the contact and how something is taken down."""
    contact = f"連絡先: {site.contact} " if site.contact else ""
    return f"{contact}掲載停止の方法: {about_url(site)}#takedown"


def home_url(edition: Edition, site: Site) -> str:
    """Return the page that shows what the edition holds: a category's own, else the front page."""
    return site.base_url + quote(edition.path) if edition.name == "category" else site.base_url


def about_url(site: Site) -> str:
    """Return where the site says what it is."""
    return f"{site.base_url}about.html"
