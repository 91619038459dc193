"""Collateral and debt by distance to liquidation."""

from collections.abc import Iterable
from typing import NamedTuple

from keeper.protocols.base import Health
from keeper.risk.worth import NOTHING, Worth
from keeper.types import WAD

STEPS = tuple(WAD * percent // 100 for percent in (100, 102, 105, 110, 125, 150, 200))
"""Upper bounds of the rungs in health factor (wad); the last rung has none."""


class Rung(NamedTuple):
    """Accounts with `low` <= health factor < `high` (wad, None: no bound); sums in USD, 8 decimals.

    An account without a price counts in `accounts` alone.
    """

    low: int
    high: int | None
    accounts: int
    collateral: int
    debt: int


def ladder(accounts: Iterable[tuple[Health, Worth | None]]) -> list[Rung]:
    """Sort accounts with debt into rungs, the liquidatable ones first."""
    lows = (0, *STEPS)
    highs = (*STEPS, None)
    totals = [[0, 0, 0] for _ in lows]
    for health, worth in accounts:
        if not health.debt:
            continue
        collateral, debt = worth or NOTHING
        place = sum(health.health_factor >= step for step in STEPS)
        totals[place][0] += 1
        totals[place][1] += collateral
        totals[place][2] += debt
    return [Rung(low, high, *total) for low, high, total in zip(lows, highs, totals, strict=True)]
