"""What a benchmark reports, and how it takes time."""

import json
from collections.abc import Awaitable, Callable, Mapping
from time import perf_counter
from typing import NamedTuple

RUNS = 3


class Measurement(NamedTuple):
    """One result; `baseline_value` is in the same unit, of the alternative that `baseline` names.

    `also` are further figures of the same run.
    """

    name: str
    value: float
    unit: str
    baseline: str
    baseline_value: float
    also: Mapping[str, float] = {}

    def line(self) -> str:
        """One JSON object; `ratio` is value over baseline, null where that is 0."""
        ratio = round(self.value / self.baseline_value, 2) if self.baseline_value else None
        rounded = {"value": round(self.value, 1), "baseline_value": round(self.baseline_value, 1)}
        fields = {name: value for name, value in self._asdict().items() if name != "also"}
        return json.dumps(fields | rounded | {"ratio": ratio, **self.also})


async def rate(count: int, work: Callable[[], Awaitable[None]], runs: int = RUNS) -> float:
    """Items a second of the fastest of `runs` runs of `work`, which handles `count` items."""
    seconds = []
    for _ in range(runs):
        start = perf_counter()
        await work()
        seconds.append(perf_counter() - start)
    return count / min(seconds)
