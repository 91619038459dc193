"""What a benchmark reports, and how it takes time."""

import json
from collections.abc import Awaitable, Callable
from time import perf_counter
from typing import NamedTuple

RUNS = 3


class Measurement(NamedTuple):
    """One result; `baseline_value` is in the same unit, of the alternative that `baseline` names."""

    name: str
    value: float
    unit: str
    baseline: str
    baseline_value: float

    def line(self) -> str:
        """One JSON object; `ratio` is value over baseline."""
        ratio = round(self.value / self.baseline_value, 2)
        rounded = {"value": round(self.value, 1), "baseline_value": round(self.baseline_value, 1)}
        return json.dumps(self._asdict() | rounded | {"ratio": ratio})


async def rate(count: int, work: Callable[[], Awaitable[None]], runs: int = RUNS) -> float:
    """Items a second of the fastest of `runs` runs of `work`, which handles `count` items."""
    seconds = []
    for _ in range(runs):
        start = perf_counter()
        await work()
        seconds.append(perf_counter() - start)
    return count / min(seconds)
