"""A stand-in for every provider of comment counts, on loopback: each answers under its own host's name.

with Providers() as web:
    web.config                                   # the settings that lead to it
    web.hackernews["40000001"] = Thread(url="https://orbit.example/a", count=64)
    web.hatena["https://orbit.example/a"] = 41
    web.trouble["hn.algolia.com"] = Answer(status=429)      # instead of its answers, until it is taken out
    web.hosts()                                  # who was asked, in order
"""

import json
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from aggregator.config import Config
from aggregator.model import PROVIDERS
from tests.feedserver import Answer, FeedServer, Raw, Recorded

HTML_BLOCK = b"<!doctype html><html><title>Blocked</title><body>whoa there, pardner!</body></html>"


@dataclass
class Thread:
    """One thread at Hacker News, Lobsters or Reddit, or one of GitHub's, or a post of WordPress."""

    url: str = ""  # of the page it is about
    count: int = 0
    gone: bool = False
    at: int = 1795480000


def answer(document: object, status: int = 200, **headers: str) -> Answer:
    """Return JSON as providers send it."""
    return Answer(
        json.dumps(document, ensure_ascii=False).encode(), status, headers, "application/json; charset=utf-8"
    )


NOTHING = answer({"message": "Not Found"}, 404)


class Providers(FeedServer):
    """What each provider holds, and what goes wrong there."""

    def __init__(self) -> None:
        super().__init__()
        self.hackernews: dict[str, Thread] = {}  # by item id
        self.lobsters: dict[str, Thread] = {}  # by short_id
        self.reddit: dict[str, Thread] = {}  # by id, without t3_
        self.hatena: dict[str, int] = {}  # by URL
        self.github: dict[
            str, Thread
        ] = {}  # by owner/repository/issues/number, …/discussions/…, …/releases/tags/…
        self.wordpress: dict[str, Thread] = {}  # by host/post id
        self.comment_feeds: dict[str, Thread] = {}  # by host/path
        self.robots: dict[str, str] = {}  # by host
        self.trouble: dict[str, Answer | Raw] = {}  # by host
        self.tokens = True

    @property
    def config(self) -> Config:
        """Settings that ask every provider here, Reddit with the credentials of the environment."""
        return Config(
            counts=",".join(PROVIDERS), counts_via=self.url("/"),
            contact="https://reader.example/about", reddit_user="acme", allow_private_hosts=True,
            host_spacing=timedelta(), executor_poll="inline:", engine="none",
        )  # fmt: skip

    def hosts(self) -> list[str]:
        """List the hosts that were asked, in order."""
        return [request.path.split("/")[1] for request in self.requests]

    def asked_of(self, host: str) -> list[Recorded]:
        """List the requests to one host, in order."""
        return [request for request in self.requests if request.path.split("/")[1] == host]

    def next_answer(self, request: Recorded) -> Answer | Raw:
        """Record a request and return what its host says to it."""
        with self._lock:
            self.requests.append(request)
        parts = urlsplit(request.path)
        _, host, path = parts.path.split("/", 2)
        if host in self.trouble:
            return self.trouble[host]
        query = parse_qsl(parts.query, keep_blank_values=True)
        if host in _HOSTS:
            return _HOSTS[host](self, path, query, request)
        return _wordpress(self, host, path, query)


Query = list[tuple[str, str]]


def _algolia(web: Providers, path: str, query: Query, _: Recorded) -> Answer:
    wanted = dict(query)
    if path.startswith("api/v1/items/"):
        return NOTHING
    said = wanted.get("numericFilters", "")
    if "points" in said or "num_comments" in said:
        return answer(
            {"status": 400, "message": "attribute not specified in numericAttributesForFiltering"}, 400
        )
    found = [
        {"objectID": key, "title": "t", "url": story.url, "num_comments": story.count,
         "created_at_i": story.at, "points": 3, "author": "a", "_tags": ["story", f"story_{key}"]}
        for key, story in web.hackernews.items()
        if not story.gone
    ]  # fmt: skip
    if path == "api/v1/search":  # a text search: whatever shares a word of the URL's host comes back
        host = urlsplit(wanted["query"].strip('"')).hostname or wanted["query"].strip('"').split("/")[0]
        found = [hit for hit in found if host in str(hit["url"])]
    found = found[: int(wanted.get("hitsPerPage", 20))]
    return answer({"hits": found, "page": 0, "nbHits": len(found), "nbPages": 1, "query": "", "params": ""})


def _firebase(web: Providers, path: str, _: Query, __: Recorded) -> Answer:
    key = path.removeprefix("v0/item/").removesuffix(".json")
    story = web.hackernews.get(key)
    if story is None:
        return answer(None)
    if story.gone:
        return answer({"id": int(key), "type": "story", "deleted": True, "time": story.at})
    return answer({"id": int(key), "type": "story", "by": "a", "title": "t", "url": story.url, "score": 3,
                   "time": story.at, "descendants": story.count, "kids": []})  # fmt: skip


def _lobsters(web: Providers, path: str, query: Query, _: Recorded) -> Answer:
    shown = {key: _lobster(key, story) for key, story in web.lobsters.items() if not story.gone}
    if path in {"newest.json", "hottest.json", "active.json"}:
        return answer(list(shown.values())[:25])
    if path.startswith("newest/page/"):
        page = int(path.removeprefix("newest/page/").removesuffix(".json"))
        return answer(list(shown.values())[25 * (page - 1) : 25 * page])
    if path == "stories/url/all.json":
        return answer([each for each in shown.values() if each["url"] == dict(query)["url"]])
    key = path.removeprefix("s/").removesuffix(".json")
    return answer({**shown[key], "comments": []}) if key in shown else NOTHING


def _lobster(key: str, story: Thread) -> dict[str, Any]:
    page = f"https://lobste.rs/s/{key}"
    return {"short_id": key, "short_id_url": page, "created_at": "2026-11-24T01:00:00.000-06:00", "title": "t",
            "url": story.url, "score": 3, "flags": 0, "comment_count": story.count, "description": "",
            "comments_url": f"{page}/t", "submitter_user": "a", "tags": ["web"]}  # fmt: skip


def _login(web: Providers, path: str, _: Query, request: Recorded) -> Answer:
    basic = request.headers.get("authorization", "").startswith("Basic ")
    if not (web.tokens and basic and request.method == "POST" and path == "api/v1/access_token"):
        return answer({"message": "Unauthorized", "error": 401}, 401)
    return answer({"access_token": "tok-1", "token_type": "bearer", "expires_in": 86400, "scope": "*"})


def _reddit(web: Providers, path: str, query: Query, request: Recorded) -> Answer:
    if request.headers.get("authorization") != "Bearer tok-1":
        return Answer(HTML_BLOCK, 403, content_type="text/html")
    wanted = dict(query)
    if path != "api/info":
        return NOTHING
    ids = wanted.get("id", "").split(",")
    listed = [
        {"kind": "t3", "data": {
            "id": key, "name": f"t3_{key}", "subreddit": "tech", "title": "t", "url": story.url,
            "permalink": f"/r/tech/comments/{key}/t/", "num_comments": story.count, "score": 3,
            "created_utc": float(story.at), "over_18": False, "author": "[deleted]" if story.gone else "a",
            "removed_by_category": "deleted" if story.gone else None}}
        for key, story in web.reddit.items()
        if f"t3_{key}" in ids or ("url" in wanted and story.url == wanted["url"])
    ]  # fmt: skip
    return answer({"kind": "Listing", "data": {"after": None, "before": None, "children": listed}},
                  **{"X-Ratelimit-Remaining": "99.0", "X-Ratelimit-Used": "1"})  # fmt: skip


def _hatena(web: Providers, path: str, query: Query, _: Recorded) -> Answer:
    if path != "count/entries" or len(query) > 50:
        return Answer(b"Bad Request", 400, content_type="text/plain")
    return answer({url: web.hatena.get(url, 0) for name, url in query if name == "url"})


def _github(web: Providers, path: str, _: Query, request: Recorded) -> Answer:
    if path == "graphql":
        return _graphql(web, request)
    key = path.removeprefix("repos/")
    thread = web.github.get(key)
    if thread is None or thread.gone:
        return NOTHING
    if "/releases/tags/" in key:  # one that nobody reacted to says nothing of reactions
        reactions = {"reactions": {"total_count": thread.count, "+1": thread.count}} if thread.count else {}
        talk = {"discussion_url": thread.url} if thread.url else {}
        return answer({"id": 1, "tag_name": key.rpartition("/")[2], "name": "t"} | reactions | talk)
    return answer({"number": 7, "comments": thread.count, "html_url": f"https://github.com/{key}", "state": "open",
                   "locked": False, "reactions": {"total_count": 31}},
                  **{"X-RateLimit-Remaining": "59"})  # fmt: skip


def _graphql(web: Providers, request: Recorded) -> Answer:
    """Answer about a discussion: one in four of what is in it is a reply to its first comment."""
    if request.method != "POST" or not request.headers.get("authorization", "").startswith("Bearer "):
        return answer({"message": "This endpoint requires you to be authenticated.", "status": "401"}, 401)
    if request.headers.get("content-type") != "application/json":
        return answer({"message": "Problems parsing JSON"}, 400)
    asked = json.loads(request.body)
    owner, name, number = (asked["variables"][each] for each in ("owner", "name", "number"))
    thread = web.github.get(f"{owner}/{name}/discussions/{number}")
    if "discussion(number: $number)" not in asked["query"] or thread is None or thread.gone:
        error = {"type": "NOT_FOUND", "path": ["repository", "discussion"], "message": "Could not resolve"}
        return answer({"data": {"repository": {"discussion": None}}, "errors": [error]})
    replies = thread.count // 4
    comments = {"totalCount": thread.count - replies, "nodes": [{"replies": {"totalCount": replies}}]}
    return answer({"data": {"repository": {"discussion": {"comments": comments}}}},
                  **{"X-RateLimit-Remaining": "4999"})  # fmt: skip


def _comment_feed(key: str, thread: Thread) -> Answer:
    if thread.gone:
        return Answer(b"gone", 410, content_type="text/plain")
    made = "".join(
        f"<item><title>By: R. {n}</title><link>https://{key}</link><guid>https://{key}#comment-{n}</guid>"
        f"<description>c {n}</description></item>"
        for n in range(min(thread.count, 10))  # the newest ten
    )
    feed = f'<?xml version="1.0"?><rss version="2.0"><channel><title>Comments</title>{made}</channel></rss>'
    return Answer(feed.encode(), content_type="application/rss+xml; charset=UTF-8")


def _wordpress(web: Providers, host: str, path: str, query: Query) -> Answer:
    if path == "robots.txt":
        text = web.robots.get(host)
        return NOTHING if text is None else Answer(text.encode(), content_type="text/plain")
    if feed := web.comment_feeds.get(f"{host}/{path}"):
        return _comment_feed(f"{host}/{path}", feed)
    wanted = dict(query)
    post = web.wordpress.get(f"{host}/{wanted.get('post')}")
    if post is None or "wp/v2/comments" not in f"{path} {wanted.get('rest_route')}":
        return answer({"code": "rest_no_route", "message": "No route", "data": {"status": 404}}, 404)
    if post.gone:
        return answer({"code": "rest_cannot_read_post", "message": "m", "data": {"status": 403}}, 403)
    shown = [{"id": 1}] if post.count else []
    return answer(shown, **{"X-WP-Total": str(post.count), "X-WP-TotalPages": str(post.count)})


_HOSTS = {
    "hn.algolia.com": _algolia,
    "hacker-news.firebaseio.com": _firebase,
    "lobste.rs": _lobsters,
    "www.reddit.com": _login,
    "oauth.reddit.com": _reddit,
    "bookmark.hatenaapis.com": _hatena,
    "api.github.com": _github,
}
