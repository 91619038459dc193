"""Debt at a stable rate (v3.0 and v3.1): a principal that grows by the borrower's own rate."""

from collections.abc import Iterable

from keeper.protocols.aave_v3.math import ray_mul
from keeper.protocols.aave_v3.model import AaveFrame
from keeper.protocols.aave_v3.records import StableLoan


def balances(loans: Iterable[StableLoan], frame: AaveFrame) -> dict[int, int]:
    """StableDebtToken.balanceOf at the frame's time, by reserve id."""
    return {loan.reserve: balance(loan, frame) for loan in loans}


def balance(loan: StableLoan, frame: AaveFrame) -> int:
    """What is owed of one loan at the frame's time, in token units."""
    growth = frame.rules.compound_interest(loan.rate, max(frame.timestamp - loan.updated, 0))
    return ray_mul(loan.principal, growth)
