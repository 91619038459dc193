"""Account health exactly as the controller vault computes it for a liquidation (EVK: LiquidityUtils.sol)."""

from typing import NamedTuple

from keeper.protocols.base import Health
from keeper.protocols.euler_v2.frame import EulerFrame
from keeper.protocols.euler_v2.math import assets_up, owed_now
from keeper.protocols.euler_v2.names import SCALE
from keeper.protocols.euler_v2.position import Position
from keeper.types import MAX_UINT256, WAD


class Liquidity(NamedTuple):
    """accountLiquidity(account, true), in the controller's unit of account, and the debt in assets."""

    collateral: int
    liability: int
    assets: int

    @property
    def violated(self) -> bool:
        """Whether the account may be liquidated; being equal is enough."""
        return self.collateral <= self.liability and self.liability > 0


NO_LIQUIDITY = Liquidity(0, 0, 0)


def exact_debt(position: Position, frame: EulerFrame) -> int:
    """What the account owes with interest, 2^-31 assets."""
    if not position.owed:
        return 0
    accumulator = frame.vault(position.controller).status.accumulator
    return owed_now(position.owed, accumulator, position.since)


def liquidity(position: Position, frame: EulerFrame) -> Liquidity:
    """At middle prices and liquidation LTVs. Collateral at LTV 0 is not asked for.

    Raises:
        Degraded: the oracle gives no quote for what the account uses; the vault reverts too.
    """
    if position.controller < 0:
        return NO_LIQUIDITY
    ltvs = frame.ltvs(position.controller)
    collateral = 0
    for number, shares in position.collaterals:
        if ltv := ltvs.get(number, 0):
            collateral += frame.collateral_value(position.controller, number, shares) * ltv // SCALE
    assets = assets_up(exact_debt(position, frame))
    liability = frame.debt_value(position.controller, assets) if assets else 0
    return Liquidity(collateral, liability, assets)


def health(position: Position, frame: EulerFrame) -> Health:
    """accountLiquidity(account, true) as a Health: collateral at LTV, and liability.

    Raises:
        Degraded: the oracle gives no quote for what the account uses.
    """
    found = liquidity(position, frame) if position.owed else NO_LIQUIDITY
    factor = found.collateral * WAD // found.liability if found.liability else MAX_UINT256
    return Health(position.account, found.collateral, found.liability, factor, found.violated)
