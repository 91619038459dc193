"""The same figures of accounts and reserves twice: where the contracts give them, and what the keeper has."""

from keeper.protocols.aave_v3.model import AaveFrame
from keeper.protocols.aave_v3.market import AaveV3Market
from keeper.protocols.aave_v3.records import Accrual
from keeper.protocols.base import Side
from keeper.types import Address

ACCOUNT_DATA = (
    "totalCollateralBase",
    "totalDebtBase",
    "availableBorrowsBase",
    "currentLiquidationThreshold",
    "ltv",
    "healthFactor",
)
RESERVE_DATA = (
    "configuration",
    "liquidityIndex",
    "currentLiquidityRate",
    "variableBorrowIndex",
    "currentVariableBorrowRate",
    "currentStableBorrowRate",
    "lastUpdateTimestamp",
    "id",
)
RESERVE_VIEWS = (
    "getReserveData",
    "getReserveNormalizedIncome",
    "getReserveNormalizedVariableDebt",
    "getReserveDeficit",
    "getVirtualUnderlyingBalance",
    "getLiquidationGracePeriod",
)
EMODE = ("ltv", "threshold", "bonus", "collateral", "borrowable", "ltvzero")
EMODE_VIEWS = (
    "getEModeCategoryCollateralConfig",
    "getEModeCategoryCollateralBitmap",
    "getEModeCategoryBorrowableBitmap",
    "getEModeCategoryLtvzeroBitmap",
)


def words_of(answer: bytes) -> list[int]:
    """The 32-byte words of a call's result."""
    return [int.from_bytes(answer[start : start + 32]) for start in range(0, len(answer), 32)]


def argument(user: Address) -> bytes:
    """`user` as an ABI word: the encoder is too slow for tens of thousands of calls."""
    return bytes.fromhex(user[2:]).rjust(32, b"\0")


def account_data(market: AaveV3Market, user: Address, frame: AaveFrame) -> dict[str, int]:
    """What the keeper says getUserAccountData is."""
    health = market.health(user, frame)
    details = health.details
    values = (
        health.collateral,
        health.debt,
        details["available_borrows"],
        details["liquidation_threshold"],
        details["ltv"],
        health.health_factor,
    )
    return dict(zip(ACCOUNT_DATA, values, strict=True))


def position(market: AaveV3Market, user: Address) -> dict[str, int]:
    """Scaled balances, eMode and configuration bits of an account, from the book."""
    book, bits = market.book, 0
    figures = {"eMode": book.group(user)}
    for info in market.assets():
        supply = book.quantity(user, info.asset, Side.COLLATERAL)
        debt = book.quantity(user, info.asset, Side.DEBT)
        figures |= {f"scaled {info.symbol} supply": supply, f"scaled {info.symbol} debt": debt}
        # The pool keeps two bits a reserve: borrowed, and used as collateral.
        bits |= ((debt > 0) | book.enabled(user, info.asset) << 1) << 2 * info.asset
    return figures | {"configuration bits": bits}


def reserve_data(market: AaveV3Market, number: int, frame: AaveFrame) -> dict[str, int]:
    """What the book and a frame have of a reserve, under the names that the contracts' views have."""
    book, reserve = market.book, frame.reserves[number]
    assert reserve is not None
    accrual = book.get(("accrual", number))
    assert isinstance(accrual, Accrual)
    return {
        "configuration": book.get(("configuration", number)),
        "liquidityIndex": accrual.liquidity_index,
        "currentLiquidityRate": accrual.liquidity_rate,
        "variableBorrowIndex": accrual.borrow_index,
        "currentVariableBorrowRate": accrual.borrow_rate,
        "currentStableBorrowRate": 0,
        "lastUpdateTimestamp": accrual.updated,
        "id": reserve.reserve.id,
        "getReserveNormalizedIncome": reserve.income,
        "getReserveNormalizedVariableDebt": reserve.debt_index,
        "getReserveDeficit": market.bad_debt().get(reserve.reserve.asset, 0),
        "getVirtualUnderlyingBalance": book.get(("liquidity", number)),
        "getLiquidationGracePeriod": reserve.grace_until,
        "price": reserve.price,
        "total debt": book.get(("scaled_debt", number)),
    }
