"""Where work may be done, as the settings `executor_…` name it."""

import re
from dataclasses import dataclass

EXPECTED = (
    "expected inline:, processes:N with N from 1 to 999, or dask:tcp://host:port (also tls://, and ?gpu=1)"
)
_INLINE = re.compile("inline:")
_PROCESSES = re.compile(r"processes:([1-9]\d{0,2})")
_DASK = re.compile(r"dask:((?:tcp|tls)://(?:[\w.-]+|\[[\da-fA-F:.]+\]):\d{1,5})(?:\?(.+))?")
_RESOURCE = re.compile(r"([\w.-]+)=(\d+(?:\.\d+)?)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Workplace:
    """Where a stage's jobs are done."""

    kind: str  # inline, processes or dask
    count: int = 1  # of processes of our own
    scheduler_url: str = ""  # of a cluster
    resources: tuple[tuple[str, float], ...] = ()  # that a job takes of the worker it is given to

    @property
    def is_elsewhere(self) -> bool:
        """Whether it may be another machine, with a memory of its own."""
        return bool(self.scheduler_url)

    @property
    def wanted(self) -> str:
        """Return the resources as they are written: `gpu=1`."""
        return "&".join(f"{name}={amount:g}" for name, amount in self.resources)


def read(spec: str) -> Workplace:
    """Return what a setting names.

    Raises: ValueError saying what was expected.
    """
    if _INLINE.fullmatch(spec):
        return Workplace(kind="inline")
    if match := _PROCESSES.fullmatch(spec):
        return Workplace(kind="processes", count=int(match[1]))
    if match := _DASK.fullmatch(spec):
        return Workplace(kind="dask", scheduler_url=match[1], resources=_resources(match[2]))
    raise ValueError(EXPECTED)


def _resources(query: str | None) -> tuple[tuple[str, float], ...]:
    named = [_RESOURCE.fullmatch(part) for part in query.split("&")] if query else []
    found = [(match[1], float(match[2])) for match in named if match]
    if len(found) < len(named) or len(dict(found)) < len(found) or not all(amount for _, amount in found):
        raise ValueError(EXPECTED)
    return tuple(found)
