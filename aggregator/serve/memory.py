"""What is answered to many from one look: made off the loop, and once for all who ask within a while."""

import asyncio
from collections.abc import Callable
from typing import Generic, TypeVar

T = TypeVar("T")


class Remembered(Generic[T]):
    """A value that is made anew when somebody asks and it has become old.

    Units: `seconds` it is given out without another look.
    """

    def __init__(self, make: Callable[[], T], seconds: float) -> None:
        self._make, self._seconds = make, seconds
        self._lock = asyncio.Lock()
        self._value: T | None = None
        self._stale_at = float("-inf")

    async def value(self) -> T:
        """Return the value; whoever comes while it is made waits for the same."""
        async with self._lock:
            now = asyncio.get_running_loop().time()
            if self._value is None or now >= self._stale_at:
                self._value = await asyncio.to_thread(self._make)
                self._stale_at = asyncio.get_running_loop().time() + self._seconds
            return self._value
