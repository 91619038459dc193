"""Compares an Aave v3 market with the checkpoints and liquidations of a recorded run."""

from collections.abc import Iterator
from typing import Any

from eth_utils.crypto import keccak

from keeper.protocols.aave_v3.frame import AaveFrame
from keeper.protocols.aave_v3.market import AaveV3Market
from keeper.protocols.base import Opportunity, Refusal, Side
from keeper.types import Address
from tests.vectors.replay import Check, Record

PANIC = {"InsufficientLiquidity": "0x4e487b71" + "11".rjust(64, "0")}


class AaveV3Comparison:
    """Everything the run recorded: reserves, accounts, and every liquidation attempt."""

    def subjects(self, checkpoint: Record) -> int:
        return len(checkpoint["reserves"]) + len(checkpoint["accounts"])

    def checkpoint(self, market: Any, checkpoint: Record) -> Iterator[Check]:
        assert isinstance(market, AaveV3Market)
        frame = market.frame(int(checkpoint["timestamp"]))
        ids = {info.address: info.asset for info in market.assets()}
        for asset, record in checkpoint["reserves"].items():
            yield from _reserve(market, frame, ids[Address(asset.lower())], record)
        screened = market.screen(frame)
        for name, record in checkpoint["accounts"].items():
            account = Address(name.lower())
            yield from _account(market, frame, account, record)
            yield from _positions(market, ids, account, record)
            row = market.book.row(account)
            if row is not None and int(record["health_factor"]) < 10**18:
                yield Check(f"{name} screened as suspicious", True, bool(screened[row] < 1 + 1e-9))

    def liquidation(self, market: Any, attempt: Record) -> Iterator[Check]:
        assert isinstance(market, AaveV3Market)
        frame = market.frame(int(attempt["timestamp"]))
        assets = {info.address: info for info in market.assets()}
        account = Address(attempt["borrower"].lower())
        debt = assets[Address(attempt["debt_asset"].lower())]
        collateral = assets[Address(attempt["collateral_asset"].lower())]
        opportunity = Opportunity(account, debt, collateral, ())
        request = int(attempt["debt_to_cover"])
        liquidator = Address(attempt["liquidator"].lower())
        receive_a_token = attempt["receive_a_token"]
        settled = market.settle(
            opportunity, request, frame, liquidator=liquidator, receive_a_token=receive_a_token
        )
        if isinstance(settled, Refusal):
            actual: Any = PANIC.get(settled.code) or "0x" + keccak(text=f"{settled.code}()")[:4].hex()
        else:
            bad_debt = {asset: amount for asset, amount in settled.bad_debt.items() if amount}
            actual = settled.repay, settled.seize, bad_debt
        what = f"liquidation of {account} for {debt.symbol} and {collateral.symbol}"
        yield Check(what, _expected(attempt), actual)
        if not receive_a_token and liquidator != account:
            ranges = _ranges(market, account, debt.asset, collateral.asset, frame)
            inside = any(first <= min(request, ranges[-1][1]) <= last for first, last in ranges)
            yield Check(f"{what} within its ranges", attempt["status"] == "ok", inside)


def _expected(attempt: Record) -> Any:
    if attempt["status"] != "ok":
        return attempt["error"]
    deficits = {Address(asset.lower()): int(value) for asset, value in attempt["deficits"].items()}
    return int(attempt["debt_covered"]), int(attempt["collateral_seized"]), deficits


def _ranges(
    market: AaveV3Market, account: Address, debt: int, collateral: int, frame: AaveFrame
) -> tuple[tuple[int, int], ...]:
    for found in market.opportunities(account, frame):
        if (found.debt.asset, found.collateral.asset) == (debt, collateral):
            return found.ranges
    return ()


def _reserve(market: AaveV3Market, frame: AaveFrame, number: int, record: Record) -> Iterator[Check]:
    accrual = market.book.get(("accrual", number))
    reserve = frame.reserves[number]
    assert reserve is not None
    derived = {
        "configuration": market.book.get(("configuration", number)),
        "liquidity_index": accrual.liquidity_index,
        "liquidity_rate": accrual.liquidity_rate,
        "variable_borrow_index": accrual.borrow_index,
        "variable_borrow_rate": accrual.borrow_rate,
        "last_update": accrual.updated,
        "normalized_income": reserve.income,
        "normalized_debt": reserve.debt_index,
        "price": reserve.price,
        "deficit": market.book.get(("deficit", number)),
    }
    assert derived.keys() == record.keys()
    for name, value in derived.items():
        yield Check(f"reserve {number} {name}", int(record[name]), value)


def _account(market: AaveV3Market, frame: AaveFrame, account: Address, record: Record) -> Iterator[Check]:
    health = market.health(account, frame)
    derived = {
        "collateral_base": health.collateral,
        "debt_base": health.debt,
        "liquidation_threshold": health.details["liquidation_threshold"],
        "ltv": health.details["ltv"],
        "health_factor": health.health_factor,
        "emode": market.book.group(account),
        "user_config": _bitmap(market, account),
    }
    assert derived.keys() | {"scaled_collateral", "scaled_debt"} == record.keys()
    for name, value in derived.items():
        yield Check(f"{account} {name}", int(record[name]), value)


def _bitmap(market: AaveV3Market, account: Address) -> int:
    bitmap = 0
    for number, _ in enumerate(market.assets()):
        borrows = market.book.quantity(account, number, Side.DEBT) > 0
        bitmap |= (borrows | market.book.enabled(account, number) << 1) << 2 * number
    return bitmap


def _positions(
    market: AaveV3Market, ids: dict[Address, int], account: Address, record: Record
) -> Iterator[Check]:
    for name, side in (("scaled_collateral", Side.COLLATERAL), ("scaled_debt", Side.DEBT)):
        expected = {asset.lower(): int(value) for asset, value in record[name].items()}
        held = {asset: market.book.quantity(account, number, side) for asset, number in ids.items()}
        derived = {str(asset): value for asset, value in held.items() if value}
        yield Check(f"{account} {name}", expected, derived)
