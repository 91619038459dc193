"""What a liquidation pays, exactly: token units and USD with 8 decimals, all integers."""

from keeper.plan.model import Profit, Route
from keeper.protocols.base import AssetInfo, Settlement
from keeper.types import WAD


def account_for(
    settlement: Settlement,
    route: Route,
    debt: AssetInfo,
    *,
    flash_fee: int,
    gas: int,
    gas_price: int,
    native_price: int,
    data_fee: int = 0,
    data_gas: int = 0,
) -> Profit:
    """The books of one liquidation: gross rounded down, gas rounded up, so net never flatters.

    `flash_fee` in debt units, `gas_price` and `data_fee` in wei, `native_price` in USD (8 decimals) per 1e18
    wei; `data_gas` is the part of `gas` that pays for bytes.
    """
    gross = route.amount_out - settlement.repay - flash_fee
    gross_usd = to_usd(gross, debt)
    gas_usd = wei_to_usd(gas * gas_price + data_fee, native_price)
    return Profit(
        swap_out=route.amount_out,
        repay=settlement.repay,
        flash_fee=flash_fee,
        gross=gross,
        gross_usd=gross_usd,
        gas=gas,
        gas_price=gas_price,
        gas_usd=gas_usd,
        net_usd=gross_usd - gas_usd,
        data_fee=data_fee,
        data_gas=data_gas,
    )


def break_even(profit: Profit, debt: AssetInfo, min_profit_usd: int) -> int:
    """The smallest gross profit in debt units that pays the gas and leaves `min_profit_usd`.

    For `min_profit_usd` >= 0: `gross >= break_even` exactly when `net_usd >= min_profit_usd`.
    """
    return max(to_tokens(profit.gas_usd + min_profit_usd, debt), 0)


def to_usd(amount: int, asset: AssetInfo) -> int:
    """Token units to USD with 8 decimals, rounded down (a loss grows)."""
    return amount * _price(asset) // _unit(asset)


def to_tokens(usd: int, asset: AssetInfo) -> int:
    """The smallest number of token units worth at least `usd` (8 decimals)."""
    return -(-usd * _unit(asset) // _price(asset))


def gas_to_usd(gas: int, gas_price: int, native_price: int) -> int:
    """Gas units to USD with 8 decimals, rounded up."""
    return wei_to_usd(gas * gas_price, native_price)


def wei_to_usd(wei: int, native_price: int) -> int:
    """Wei to USD with 8 decimals, rounded up."""
    return -(-wei * native_price // WAD)


def _unit(asset: AssetInfo) -> int:
    unit: int = 10**asset.decimals
    return unit


def _price(asset: AssetInfo) -> int:
    if not asset.price:
        raise ValueError(f"{asset.symbol} has no price")
    return asset.price
