"""What an entry's page says to machines."""

import json
from dataclasses import replace

from lxml import html

from aggregator.publish import pages
from aggregator.publish.linked import work
from tests.test_publish_feeds import BARE, ENTRY, SITE

SHOWN = replace(ENTRY, page_title="見出し", original_title="The Title")


def properties(entry: object) -> dict[str, str]:
    page = html.document_fromstring(pages.page(entry, SITE).body.decode())
    return {meta.get("property"): meta.get("content") for meta in page.iter("meta") if meta.get("property")}


def test_a_translation_names_the_work_it_is_of_its_author_and_its_publisher():
    assert json.loads(work(SHOWN)) == {
        "@context": "https://schema.org",
        "@type": "WebPage",
        "name": "見出し",
        "inLanguage": "ja",
        "isBasedOn": "https://kw.example/1",
        "translationOfWork": {
            "@type": "CreativeWork",
            "name": "The Title",
            "url": "https://kw.example/1",
            "inLanguage": "en",
            "author": [{"@type": "Person", "name": "Ida Voss"}],
            "publisher": {"@type": "Organization", "name": "Kernel Weekly", "url": "https://kw.example/"},
        },
    }


def test_what_nobody_translated_is_based_on_the_original_alone():
    untranslated = json.loads(work(replace(SHOWN, state="untranslated", engine="")))
    assert (untranslated["inLanguage"], "translationOfWork" in untranslated) == ("en", False)
    assert "translationOfWork" not in json.loads(work(replace(SHOWN, engine="original")))
    assert "isBasedOn" not in json.loads(work(BARE))


def test_nothing_in_it_ends_the_element_it_stands_in():
    evil = replace(SHOWN, page_title="</script><script>alert(1)</script>", original_title="<!--\u2028")
    written = str(work(evil))
    assert not {"<", ">", "&", "\u2028"} & {*written}
    assert json.loads(written)["name"] == evil.page_title
    [script] = html.document_fromstring(pages.page(evil, SITE).body.decode()).iter("script")
    assert json.loads(script.text)["name"] == evil.page_title


def test_a_preview_elsewhere_says_that_a_machine_translated_it():
    assert properties(SHOWN)["og:title"] == "見出し(機械翻訳)"
    assert properties(SHOWN)["og:description"] == "一。二。"
    assert properties(replace(SHOWN, engine="original"))["og:title"] == "見出し"
    assert properties(replace(SHOWN, rights="titles", summary=())).get("og:description") is None


def test_the_original_is_never_named_as_our_own_address():
    assert b"canonical" not in pages.page(SHOWN, SITE).body
    assert b"NewsArticle" not in pages.page(SHOWN, SITE).body
