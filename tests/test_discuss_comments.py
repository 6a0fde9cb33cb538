"""The first comments of a thread, as each provider documents them."""

import json
from datetime import UTC, datetime
from urllib.parse import parse_qs, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aggregator.discuss import comments
from aggregator.discuss.comments import LENGTH, MOST, READABLE, excerpt
from aggregator.errors import BadAnswer
from aggregator.model import CommentLook, Discussion, Failure, Fetched, ThreadComments

HN = Discussion(provider="hackernews", key="40000001", url="https://news.ycombinator.com/item?id=40000001")
POST = Discussion(
    provider="wordpress", key="https://orbit.example/?p=123", url="https://www.orbit.example/a#comments"
)
ISSUE = Discussion(provider="github", key="acme/tool/issues/7", url="https://github.com/acme/tool/issues/7")
THREADS = (HN, POST, ISSUE)


def fetched(document: object, url: str = "https://provider.example/") -> Fetched:
    return Fetched(
        url=url, body=document if isinstance(document, bytes) else json.dumps(document).encode(),
        content_type="application/json", etag=None, last_modified=None, fresh_for=None, moved_to=None,
        wire_bytes=0, seconds=0.0,
    )  # fmt: skip


def child(key: object = 40000010, text: object = "It works for us.", author: object = "ada", **more) -> dict:
    return {"id": key, "author": author, "text": text, "created_at_i": 1790000000, "children": []} | more


def items(*children: object) -> Fetched:
    return fetched({"id": 40000001, "author": "a", "children": list(children)})


def look(thread: Discussion = HN, story_id: int = 1) -> CommentLook:
    return CommentLook(story_id=story_id, discussion=thread, count=3)


def played(looks, *answers):
    script = comments.look(looks)
    asked = [next(script)]
    for answer in answers[:-1]:
        asked.append(script.send(answer))
    with pytest.raises(StopIteration) as end:
        script.send(answers[-1])
    return end.value.value, asked


def test_hacker_news_gives_a_threads_comments_in_one_request_in_its_order():
    assert comments.request(HN).url == "https://hn.algolia.com/api/v1/items/40000001"
    first, second = comments.read_comments(items(child(), child(40000011, "No.", "bob")), HN)
    assert (first.key, first.author, first.text) == ("40000010", "ada", "It works for us.")
    assert first.url == "https://news.ycombinator.com/item?id=40000010"
    assert first.written_at == datetime.fromtimestamp(1790000000, UTC)
    assert second.author == "bob"


def test_wordpress_is_asked_for_the_first_comments_at_the_site_of_the_entry():
    parts = urlsplit(comments.request(POST).url)
    asked = parse_qs(parts.query)
    assert (parts.netloc, parts.path) == ("www.orbit.example", "/wp-json/wp/v2/comments")
    assert (asked["post"], asked["per_page"], asked["order"]) == (["123"], ["5"], ["asc"])


def test_a_site_whose_robots_txt_forbids_it_is_not_asked_and_one_without_any_is():
    robots = fetched(b"User-agent: *\nDisallow: /wp-json/")
    read, asked = played([look(POST), look(POST, 2)], robots)
    assert [each.comments for each in read] == [(), ()]
    assert asked[0].url == "https://www.orbit.example/robots.txt"
    missing = Failure(kind="BadStatus", detail="404", url="u", status=404)
    read, asked = played([look(POST)], missing, fetched([]))
    assert [each.comments for each in read] == [()]
    assert len(asked) == 2


def test_a_site_whose_robots_txt_cannot_be_read_is_asked_nothing_and_nothing_is_known_of_it():
    read, asked = played([look(POST)], Failure(kind="BadStatus", detail="503", url="u", status=503))
    assert [each.comments for each in read] == [None]
    assert len(asked) == 1


def test_a_site_that_refuses_shows_no_comments_and_a_provider_that_refuses_us_says_nothing_of_them():
    refused = Failure(kind="BadStatus", detail="403", url="u", status=403)
    missing = Failure(kind="BadStatus", detail="404", url="u", status=404)
    assert played([look(POST)], missing, refused)[0][0].comments == ()
    assert played([look(HN)], refused)[0][0].comments is None


def test_a_comment_at_wordpress_has_its_link_and_time_and_a_pingback_is_none():
    row = {"id": 9, "author_name": "Ada &amp; co", "date_gmt": "2026-11-24T01:00:00", "type": "comment",
           "link": "https://orbit.example/a#comment-9", "content": {"rendered": "<p>Good read.</p>"}}  # fmt: skip
    found = comments.read_comments(fetched([row, row | {"id": 10, "type": "pingback"}]), POST)
    assert [(each.key, each.author, each.text) for each in found] == [("9", "Ada & co", "Good read.")]
    assert found[0].written_at == datetime(2026, 11, 24, 1, tzinfo=UTC)


def test_github_is_asked_for_markup_and_what_bots_say_is_left_out():
    asked = comments.request(ISSUE)
    assert asked.url == "https://api.github.com/repos/acme/tool/issues/7/comments?per_page=10"
    assert asked.accept == "application/vnd.github.html+json"
    row = {"id": 5, "html_url": f"{ISSUE.url}#issuecomment-5", "user": {"login": "ada", "type": "User"},
           "body_html": "<p>Fixed in <code>main</code>.</p>", "created_at": "2026-11-24T01:00:00Z"}  # fmt: skip
    robot = row | {"id": 6, "user": {"login": "ci[bot]", "type": "Bot"}}
    ghost = row | {"id": 7, "user": None}
    [found] = comments.read_comments(fetched([robot, ghost, row]), ISSUE)
    assert (found.key, found.author, found.text) == ("5", "ada", "Fixed in `main`.")


def test_comments_of_a_pull_request_are_those_of_its_issue():
    pull = Discussion(provider="github", key="acme/tool/pull/8", url="https://github.com/acme/tool/pull/8")
    assert "/repos/acme/tool/issues/8/comments" in comments.request(pull).url


def test_no_more_than_five_comments_are_taken():
    found = comments.read_comments(items(*(child(n, f"Number {n}.") for n in range(1, 12))), HN)
    assert [each.key for each in found] == ["1", "2", "3", "4", "5"]
    assert MOST == 5


@pytest.mark.parametrize(
    "deleted",
    [child(author=None), child(text=None), child(text=""), child(author=""), child(key=None), "x", None],
)
def test_a_comment_without_author_text_or_id_was_deleted(deleted):
    assert comments.read_comments(items(deleted, child(2, "Still here.")), HN)[0].key == "2"


def test_markup_scripts_and_code_blocks_of_a_comment_are_gone_and_its_links_are_words():
    html = (
        'See <a href="https://evil.example/" onclick="x()">this</a>.<script>steal()</script>'
        "<p>And <b>that</b>.<pre><code>rm -rf /</code></pre><p>&gt; quoted &lt;b&gt;"
    )
    text = excerpt(html)
    assert text == "See this.\nAnd that.\n> quoted <b>"
    assert "steal" not in text


def test_letters_that_xml_cannot_hold_are_gone_from_all_of_a_comment():
    row = {"id": 9, "author_name": "a\x00da\ufffe", "link": "https://orbit.example/a\x0b#9",
           "content": {"rendered": "<p>Good\ufffe\x08 read.</p>"}}  # fmt: skip
    [found] = comments.read_comments(fetched([row]), POST)
    assert (found.author, found.url, found.text) == ("ada", "https://orbit.example/a#9", "Good read.")


def test_what_turns_the_direction_of_text_is_gone_from_text_and_author():
    [found] = comments.read_comments(items(child(text="left\u202eright.", author="ev\u202eil")), HN)
    assert (found.text, found.author) == ("leftright.", "evil")


def test_a_long_comment_is_cut_at_a_sentence_and_says_so():
    text = excerpt("A sentence of some length stands here. " * 40)
    assert text.endswith(".\n…")
    assert LENGTH - 60 < len(text) <= LENGTH + 30
    assert excerpt("word " * 400).endswith("…")


@pytest.mark.parametrize("body", [b"", b"<html>", b"[", b"7", b'{"children": 7}' * 2])
@pytest.mark.parametrize("thread", THREADS, ids=lambda thread: thread.provider)
def test_an_answer_of_another_shape_is_refused(thread, body):
    with pytest.raises(BadAnswer):
        comments.read_comments(fetched(body), thread)


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4)
    | st.dictionaries(
        st.sampled_from("children id author text created_at_i link content rendered user login type body_html date_gmt".split()),
        inner, max_size=6),
    max_leaves=20,
)  # fmt: skip


@given(_JSON, st.sampled_from(THREADS))
def test_any_json_is_read_or_refused(document, thread):
    try:
        found = comments.read_comments(fetched(document), thread)
    except BadAnswer:
        return
    assert all(each.author and each.text for each in found)


def test_a_thread_that_is_gone_has_no_comments_and_one_that_failed_is_unknown():
    gone = Failure(kind="BadStatus", detail="404", url="u", status=404)
    failed = Failure(kind="FetchTimeout", detail="30 s", url="u")
    looks = [look(), look(story_id=2), look(story_id=3)]
    read, asked = played(looks, gone, failed, items(child()))
    assert read[:2] == (
        ThreadComments(look=looks[0], comments=()),
        ThreadComments(look=looks[1], comments=None),
    )
    assert [each.author for each in read[2].comments] == ["ada"]
    assert len(asked) == 3


def test_a_thread_that_is_too_large_to_read_is_not_read_each_hour():
    large = Failure(kind="BodyTooLarge", detail="more than 4 MiB", url="u")
    assert played([look()], large)[0][0].comments == ()


def test_what_was_not_asked_is_not_spoken_of():
    skipped = Failure(kind="Skipped", detail="the provider rests", url="u")
    read, _ = played([look(), look(story_id=2)], items(), skipped)
    assert [each.look.story_id for each in read] == [1]


@pytest.mark.parametrize("wild", [10**30, -(10**18), True, "soon", None])
def test_a_time_that_is_none_is_left_out(wild):
    [found] = comments.read_comments(items(child(created_at_i=wild)), HN)
    assert found.written_at is None


def test_providers_that_forbid_it_are_not_read():
    assert set(READABLE) == {"hackernews", "wordpress", "github"}
