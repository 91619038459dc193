"""absorb: the comet takes an account's collateral and pays its debt (Comet.sol:1158-1237)."""

from collections.abc import Mapping
from dataclasses import replace
from typing import NamedTuple

from keeper.errors import Degraded
from keeper.protocols.base import Refusal
from keeper.protocols.comet.frame import CometFrame
from keeper.protocols.comet.health import liquidatable
from keeper.protocols.comet.math import present_value, principal_value, split
from keeper.protocols.comet.position import Position
from keeper.protocols.comet.records import ABSORB_PAUSED
from keeper.types import WAD


class Absorbed(NamedTuple):
    """What absorb does: `paid_out` and `seized` (amount and value by asset number) as its events say.

    `shortfall` is the debt that the credit for the collateral did not cover, base units; `after` is the
    frame in which the collateral is for sale.
    """

    principal: int
    paid_out: int
    paid_out_value: int
    seized: Mapping[int, tuple[int, int]]
    shortfall: int
    after: CometFrame


def absorb(position: Position, frame: CometFrame) -> Absorbed | Refusal:
    """Absorb one account, with interest accrued to the frame's time, or why the contract refuses."""
    if frame.paused & ABSORB_PAUSED:
        return Refusal("Paused", "absorbing is paused")
    try:
        if not liquidatable(position, frame, frame.indexes):
            return Refusal("NotLiquidatable", "the collateral covers the debt")
        return _absorb(position, frame)
    except Degraded as error:
        return Refusal("BadPrice", str(error))


def _absorb(position: Position, frame: CometFrame) -> Absorbed:
    held = [(asset, position.held.get(asset.number, 0)) for asset in frame.assets]
    seized = {asset.number: (amount, asset.value(amount)) for asset, amount in held if amount}
    credit = sum(
        seized[asset.number][1] * asset.terms.liquidation_factor // WAD
        for asset in frame.assets
        if asset.number in seized
    )
    old = present_value(position.principal, frame.indexes)
    balance = old + credit * frame.terms.scale // frame.price
    new = principal_value(max(balance, 0), frame.indexes)
    change = split(position.principal, new)
    totals = frame.totals
    paid_out = max(balance, 0) - old
    after = replace(
        frame,
        stored=totals.indexes,
        totals=totals._replace(supply=totals.supply + change.supply, borrow=totals.borrow + change.borrow),
        assets=tuple(
            asset._replace(stock=asset.stock + seized[asset.number][0]) if asset.number in seized else asset
            for asset in frame.assets
        ),
    )
    return Absorbed(new, paid_out, frame.base_value(paid_out), seized, max(-balance, 0), after)
