"""/metrics for Prometheus: to this machine, and to whoever has the operator's token."""

from collections.abc import Iterator
from datetime import UTC, datetime

from aiohttp import HttpVersion11, web
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.exposition import CONTENT_TYPE_LATEST

from aggregator import measures
from aggregator.config import Config
from aggregator.errors import StoreError
from aggregator.measures import Histogram, Measure
from aggregator.serve import answer, callers, tokens
from aggregator.serve.memory import Remembered
from aggregator.store import reading

_SECONDS = 10.0  # no scraper asks more often
_KINDS = {"gauge": GaugeMetricFamily, "counter": CounterMetricFamily}


def add_routes(app: web.Application, config: Config) -> None:
    """Answer who may know."""
    text = Remembered(lambda: render(config, datetime.now(UTC)), _SECONDS)
    headers = {**answer.headers("private"), "Cache-Control": "no-store"}

    async def answer_metrics(request: web.Request) -> web.Response:
        if not (_is_local(request) or tokens.is_operator(request, config)):
            return web.Response(status=403, text="403\n", headers=headers)
        try:
            body = await text.value()
        except StoreError:
            return web.Response(status=503, text="503\n", headers=headers)
        return web.Response(body=body, headers={**headers, "Content-Type": CONTENT_TYPE_LATEST})

    app.router.add_get("/metrics", answer_metrics)


def _is_local(request: web.Request) -> bool:
    """Tell whether a program of this machine asks: no proxy, and no page in a browser by a name of its own.

    nginx tells by nothing else than HTTP/1.0 that it passes a request on, unless it is told to.
    """
    is_own = tokens.caller_of(request).is_here and request.version >= HttpVersion11
    return is_own and callers.names_loopback(request.headers.get("Host", ""))


def render(config: Config, now: datetime) -> bytes:
    """Return the text that Prometheus reads.

    Raises: StoreError.
    """
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Collector(config, now))
    return generate_latest(registry)


class _Collector:
    """What a registry wants to be told by."""

    def __init__(self, config: Config, now: datetime) -> None:
        self._config, self._now = config, now

    def describe(self) -> list[Metric]:
        """Return nothing, or registering would read the store."""
        return []

    def collect(self) -> Iterator[Metric]:
        """Yield all metrics."""
        with reading(self._config.store) as db:
            found = measures.collect(db, self._config, self._now)
        yield from map(_family, found)


def _family(measure: Measure | Histogram) -> Metric:
    name = f"aggregator_{measure.name}"
    if isinstance(measure, Histogram):
        buckets = list(measure.buckets)
        return HistogramMetricFamily(name, measure.meaning, buckets=buckets, sum_value=measure.seconds)
    labels = [label for label, _ in measure.values[0][0]] if measure.values else []
    family: GaugeMetricFamily | CounterMetricFamily = _KINDS[measure.kind](
        name, measure.meaning, labels=labels
    )
    for given, value in measure.values:
        family.add_metric([text for _, text in given], value)
    return family
