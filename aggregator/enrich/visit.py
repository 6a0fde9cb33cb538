"""One visit to a page: the site's policy first, the page where that allows it. Sends nothing itself."""

from collections.abc import Generator
from urllib.parse import urlsplit

from aggregator.enrich import optout
from aggregator.model import (
    Arrived,
    Failure,
    Fetched,
    Looked,
    NotModified,
    PageVisit,
    Request,
    SitePolicy,
)

PAGE_BYTES = 5 * 1024 * 1024
FILE_BYTES = 512 * 1024
PAGE_TYPES = "text/html, application/xhtml+xml;q=0.9"

Answer = Fetched | NotModified | Failure
Policies = dict[str, SitePolicy]  # by origin


def visit(job: PageVisit, policies: Policies) -> Generator[Request, Answer, Looked | Arrived]:
    """Yield a visit's requests, take the answers, return what came of it; add policies that were read."""
    policy = yield from _policy(origin(job.url), policies)
    stopped = _stopped(job, policy, job.url)
    if stopped:
        return stopped
    answer = yield Request(url=job.url, max_bytes=PAGE_BYTES, accept=PAGE_TYPES)
    if not isinstance(answer, Fetched):
        return _failed(job, answer)
    if origin(answer.url) != policy.origin:  # a redirect led to another site, which has its own say
        policy = yield from _policy(origin(answer.url), policies)
        stopped = _stopped(job, policy, answer.url)
        if stopped:
            return stopped
    signal = None if job.noted else optout.of_page(dict(answer.headers), answer.body)
    return Looked(visit=job, signal=signal) if signal else Arrived(visit=job, page=answer)


def origin(url: str) -> str:
    """Return the part of a URL that its robots.txt holds for."""
    parts = urlsplit(url)
    return f"{parts.scheme.lower()}://{parts.netloc.lower()}"


def _stopped(job: PageVisit, policy: SitePolicy, url: str) -> Looked | None:
    """Return how a visit ends at a site's policy, None where it goes on."""
    signal = None if job.noted else optout.of_site(policy, url)
    if signal:
        return Looked(visit=job, signal=signal)
    reason = optout.refusal(policy, url) if job.wanted or not policy.known else None
    if reason:
        return Looked(visit=job, failure=reason, again=not policy.known)
    return None if job.wanted else Looked(visit=job)


def _policy(place: str, policies: Policies) -> Generator[Request, Answer, SitePolicy]:
    if place not in policies:
        policies[place] = yield from _read(place)
    return policies[place]


def _read(place: str) -> Generator[Request, Answer, SitePolicy]:
    robots = yield Request(url=f"{place}/robots.txt", max_bytes=FILE_BYTES)
    if not _is_settled(robots):
        trouble = robots.detail if isinstance(robots, Failure) else "304"
        return SitePolicy(origin=place, known=False, trouble=trouble)
    tdmrep = yield Request(url=f"{place}/.well-known/tdmrep.json", max_bytes=FILE_BYTES)
    ai_txt = yield Request(url=f"{place}/ai.txt", max_bytes=FILE_BYTES)
    return SitePolicy(origin=place, robots=_text(robots), tdmrep=_text(tdmrep), ai_txt=_text(ai_txt))


def _is_settled(answer: Answer) -> bool:
    """Say whether robots.txt is there, or surely is not: RFC 9309 sections 2.3.1.3 and 2.3.1.4."""
    if isinstance(answer, Failure):
        return answer.status is not None and 400 <= answer.status < 500 and answer.status != 429
    return isinstance(answer, Fetched)


def _text(answer: Answer) -> str:
    """Return a text file; a page of HTML in its place is a site's way to say 404."""
    if not isinstance(answer, Fetched) or answer.body.lstrip()[:1] == b"<":
        return ""
    return answer.body.decode("utf-8", "replace").replace("\x00", "")


def _failed(job: PageVisit, answer: Failure | NotModified) -> Looked:
    if isinstance(answer, NotModified):
        return Looked(visit=job, failure="304 though no validator was sent")
    status = answer.status
    asks_for_rest = status in {429, 503} or (status is not None and answer.retry_after is not None)
    return Looked(
        visit=job,
        failure=answer.detail,
        again=status is None or status >= 500 or status in {408, 425, 429},
        refused=answer if asks_for_rest else None,
    )
