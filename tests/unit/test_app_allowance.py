"""Budgets over an hour and a day, read from the ledger."""

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from keeper.app.allowance import DAY, HOUR, Allowance
from keeper.execute.dispatch import Papered
from keeper.ledger.entries import paper_entries
from keeper.ledger.model import Outcome, Realised
from keeper.ledger.store import Ledger
from keeper.types import USD, Hash
from tests.execute_samples import block_ref, fresh_database, sample_step

NOW = 2_000_000_000


@pytest.fixture
async def ledger(tmp_path: Path) -> AsyncIterator[Ledger]:
    async with fresh_database(tmp_path) as database:
        yield Ledger(database)


async def spend(ledger: Ledger, age: int, net: int, gas: int) -> None:
    """A liquidation `age` seconds ago that brought `net` and cost `gas`, in dollars."""
    papered = Papered(f"batch {age} {net}", block_ref(1), (sample_step(1),))
    realised = Realised(Hash("0xab"), 5, 1, 1, 0, 0, 1, 1, gas * USD, net * USD)
    (entry,) = paper_entries(papered)
    await ledger.record([replace(entry, time=NOW - age, outcome=Outcome.SUCCESS, realised=realised)])


async def test_exceeded__no_bounds__never(ledger: Ledger) -> None:
    await spend(ledger, 10, -1_000, 1_000)
    assert await Allowance().exceeded(ledger, NOW) is None


@pytest.mark.parametrize(
    ("allowance", "why"),
    [
        (Allowance(loss_hour=30 * USD), "lost $30.00 within an hour; guards allow $30.00"),
        (Allowance(loss_hour=31 * USD), None),
        (Allowance(loss_day=70 * USD), "lost $70.00 within a day; guards allow $70.00"),
        (Allowance(gas_hour=12 * USD), "spent $12.00 on gas within an hour; guards allow $12.00"),
        (Allowance(gas_hour=13 * USD, gas_day=14 * USD), "spent $17.00 on gas within a day"),
        (Allowance(gas_day=18 * USD), None),
    ],
)
async def test_exceeded__losses_and_gas__count_in_their_period_only(
    ledger: Ledger, allowance: Allowance, why: str | None
) -> None:
    for age, net, gas in ((10, -30, 5), (20, 500, 7), (HOUR + 10, -40, 5), (DAY + 10, -1_000, 1_000)):
        await spend(ledger, age, net, gas)
    found = await allowance.exceeded(ledger, NOW)
    assert found == why or (why is not None and found is not None and found.startswith(why))
