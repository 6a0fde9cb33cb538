"""What providers answer, taken apart with care: nothing in it is as documented until that was looked at."""

import json
import re
from collections.abc import Callable, Generator
from typing import Any, TypeVar

from aggregator.errors import BadAnswer
from aggregator.model import Counted, Failure, Fetched, NotModified, Request

Answer = Fetched | NotModified | Failure
T = TypeVar("T")
Script = Generator[Request, Answer, Counted]  # yields what to ask, takes the answer, returns the counts
Asking = Generator[Request, Answer, T]  # a part of one
Reader = Callable[[Fetched], T]

JSON = "application/json"
LISTING_BYTES = 4 * 1024 * 1024
ANSWER_BYTES = 1024 * 1024
_SURROGATE = re.compile(r"\\u[dD][89a-fA-F]")
_MOST = 10_000_000  # comments; what has more is no count


def ask(request: Request, read: Reader[T]) -> Asking[T | Failure]:
    """Yield a request; return what is read in its answer, or why there is nothing."""
    answer = yield request
    if isinstance(answer, Failure):
        return answer
    if isinstance(answer, NotModified):
        return Failure(
            kind="BadStatus", detail="304 though no validator was sent", url=request.url, status=304
        )
    try:
        return read(answer)
    except BadAnswer as error:
        return Failure(kind=type(error).__name__, detail=error.message, url=error.url)


def json_of(answer: Fetched) -> object:
    """Return what an answer's body says; half a surrogate pair in it is a question mark.

    Raises: BadAnswer where it is no JSON, or nested too deep.
    """
    try:
        body = answer.body.decode("utf-8-sig", "replace")
        document: object = json.loads(body)
        if not _SURROGATE.search(body):
            return document
        # Half a pair is no character: no database and no request takes it. Whole pairs are one by now.
        return json.loads(json.dumps(document, ensure_ascii=False).encode("utf-8", "replace"))
    except (ValueError, RecursionError) as error:
        raise BadAnswer(answer.url, f"the answer is no JSON ({error})"[:300]) from error


def object_of(answer: Fetched) -> dict[str, Any]:
    """Return the object that an answer is.

    Raises: BadAnswer where it is anything else.
    """
    document = json_of(answer)
    if not isinstance(document, dict):
        raise BadAnswer(answer.url, "the answer is no JSON object")
    return document


def array_of(answer: Fetched) -> list[Any]:
    """Return the array that an answer is.

    Raises: BadAnswer where it is anything else.
    """
    document = json_of(answer)
    if not isinstance(document, list):
        raise BadAnswer(answer.url, "the answer is no JSON array")
    return document


def objects(value: object) -> list[dict[str, Any]]:
    """Return the objects in what should be an array of them."""
    return [each for each in value if isinstance(each, dict)] if isinstance(value, list) else []


def text(value: object) -> str:
    """Return a string; of anything else the empty one."""
    return value if isinstance(value, str) else ""


def number(value: object) -> int | None:
    """Return a count, None where the value is none: from 0 to 10,000,000, and whole."""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    is_count = isinstance(value, int) and not isinstance(value, bool)
    return value if is_count and 0 <= value <= _MOST else None  # type: ignore[operator, return-value]


def count(answer: Fetched, value: object) -> int:
    """Return a count that an answer has to hold.

    Raises: BadAnswer where the value is none.
    """
    found = number(value)
    if found is None:
        raise BadAnswer(answer.url, "the answer holds no number of comments where one belongs")
    return found
