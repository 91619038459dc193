"""What a spoke asks of its hubs during a liquidation, and what they refuse.

Each returns the reserve after the call. Source: aave.md §6.2 and §6.5; Hub.sol.
"""

from dataclasses import replace

from keeper.protocols.aave_v4 import hub
from keeper.protocols.aave_v4.frame import ReserveFrame
from keeper.protocols.aave_v4.math import from_ray_up, percent_mul_up, ray_mul_up
from keeper.protocols.aave_v4.position import Leg
from keeper.protocols.base import Refusal

UNLIMITED = 2**24 - 1
"""A risk premium threshold of this size is none."""


class Refused(Exception):
    """A hub reverts, and with it the whole liquidation."""

    def __init__(self, code: str, detail: str) -> None:
        super().__init__(code)
        self.refusal = Refusal(code, detail)


def remove(reserve: ReserveFrame, amount: int) -> ReserveFrame:
    """Hub.remove: pay out `amount`; shares are burnt by its own rounding."""
    if not amount:
        raise Refused("InvalidAmount", "what the liquidator would receive rounds to nothing")
    _check_active(reserve)
    _check_halted(reserve)
    asset = reserve.asset
    if amount > asset.liquidity:
        raise Refused("InsufficientLiquidity", f"the hub holds only {asset.liquidity}")
    shares = hub.shares_out(asset, amount)
    return replace(
        reserve,
        asset=asset._replace(liquidity=asset.liquidity - amount, added_shares=asset.added_shares - shares),
        line=reserve.line._replace(added_shares=reserve.line.added_shares - shares),
    )


def transfer_fee(reserve: ReserveFrame, shares: int) -> ReserveFrame:
    """Hub.payFeeShares: the protocol's part changes hands, the asset's totals stay."""
    _check_active(reserve)
    return replace(reserve, line=reserve.line._replace(added_shares=reserve.line.added_shares - shares))


def restore(reserve: ReserveFrame, before: Leg, after: Leg, premium: int) -> ReserveFrame:
    """Hub.restore of what an account's leg lost, of which `premium` (ray)."""
    paid = ray_mul_up(before.drawn - after.drawn, reserve.index) + from_ray_up(premium)
    if not paid:
        raise Refused("InvalidAmount", "nothing would be repaid")
    _check_active(reserve)
    _check_halted(reserve)
    moved = _moved(reserve, before, after)
    return replace(moved, asset=moved.asset._replace(liquidity=moved.asset.liquidity + paid))


def report_deficit(reserve: ReserveFrame, before: Leg, after: Leg) -> ReserveFrame:
    """Hub.reportDeficit of all that an account owes."""
    _check_active(reserve)
    missing = before.debt(reserve.index)
    moved = _moved(reserve, before, after)
    return replace(
        moved,
        asset=moved.asset._replace(deficit=moved.asset.deficit + missing),
        line=moved.line._replace(deficit=moved.line.deficit + missing),
    )


def refresh_premium(reserve: ReserveFrame, before: Leg, after: Leg) -> ReserveFrame:
    """Hub.refreshPremium: another risk premium, the debt stays."""
    _check_active(reserve)
    return _moved(reserve, before, after)


def _moved(reserve: ReserveFrame, before: Leg, after: Leg) -> ReserveFrame:
    drawn = after.drawn - before.drawn
    shares = after.terms.premium_shares - before.terms.premium_shares
    offset = after.terms.premium_offset - before.terms.premium_offset
    line = hub.owing(reserve.line, drawn, shares, offset)
    limit = line.premium_threshold
    if limit != UNLIMITED and line.premium_shares > percent_mul_up(line.drawn_shares, limit):
        raise Refused("InvalidPremiumChange", "the spoke would owe more premium than the hub allows it")
    return replace(reserve, asset=hub.owing(reserve.asset, drawn, shares, offset), line=line)


def _check_active(reserve: ReserveFrame) -> None:
    if not reserve.line.active:
        raise Refused("SpokeNotActive", "the hub does not serve this spoke")


def _check_halted(reserve: ReserveFrame) -> None:
    if reserve.line.halted:
        raise Refused("SpokeHalted", "the hub has halted this spoke")
