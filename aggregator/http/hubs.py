"""Requests to hubs: forms posted within the limits that fetches have."""

import asyncio
import time
from urllib.parse import urlencode, urlsplit

from aggregator import urls
from aggregator.config import Config
from aggregator.errors import BadStatus, ConnectionFailed, FetchError, FetchTimeout, HostForbidden
from aggregator.http.curl import Session, user_agent
from aggregator.http.response import REFUSED, Response
from aggregator.model import Failure, HubAnswer, HubJob, HubRequest
from aggregator.websub.protocol import form, hub_address

TOTAL = 30.0  # seconds for one request, redirects included
ONE_DOMAIN = 60.0  # seconds after which its further requests wait for another time
REFUSALS = 3  # equal ones in a row, after which a hub is told of no more feeds for now
REDIRECTS = 5
_READ = 2000  # bytes of what a hub says of an error
_SHOWN = 200  # characters of it


def ask_hubs(config: Config, job: HubJob) -> tuple[HubAnswer, ...]:
    """Make the requests of a job: domains side by side, each one's requests one after another, with spacing.

    After one that got no answer, or 60 seconds, a domain's others are not made: Failures of kind "Skipped".
    Nor are they where a hub refused three feeds of our own alike: that is no word on one feed.
    """
    return asyncio.run(_ask_all(config, job))


async def _ask_all(config: Config, job: HubJob) -> tuple[HubAnswer, ...]:
    async with Session(config, {"User-Agent": user_agent(config)}) as session:
        answers = await asyncio.gather(*(_ask_domain(session, config, batch) for batch in job.batches))
    return tuple(answer for batch in answers for answer in batch)


async def _ask_domain(session: Session, config: Config, batch: tuple[HubRequest, ...]) -> list[HubAnswer]:
    started, answers = time.monotonic(), list[HubAnswer]()
    over = False
    for request in batch:
        if answers and not over:
            await asyncio.sleep(config.host_spacing.total_seconds())
        over = over or time.monotonic() - started > ONE_DOMAIN
        if over:
            failure: Failure | None = _failure("Skipped", request.hub_url, "the hub is silent or slow")
        else:
            failure = await _ask(session, config, request)
            over = failure is not None and (failure.status is None or failure.status in {429, 503})
        answers.append(HubAnswer(request=request, failure=failure))
        over = over or _refuses(answers[-REFUSALS:])
    return answers


def _refuses(last: list[HubAnswer]) -> bool:
    """Tell whether a hub answered one error to so many of our own feeds in a row."""
    statuses = {answer.failure.status if answer.failure else None for answer in last}
    published = all(answer.request.mode == "publish" for answer in last)
    return published and len(last) == REFUSALS and len(statuses) == 1 and None not in statuses


async def _ask(session: Session, config: Config, request: HubRequest) -> Failure | None:
    url = _address(config, request, request.hub_url)
    try:
        async with asyncio.timeout(TOTAL):
            await _post(session, config, url, request)
    except FetchError as error:
        return _failure(type(error).__name__, error.url, error.message, getattr(error, "status", None))
    except TimeoutError:
        return _failure(FetchTimeout.__name__, url, f"no complete answer after {TOTAL:.0f} s")
    except (OSError, ValueError) as error:
        text = " ".join(str(error).split())[:_SHOWN] or type(error).__name__
        kind = HostForbidden if REFUSED in text or isinstance(error, ValueError) else ConnectionFailed
        return _failure(kind.__name__, url, text)
    return None


def _address(config: Config, request: HubRequest, url: str) -> str:
    """Return where to ask; what tells of a feed of our own carries no secret."""
    return hub_address(url, allow_private=config.allow_private_hosts or request.mode == "publish")


async def _post(session: Session, config: Config, url: str, request: HubRequest) -> None:
    """Post a form, and again where the hub names another (section 5.1.2: 307 and 308 alone)."""
    for _ in range(REDIRECTS + 1):
        if urlsplit(url).scheme.lower() not in {"http", "https"}:
            raise HostForbidden(url, "only http and https are asked")
        with await session.post(url, urlencode(form(request)).encode()) as response:
            location = _location(response)
            if 200 <= response.status < 300:
                return
            if response.status not in {307, 308} or not location:
                raise BadStatus(url, await _complaint(response, request), response.status)
        url = _address(config, request, urls.absolute(url, location))
    raise BadStatus(url, f"more than {REDIRECTS} redirects", 308)


def _location(response: Response) -> str:
    return response.headers.get("location", "").encode("latin-1").decode("utf-8", "replace")


async def _complaint(response: Response, request: HubRequest) -> str:
    """Return what a hub says of an error, without what nobody else may know, should it repeat that."""
    said = (await response.beginning(_READ)).decode("utf-8", "replace")
    for hidden in filter(None, (request.secret, request.callback_url.rpartition("/")[2])):
        said = said.replace(hidden, "…")
    line = " ".join(f"{response.status} {response.reason or ''} {said}".split())
    return "".join(filter(str.isprintable, line))[:_SHOWN]


def _failure(kind: str, url: str, detail: str, status: int | None = None) -> Failure:
    return Failure(kind=kind, detail=detail, url=url, status=status)
