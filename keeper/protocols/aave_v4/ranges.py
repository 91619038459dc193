"""Which repay amounts the spoke accepts for a pair.

As the offer grows, what it buys never shrinks, until a dust rule or the end of the collateral takes the
decision out of the liquidator's hands: from then on the call takes all of the debt or all of the
collateral, and costs what that costs. So the accepted amounts are one run of partial liquidations and at
most two single amounts behind it. The ends of the run are found by bisection over the contracts' own rules.
"""

from keeper.protocols.aave_v4.amounts import amounts
from keeper.protocols.aave_v4.liquidation import Outcome, liquidate
from keeper.protocols.aave_v4.pair import Pair
from keeper.protocols.runs import Range, first_where, joined

EVERYTHING = 2**255
"""An offer that no debt reaches (aave.md §6.5)."""


def accepted(pair: Pair) -> tuple[Range, ...]:
    """Inclusive ranges of offers in debt-token units, disjoint, ascending.

    An offer above the last range is capped by the spoke to the range's last amount.
    """
    whole = amounts(pair, EVERYTHING)
    if not whole.forced:
        run = _possible(pair, whole.pay)
        return (run,) if run else ()
    first = first_where(lambda offer: amounts(pair, offer).forced, 1, EVERYTHING)
    runs = [_possible(pair, first - 1)]
    # Rounding may force an offer only a unit above what it then costs.
    forced = {max(first, amounts(pair, first).pay), max(first, whole.pay)}
    runs += [(offer, offer) for offer in sorted(forced) if _settles(pair, offer)]
    return joined(runs)


def _possible(pair: Pair, last: int) -> Range | None:
    """The offers up to `last` that neither round to nothing nor want more than the hub holds."""
    start = first_where(lambda offer: _pays_out(pair, offer) > 0, 1, last + 1)
    liquidity = pair.collateral.asset.liquidity
    end = first_where(lambda offer: _pays_out(pair, offer) > liquidity, start, last + 1) - 1
    if start > end:
        return None
    # How much premium a hub grants the spoke may forbid the small offers or the large ones.
    if not _settles(pair, end):
        end = first_where(lambda offer: not _settles(pair, offer), start, end + 1) - 1
    else:
        start = first_where(lambda offer: _settles(pair, offer), start, end + 1)
    return (start, end) if start <= end else None


def _pays_out(pair: Pair, offer: int) -> int:
    return pair.collateral.worth(amounts(pair, offer).given)


def _settles(pair: Pair, offer: int) -> bool:
    return isinstance(liquidate(pair, offer), Outcome)
