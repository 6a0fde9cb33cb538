"""The websub stage's work, named here so that each side loads only what it uses."""

from aggregator.config import Config
from aggregator.model import DeliveryJob, Fetched, HubAnswer, HubJob, PollOutcome

Outcome = tuple[HubAnswer, ...] | PollOutcome


def work(config: Config, job: HubJob | DeliveryJob) -> Outcome:
    """Ask hubs, or parse a body that one delivered as if it had been fetched."""
    # Sockets and parsers take a fifth of a second to load: in the worker, and only where there is a job.
    if isinstance(job, HubJob):
        from aggregator.http.hubs import ask_hubs

        return ask_hubs(config, job)
    from aggregator.poll.shard import outcome_of

    return outcome_of(job.feed, _as_fetched(job))


def _as_fetched(job: DeliveryJob) -> Fetched:
    return Fetched(
        url=job.feed.fetch_url,
        body=job.body,
        content_type=job.content_type,
        etag=None,
        last_modified=None,
        fresh_for=None,
        moved_to=None,
        wire_bytes=len(job.body),
        seconds=0.0,
    )
