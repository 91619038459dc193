"""EIP-1559 fees of first attempts and replacements. Everything in wei per gas unless said otherwise."""

from collections.abc import Iterable

from keeper.execute.model import Fees, Step

BASE_FEE_ROOM = 2
"""A cap of twice the base fee survives six full blocks of the steepest rise (1.125^6 = 2.03)."""


def first_fees(tip: int, base_fee: int, ceiling: int) -> Fees | None:
    """Fees of a first attempt, None when `ceiling` does not even pay the base fee."""
    if ceiling <= base_fee:
        return None
    cap = min(tip + BASE_FEE_ROOM * base_fee, ceiling)
    return Fees(min(tip, cap), cap)


def bumped_fees(previous: Fees, tip: int, base_fee: int, ceiling: int) -> Fees | None:
    """Fees that replace `previous` in every mempool, None when that would exceed `ceiling`.

    Nodes accept a replacement when both fields rise by at least a tenth (geth's price bump).
    """
    least = Fees(_raised(previous.tip), _raised(previous.cap))
    if least.cap > ceiling:
        return None
    tip = max(least.tip, tip)
    cap = min(max(least.cap, tip + BASE_FEE_ROOM * base_fee), ceiling)
    return Fees(min(tip, cap), cap)


def break_even_price(steps: Iterable[Step], gas_limit: int) -> int | None:
    """The gas price at which `gas_limit` eats the whole simulated profit of a batch.

    The plans' own gas estimates carry the price of the native coin; None when they say gas is free.
    """
    batch = list(steps)
    gas_usd = sum(step.gas_usd for step in batch)
    if gas_usd <= 0:
        return None
    gas_wei = sum(step.gas * step.gas_price for step in batch)
    profit_usd = sum(step.simulated_usd for step in batch)
    return profit_usd * gas_wei // (gas_usd * gas_limit)


def _raised(fee: int) -> int:
    """`fee` and a tenth, rounded up, and one wei so that it also rises from zero."""
    return -(-fee * 11 // 10) + 1
