"""What the block's builder gets for a place in it: a share of what a liquidation pays beyond its minimum."""

from dataclasses import replace

from keeper.plan.model import Plan
from keeper.plan.profit import to_usd
from keeper.types import BPS


def with_bid(plan: Plan, share: int) -> Plan:
    """`plan` with a bid of `share` (1/10000) of the profit beyond gas and the least worth having.

    The executor takes the bid as a share of the whole profit and wants `min_profit` to be left; rounded
    down, the bid never touches that.
    """
    gross, spare = plan.profit.gross, plan.profit.gross - plan.min_profit
    if gross <= 0 or spare <= 0:
        return plan
    bid_bps = spare * share // gross
    bid = gross * bid_bps // BPS
    kept = to_usd(gross - bid, plan.opportunity.debt)
    profit = replace(plan.profit, bid=bid, net_usd=kept - plan.profit.gas_usd)
    return replace(plan, profit=profit, bid_bps=bid_bps)
