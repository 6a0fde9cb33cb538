"""A job of pictures: fetched, and looked at where they were fetched."""

from aggregator.config import Config
from aggregator.http import Answer, visits
from aggregator.model import Document, Failure, Fetched, HostBatch, Request
from aggregator.poll.polite import spacing
from aggregator.publish import pictures

_ACCEPT = "image/webp,image/png,image/jpeg,image/gif"  # what every reader shows


def fetch(config: Config, domains: tuple[tuple[str, tuple[str, ...]], ...]) -> dict[str, Document | str]:
    """Return each picture by its address, or why there is none."""
    batches = [
        (HostBatch(domain=domain, feeds=(), spacing=spacing(domain, config.host_spacing)), urls)
        for domain, urls in domains
    ]
    found = visits.run(config, [(batch, [_script(url) for url in urls]) for batch, urls in batches])
    every = [url for _, urls in batches for url in urls]
    return dict(zip(every, found, strict=True))


def _script(url: str) -> visits.Script[Document | str]:
    answer: Answer = yield Request(url=url, max_bytes=pictures.MOST, accept=_ACCEPT)
    match answer:
        case Fetched():
            return pictures.document(answer.body) or "is no picture that every reader shows"
        case Failure():
            return f"{answer.kind}: {answer.detail}"
        case _:
            return "304 though nothing was asked for"
