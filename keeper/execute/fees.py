"""EIP-1559 fees of first attempts, replacements and cancels. In wei per gas unless said otherwise."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from keeper.execute.model import Fees, Step
from keeper.ports import BlockFees

BASE_FEE_ROOM = 2
"""A cap of twice the base fee survives six full blocks of the steepest rise (1.125^6 = 2.03)."""


class Quote(NamedTuple):
    """What blocks take now: a usual tip, and the base fee of the head."""

    tip: int
    base_fee: int

    @property
    def cap(self) -> int:
        """The fee cap of a transaction that pays this."""
        return self.tip + BASE_FEE_ROOM * self.base_fee


class Raise(NamedTuple):
    """How replacements are priced (T8, T10).

    `percent` is what both fields rise at least: what nodes ask for (geth: 10). Above `free` wei per
    gas a cap may not exceed `multiple` times the fresh quote: nobody asks for more than that.
    """

    percent: int = 10
    multiple: int = 5
    free: int = 100 * 10**9


USUAL_RAISE = Raise()


def first_fees(quote: Quote, ceiling: int) -> Fees | None:
    """Fees of a first attempt, None when `ceiling` does not even pay the base fee."""
    if ceiling <= quote.base_fee:
        return None
    cap = min(quote.cap, ceiling)
    return Fees(min(quote.tip, cap), cap)


def bumped_fees(previous: Fees, quote: Quote, ceiling: int, rule: Raise = USUAL_RAISE) -> Fees | None:
    """Fees that replace `previous` in every mempool, None when that would exceed what is allowed."""
    least = Fees(raised(previous.tip, rule.percent), raised(previous.cap, rule.percent))
    highest = min(ceiling, max(rule.free, rule.multiple * quote.cap))
    if least.cap > highest:
        return None
    tip = max(least.tip, quote.tip)
    cap = min(max(least.cap, tip + BASE_FEE_ROOM * quote.base_fee), highest)
    return Fees(min(tip, cap), cap)


def market_fees(previous: Fees, quote: Quote, ceiling: int) -> Fees | None:
    """Fees where no mempool asks for a raise (T25): the market's, once `previous` no longer pays them."""
    fresh = first_fees(quote, ceiling)
    return fresh if fresh is not None and previous.cap < quote.base_fee + quote.tip else None


def cancel_fees(previous: Fees | None, quote: Quote, highest: int, rule: Raise = USUAL_RAISE) -> Fees | None:
    """Fees of a no-op that takes the place of `previous`; a fee cap up to `highest` (T21)."""
    if previous is None:
        return first_fees(quote, highest) or Fees(0, highest)
    return bumped_fees(previous, quote, highest, rule._replace(free=highest))


def purge_fees(previous: Fees | None, quote: Quote, highest: int, rule: Raise = USUAL_RAISE) -> Fees | None:
    """As `cancel_fees` with all that may be paid (T22): the cap costs nothing, the tip is doubled."""
    fees = cancel_fees(previous, quote, highest, rule)
    return fees and Fees(min(highest, max(fees.tip, 2 * quote.tip)), highest)


def outbids(fees: Fees, blocks: Sequence[BlockFees]) -> bool:
    """Whether `fees` would have paid more than most of every one of `blocks` asked for (T11).

    Then the price is not why it was left out. False when there is nothing to compare with.
    """
    return bool(blocks) and all(_outbids(fees, block) for block in blocks)


def break_even_price(steps: Iterable[Step], gas_limit: int) -> int | None:
    """The gas price at which `gas_limit` eats the whole simulated profit of a batch.

    What the chain takes for the batch's bytes is due whatever the price. The plans' own gas estimates carry
    the price of the native coin; None when they say gas is free.
    """
    batch = list(steps)
    gas_usd = sum(step.gas_usd for step in batch)
    if gas_usd <= 0:
        return None
    cost = sum(step.cost for step in batch)
    profit_usd = sum(step.simulated_usd for step in batch)
    return max(profit_usd * cost // gas_usd - sum(step.data_fee for step in batch), 0) // gas_limit


def raised(fee: int, percent: int) -> int:
    """`fee` and `percent`, rounded up, and one wei so that it also rises from zero."""
    return -(-fee * (100 + percent) // 100) + 1


def _outbids(fees: Fees, block: BlockFees) -> bool:
    paid = min(fees.tip, fees.cap - block.base_fee)
    return paid > block.tip or paid == block.tip == 0  # the tips of an empty block are told as 0
