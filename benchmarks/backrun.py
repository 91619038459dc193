"""Liquidations behind pending oracle updates, against a keeper that waits until an update is mined."""

import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from statistics import median
from time import perf_counter

from benchmarks.backrun_drill import PATIENCE, Drill, Never
from benchmarks.measure import Measurement
from keeper.app.events import Event

UPDATES = 100
NEVER = 30


async def backrun() -> Measurement:
    """How many of UPDATES had their liquidation in the same block directly behind them.

    Among them come NEVER updates that never land, a third each of `Never`; `sent_for_never` is how many of
    those something was sent for. `reaction_ms` is the median from the update's arrival to the send.
    """
    behind, sent_for_never, reactions = 0, 0, []
    async with _drill() as drill, drill.keeper(backrun__enabled=True) as keeper:
        for number in range(UPDATES):
            since, started = len(keeper.events), perf_counter()
            update = await drill.update(number)
            said = await keeper.says(Event.SUBMITTED, since, PATIENCE)
            reactions.append(perf_counter() - started)
            await drill.mine(keeper)
            landing = await drill.landing(update, said["tx_hash"] if said else None)
            behind += landing.directly_behind
            if number % (UPDATES // NEVER) == 0 and number < UPDATES - 1:
                since = len(keeper.events)
                await drill.never(list(Never)[number // (UPDATES // NEVER) % len(Never)], number + 1, keeper)
                sent_for_never += bool(keeper.sent(since))
    also = {
        "sent_for_never": sent_for_never,
        "never": len(range(0, UPDATES - 1, UPDATES // NEVER)),
        "reaction_ms": round(median(reactions) * 1000, 1),
    }
    return Measurement(
        "backrun", behind, f"of {UPDATES} directly behind", "liquidate when mined", await _waiting(), also
    )


async def _waiting() -> int:
    """The same without watching pending transactions."""
    behind = 0
    async with _drill() as drill, drill.keeper() as keeper:
        for number in range(UPDATES):
            since = len(keeper.events)
            update = await drill.update(number)
            await drill.mine(keeper)
            said = await keeper.says(Event.SUBMITTED, since, PATIENCE)
            await drill.mine(keeper)
            landing = await drill.landing(update, said["tx_hash"] if said else None)
            behind += landing.directly_behind
    return behind


@asynccontextmanager
async def _drill() -> AsyncIterator[Drill]:
    with tempfile.TemporaryDirectory(prefix="keeper-backrun-") as folder:
        async with Drill.start(Path(folder), UPDATES) as drill:
            yield drill
