"""Arithmetic of the markets: accrual, exchange rate, balances, seizing. Wads and token units."""

from keeper.protocols.venus.records import Loan, State
from keeper.types import WAD


def accrue(state: State, rate: int, elapsed: int) -> State:
    """VToken.accrueInterest over `elapsed` blocks (or seconds) at `rate`, without the time it sets."""
    if elapsed <= 0:
        return state
    factor = rate * elapsed
    interest = factor * state.borrows // WAD
    return state._replace(
        borrows=state.borrows + interest,
        reserves=state.reserves + state.reserve_factor * interest // WAD,
        borrow_index=state.borrow_index + factor * state.borrow_index // WAD,
    )


def exchange_rate(state: State, first_rate: int) -> int:
    """VToken.exchangeRateStored: token units a vToken unit, wad. `first_rate` of an empty market."""
    if state.supply == 0:
        return first_rate
    return (state.cash + state.borrows - state.reserves) * WAD // state.supply


def owed(loan: Loan, index: int) -> int:
    """VToken.borrowBalanceStored at borrow index `index`."""
    return loan.principal * index // loan.interest_index if loan.principal else 0


def collateral_weight(factor: int, rate: int, price: int) -> int:
    """Value of a vToken unit as far as it counts: tokensToDenom of ComptrollerLens."""
    return factor * rate // WAD * price // WAD


def seize_ratio(incentive: int, debt_price: int, collateral_price: int, rate: int) -> int | None:
    """How many vTokens (wad) a repaid unit of debt takes; None where the contract divides by zero.

    ComptrollerLens._calculateSeizeTokens; the vTokens taken are ratio * repay / 1e18.
    """
    denominator = collateral_price * rate // WAD
    if denominator == 0:
        return None
    return incentive * debt_price // WAD * WAD // denominator
