"""Which accounts can be liquidated: a float screen in front, exact integers decide."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from keeper.errors import Degraded
from keeper.protocols.base import Health, Market
from keeper.risk.lookout import Lookout
from keeper.types import Address


@dataclass(frozen=True, slots=True)
class Scan:
    """Result of judging a whole market at one frame.

    `liquidatable` is sorted by debt, largest first. `blind` are accounts whose health the protocol
    itself could not compute now (a price is missing).
    """

    screened: int
    liquidatable: list[Health]
    blind: list[Address]


def scan(market: Market, frame: Any, lookout: Lookout | None = None) -> Scan:
    """Judge every account. The screen's margin guarantees that none below 1 is passed over.

    A `lookout` that was there before may tell who need not be screened again.
    """
    rows = lookout.suspects(market, frame) if lookout else None
    if rows is None:
        approximate = market.screen(frame)
        rows = np.flatnonzero(~(approximate >= 1.0 + market.screen_margin))  # NaN counts as suspicious
    accounts = market.book.accounts()
    liquidatable: list[Health] = []
    blind: list[Address] = []
    for row in rows.tolist():
        try:
            health = market.health(accounts[row], frame)
        except Degraded:
            blind.append(accounts[row])
            continue
        if health.liquidatable:
            liquidatable.append(health)
    liquidatable.sort(key=lambda health: (-health.debt, health.account))
    return Scan(len(rows), liquidatable, blind)


def borrowers(market: Market, frame: Any) -> tuple[list[Health], list[Address]]:
    """Exact health of every account with debt, riskiest first, and the accounts nobody can judge now."""
    healths: list[Health] = []
    blind: list[Address] = []
    for account in market.book.accounts():
        try:
            health = market.health(account, frame)
        except Degraded:
            blind.append(account)
            continue
        if health.debt:
            healths.append(health)
    healths.sort(key=lambda health: (health.health_factor, health.account))
    return healths, blind
