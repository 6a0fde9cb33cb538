"""Whether a text is taken from another one."""

import pytest

from aggregator import traces

LINE = "The new scheduler in version 2 halves the time that a build of the whole tree takes on two cores."


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (LINE, True),
        ("THE NEW SCHEDULER, in version 2!", True),  # a part of it, in other letters
        ("The new [1] halves the time", True),  # a placeholder for a name
        ("Yesterday they said the new scheduler in version 2 halves everything.", True),  # edited since
        ("The new scheduler is slow.", False),
        ("42 [1]", False),
        ("", False),
    ],
)
def test_a_sentence_is_told_by_its_words(text: str, told: bool):
    assert traces.of([f"Another line.\n{LINE}"]).are_in(text) is told


def test_words_of_two_lines_are_no_sentence_of_either():
    assert not traces.of(["Cats sleep.\nDogs bark."]).are_in("Cats bark")


def test_runs_do_not_reach_from_line_to_line():
    assert traces.runs("one two\nthree four", 3) == frozenset()
    assert traces.runs("One, two three", 3) == {("one", "two", "three")}
