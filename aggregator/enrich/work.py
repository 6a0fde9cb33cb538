"""A job of page visits: pages fetched, then read where they were fetched."""

from collections.abc import Iterator

from aggregator.config import Config
from aggregator.enrich import page, shortlink
from aggregator.enrich.visit import visit
from aggregator.errors import NoText
from aggregator.http import visits
from aggregator.model import Arrived, HostBatch, Looked, PageJob, PageOutcome
from aggregator.runaway import Overrun, in_time

READ_SECONDS = 10.0  # of CPU, for one page


def look(config: Config, job: PageJob) -> PageOutcome:
    """Return what each visit brought and the policies that were read.

    Pages are read once all have come, lest a slow one let other sites time out.
    """
    policies = {policy.origin: policy for policy in job.policies}
    known = set(policies)
    scripts = [
        (
            HostBatch(domain=batch.domain, feeds=(), spacing=batch.spacing, wait=batch.wait),
            [visit(each, policies) for each in batch.visits],
        )
        for batch in job.batches
    ]
    results = visits.run(config, scripts)
    read = tuple(policy for place, policy in policies.items() if place not in known and policy.known)
    return PageOutcome(looked=tuple(_looked(results)), policies=read)


def _looked(results: list[Looked | Arrived]) -> Iterator[Looked]:
    for result in results:
        yield _read(result) if isinstance(result, Arrived) else result


def _read(arrived: Arrived) -> Looked:
    visited, answer = arrived.visit, arrived.page
    named = shortlink.of_page(dict(answer.headers), answer.body, answer.url) or ""
    try:
        text = in_time(READ_SECONDS, page.read, answer.body, answer.content_type, visited.url, answer.url)
    except NoText as error:
        return Looked(visit=visited, failure=str(error), shortlink=named, url=answer.url)
    except Overrun:
        return Looked(visit=visited, failure=f"reading it took more than {READ_SECONDS:.0f} s of CPU")
    text = text if len(text) > visited.length else ""
    return Looked(visit=visited, text=text, shortlink=named, url=answer.url)
