"""Translation engines, one file each, behind one Protocol."""

from collections.abc import Sequence
from typing import Protocol


class Engine(Protocol):
    """What translates.

    An engine is made and used in one thread of one process, and lives as long as that process.
    """

    name: str
    model: str
    version: str  # of prompt and placeholder form
    target: str  # language code
    placeholder: str  # written form with one {n} field, e.g. "[{n}]"

    def translate(self, segments: Sequence[str]) -> list[str]:
        """Return one translation for each segment, in order.

        Raises: EngineUnavailable where the engine cannot work at all.
        """
        ...
