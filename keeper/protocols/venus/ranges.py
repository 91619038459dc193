"""Which repay amounts the protocol accepts for a pair, and the redemption with it.

vTokens taken, and what they are redeemed for, never shrink as the repayment grows. So the accepted amounts
are one run: from the first that brings anything to the last that neither exceeds the close factor, nor the
account's vTokens, nor the market's cash. Its ends are found by bisection over the exact arithmetic.
"""

from keeper.protocols.base import Refusal
from keeper.protocols.runs import Range, first_where
from keeper.protocols.venus.liquidation import Outcome, liquidate, redeemable, seized
from keeper.protocols.venus.pair import Pair


def accepted(pair: Pair) -> tuple[Range, ...]:
    """The inclusive range of repay amounts in debt-token units; none where nothing is accepted."""
    if pair.most <= 0 or seized(pair, 1) is None:
        return ()
    last = first_where(lambda repay: _exceeds(pair, repay), 1, pair.most + 1) - 1
    if last < 1 or not _settles(pair, last):
        return ()
    start = first_where(lambda repay: _brings_something(pair, repay), 1, last + 1)
    return ((start, last),) if start <= last else ()


def clear(runs: tuple[Range, ...], before: Pair | Refusal) -> tuple[Range, ...]:
    """`runs` without what was not accepted `before` yet, at the head.

    Interest lets every limit grow: what is accepted at the head still is in the blocks after it, whichever
    takes the transaction, while what the next block alone accepts fails the last look. A pair refused at
    the head stays as it is.
    """
    earlier = () if isinstance(before, Refusal) else accepted(before)
    if not earlier:
        return runs
    ((first, last),) = runs
    first, last = max(first, earlier[0][0]), min(last, earlier[-1][1])
    return ((first, last),) if first <= last else ()


def _exceeds(pair: Pair, repay: int) -> bool:
    """Whether more is taken than the account has, or than the market can pay out."""
    taken = seized(pair, repay)
    assert taken is not None
    if taken.tokens > pair.balance:
        return True
    amount, cash = redeemable(pair, repay, taken)
    return amount > cash


def _brings_something(pair: Pair, repay: int) -> bool:
    taken = seized(pair, repay)
    assert taken is not None
    return redeemable(pair, repay, taken)[0] > 0


def _settles(pair: Pair, repay: int) -> bool:
    outcome = liquidate(pair, repay)
    return isinstance(outcome, Outcome)


def largest(pair: Pair | Refusal) -> Outcome | None:
    """The liquidation of a pair that repays most, None where none is accepted."""
    if isinstance(pair, Refusal):
        return None
    ranges = accepted(pair)
    outcome = liquidate(pair, ranges[-1][1]) if ranges else None
    return outcome if isinstance(outcome, Outcome) else None
