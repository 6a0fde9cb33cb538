"""From an entry to its text: articles, sentences, summaries, stories."""

import pytest

from aggregator.enrich.article import extract, is_boilerplate
from aggregator.enrich.sentences import sentences
from aggregator.enrich.summary import summarise
from aggregator.model import ArticleJob, SummaryJob

NEWS = [
    "Acme Corp. said on Tuesday that it will buy Initech for $2.5 billion.",
    "The deal closes in March.",
    "Both boards agreed.",
    "Regulators in the U.S. have yet to look at it.",
    "Acme makes routers.",
    "Initech makes the software that runs on them.",
    "Together they employ 4,000 people.",
    "No jobs will be lost, the companies said.",
]


def _article(content: str = "", summary: str = "", title: str = "A title") -> str:
    job = ArticleJob(
        entry_id=1, fingerprint="f", title=title, permalink=None, summary_html=summary, content_html=content
    )
    return extract(job).text


def _summary(text: str, title: str = "Acme buys Initech", rights: str = "excerpt"):
    return summarise(SummaryJob(entry_id=1, input_fingerprint="f", title=title, text=text, rights=rights))


def test_the_longer_of_content_and_summary_is_the_article():
    assert (
        _article("<p>Long and whole text.</p><p>Second.</p>", "<p>Teaser.</p>")
        == "Long and whole text.\n\nSecond."
    )
    assert _article("", "<p>Only this.</p>") == "Only this."


@pytest.mark.parametrize(
    "html",
    [
        '<a href="https://news.example/item?id=1">Comments</a>',
        "<p>Article URL: https://a.example/x</p><p>Comments URL: https://b.example/1</p><p>Points: 5</p><p># Comments: 3</p>",
        "<p>The post Big News appeared first on Example.</p>",
        "<p>Read more...</p>",
        "",
    ],
)
def test_what_is_no_text_gives_no_article_and_no_summary(html: str):
    text = _article(html)
    assert text == ""
    assert _summary(text).text == ""


def test_inline_code_keeps_its_backticks_and_links_their_text():
    html = '<p>Run <code>make test</code> as <a href="https://a.example/">the guide</a> says.</p>'
    assert _article(html) == "Run `make test` as the guide says."


@pytest.mark.parametrize(
    "text", ["Continue reading →", "By Ann Example", "Sign up for our newsletter", "Photo: Acme"]
)
def test_furniture_is_known(text: str):
    assert is_boilerplate(text)


@pytest.mark.parametrize(
    "whole",
    [
        ["Node.js v1.2 is out, e.g. for Linux.", "It is small."],
        ["Mr. Example left Acme Inc. in May.", "He now farms."],
        ["The U.S. Senate voted.", "It passed."],
        ["It sells in the U.S.", "The price is $5."],
        ['"Is it done?" she asked.', "It was."],
        ["J. K. Example wrote it.", "It sold."],
        ["It opens at 9 a.m. PT on Jan. 5.", "It closes at 5 p.m.", "It rained."],
        ["It broke at 9 a.m. (UTC) on Sept. 12, 2026.", "By 5 P.M. EST it worked."],
        ["Acme Inc. CEO Ann Example spoke.", "She left Foo Co. Ltd. in May."],
        ["She sold it to Acme Corp.", "The price is $5.", "See Eq. 2."],
        ['"We tried. We failed," he said.', "Then he left."],
        ["「安い。速い。」と同社は言う。", "出荷は春だ。"],
        ["新製品を発表した。", "価格は①万円だ。", "「本当か？」と彼は言った。"],
    ],
)
def test_sentences_stay_whole(whole: list[str]):
    japanese = "。" in whole[0]
    assert sentences(("" if japanese else " ").join(whole)) == whole


def test_the_summary_is_whole_sentences_in_order_from_the_top():
    lines = _summary("\n\n".join(NEWS)).text.split("\n")
    assert lines[0] == NEWS[0]
    assert lines == [line for line in NEWS if line in lines]


def test_a_summary_stays_near_400_characters_but_has_one_sentence_at_least():
    long = "This sentence goes on " + "and on " * 70 + "to its end."
    assert _summary(f"{long} Short one.").text == long
    four = [
        f"Sentence number {i} is about a hundred characters long, which is what this filler is {i} for."
        for i in range(9)
    ]
    assert sum(map(len, _summary(" ".join(four)).text.split("\n"))) <= 400


def test_title_again_and_cut_off_teaser_are_left_out():
    text = "Acme buys Initech.\n\nThe deal closes in March. It was first reported by the […]"
    assert _summary(text).text == "The deal closes in March."


def test_every_sentence_is_the_sources_own():
    text = " ".join(NEWS)
    result = _summary(text, rights="full")
    assert all(
        line in text for line in [*result.text.split("\n"), *result.story.replace("\n\n", "\n").split("\n")]
    )


def test_a_story_has_6_to_12_sentences_in_3_to_5_paragraphs_where_rights_are_full():
    for paragraphs in (NEWS, [" ".join(NEWS)], [*NEWS, *NEWS], [" ".join(NEWS[:4]), " ".join(NEWS[4:])]):
        groups = [p.split("\n") for p in _summary("\n\n".join(paragraphs), rights="full").story.split("\n\n")]
        assert 3 <= len(groups) <= 5
        assert 6 <= sum(map(len, groups)) <= 12
        assert sum(len(s) for group in groups for s in group) <= 1600


@pytest.mark.parametrize("rights", ["excerpt", "titles"])
def test_there_is_no_story_without_the_right_to_it(rights: str):
    assert _summary("\n\n".join(NEWS), rights=rights).story == ""


def test_title_text_and_story_decide_the_fingerprint():
    prints = {
        _summary(NEWS[0]).fingerprint,
        _summary(NEWS[1]).fingerprint,
        _summary(NEWS[0], title="Another").fingerprint,
    }
    assert len(prints) == 3
    assert _summary(NEWS[0]).fingerprint == _summary(NEWS[0]).fingerprint


@pytest.mark.parametrize(
    "text", ["By March the firm had sold 4,000 units, it said.", "Comments are off for this one."]
)
def test_prose_that_begins_like_furniture_is_kept(text: str):
    assert not is_boilerplate(text)


def test_text_escaped_once_too_often_makes_an_article():
    escaped = "".join(f"&lt;p&gt;{sentence}&lt;/p&gt;" for sentence in NEWS)
    assert _article(escaped) == "\n\n".join(NEWS)
