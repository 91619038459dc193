"""Whether an account can be absorbed, by the contract's own integers.

Values are in the feeds' unit with 8 decimals. Collateral counts twice rounded down, a debt once, and the
sum stops where it is no longer negative: a feed behind that point is not asked, even if it is dead.
"""

from keeper.protocols.base import AssetInfo, Health, Holding, Side
from keeper.protocols.comet.frame import Asset, CometFrame
from keeper.protocols.comet.math import Indexes, present_value
from keeper.protocols.comet.position import Position
from keeper.protocols.comet.storefront import goods
from keeper.types import MAX_UINT256, WAD


def liquidatable(position: Position, frame: CometFrame, indexes: Indexes) -> bool:
    """Whether absorb takes the account (accrued indexes), or what the view isLiquidatable says (stored ones).

    Raises:
        Degraded: a feed it depends on has no answer.
    """
    return _short(position, frame, indexes, borrowing=False)


def borrow_collateralized(position: Position, frame: CometFrame, indexes: Indexes) -> bool:
    """What isBorrowCollateralized says: its factors are the ones for new debt.

    Raises:
        Degraded: a feed it depends on has no answer.
    """
    return not _short(position, frame, indexes, borrowing=True)


def _short(position: Position, frame: CometFrame, indexes: Indexes, *, borrowing: bool) -> bool:
    if position.principal >= 0:
        return False
    liquidity = -frame.base_value(-present_value(position.principal, indexes))
    for asset in frame.assets:
        amount = position.held.get(asset.number, 0)
        if not amount:
            continue
        if liquidity >= 0:
            return False
        factor = asset.terms.borrow_factor if borrowing else asset.terms.liquidate_factor
        liquidity += asset.value(amount) * factor // WAD
    return liquidity < 0


def health(position: Position, frame: CometFrame) -> Health:
    """Collateral without factors, debt, and what the factors leave over it (`liquidity`, signed).

    The health factor is weighted collateral over debt, for display: Comet itself knows only the sign of
    `liquidity`. The comet's own account is "liquidatable" while the storefront sells something.

    Raises:
        Degraded: a feed it depends on has no answer.
    """
    if position.account == frame.comet:
        return _storefront(position, frame)
    found = liquidatable(position, frame, frame.indexes)
    owed = max(-present_value(position.principal, frame.indexes), 0)
    debt = frame.base_value(owed) if owed else 0
    worth = [(asset, _worth(asset, amount)) for asset, amount in _held(position, frame)]
    weighted = sum(value * asset.terms.liquidate_factor // WAD for asset, value in worth)
    return Health(
        account=position.account,
        collateral=sum(value for _, value in worth),
        debt=debt,
        health_factor=weighted * WAD // debt if debt else MAX_UINT256,
        liquidatable=found,
        details={"weighted_collateral": weighted, "liquidity": weighted - debt, "borrow_balance": owed},
    )


def _storefront(position: Position, frame: CometFrame) -> Health:
    on_sale = goods(frame)
    value = sum(asset.value(asset.stock) for asset in on_sale)
    return Health(position.account, value, 0, MAX_UINT256, bool(on_sale), {"reserves": frame.reserves})


def _held(position: Position, frame: CometFrame) -> list[tuple[Asset, int]]:
    return [(asset, position.held[asset.number]) for asset in frame.assets if asset.number in position.held]


def _worth(asset: Asset, amount: int) -> int:
    """Nothing where the price is missing: what depends on it was decided before, by the contract's rule."""
    return asset.value(amount) if asset.price else 0


def holding(info: AssetInfo, leg: tuple[int, Side, int, bool], frame: CometFrame) -> Holding:
    """A leg for people: base with interest, collateral as it is."""
    number, side, quantity, enabled = leg
    if number:
        asset = frame.asset(number)
        value = frame.rate.in_usd(asset.value(quantity)) if asset and asset.price and frame.rate else None
        return Holding(info, side, quantity, value, enabled)
    signed = -quantity if side is Side.DEBT else quantity
    amount = abs(present_value(signed, frame.indexes))
    value = frame.rate.in_usd(frame.base_value(amount)) if frame.price and frame.rate else None
    return Holding(info, side, amount, value, enabled)
