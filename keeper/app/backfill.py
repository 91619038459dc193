"""How a long backfill gets on: how fast it is and how long it will take."""

from keeper.app.events import Event, Sink
from keeper.clock import Clock
from keeper.ops.health import Heartbeat

PAUSE = 1.0
"""Seconds between two reports of one deployment."""


class Backfill:
    """Reports the progress of indexes that are behind; their work is a sign of life."""

    def __init__(self, clock: Clock, sink: Sink, heartbeat: Heartbeat) -> None:
        self._clock = clock
        self._sink = sink
        self._heartbeat = heartbeat
        self._since: dict[str, tuple[int, float]] = {}  # block and time at which a backfill began
        self._told: dict[str, float] = {}

    def tell(self, deployment: str, reached: int, wanted: int) -> None:
        """The index of `deployment` stands at block `reached` of `wanted`."""
        self._heartbeat.turn()
        now = self._clock.monotonic()
        if reached >= wanted:
            self._since.pop(deployment, None)
            return
        first, began = self._since.setdefault(deployment, (reached, now))
        if now < self._told.get(deployment, 0.0) + PAUSE and reached != first:
            return
        self._told[deployment] = now
        rate = (reached - first) / (now - began) if now > began else 0.0
        self._sink(
            Event.BACKFILL,
            {
                "deployment": deployment,
                "block": reached,
                "head": wanted,
                "blocks_per_second": round(rate, 1),
                "eta_seconds": round((wanted - reached) / rate) if rate else None,
            },
        )
