"""Recorded runs of Aave v3: every number the contracts reported, against the market's."""

from collections.abc import Iterator, Mapping
from typing import Any

from keeper.errors import ConfigError
from keeper.protocols.aave_v3.fold_upgrade import set_release
from keeper.protocols.aave_v3.market import AaveV3Market
from keeper.protocols.aave_v3.model import AaveFrame
from keeper.protocols.aave_v3.opening import start
from keeper.protocols.aave_v3.releases import RULES
from keeper.protocols.aave_v3.reverts import revert_data
from keeper.protocols.aave_v3.screen import SCREEN_MARGIN
from keeper.protocols.adapter import Check
from keeper.protocols.base import Book, Market, Opportunity, Refusal, Side
from keeper.types import WAD, Address

Record = Mapping[str, Any]


class AaveV3Recording:
    """Implements `keeper.protocols.adapter.Recording`. No run needs reads: every feed emits its answers."""

    def open(self, document: Record, book: Book) -> AaveV3Market:
        revision = int(document["static"]["pool_revision"])
        if revision not in RULES:
            known = ", ".join(str(number) for number in RULES)
            raise ConfigError(f"it was recorded at pool revision {revision}, this keeper knows {known}")
        start(book, _address(document["contracts"]["addresses_provider"]))
        set_release(book, revision)
        return AaveV3Market("recorded", book)

    def read(self, market: Market, reading: Record) -> None:  # noqa: ARG002
        raise ConfigError(f"a read of {reading['function']} was recorded, which no Aave v3 run needs")

    def subjects(self, checkpoint: Record) -> int:
        return len(checkpoint["reserves"]) + len(checkpoint["accounts"])

    def checkpoint(self, market: Market, checkpoint: Record) -> Iterator[Check]:
        assert isinstance(market, AaveV3Market)
        frame = market.frame(int(checkpoint["timestamp"]))
        ids = _ids(market)
        for asset, record in checkpoint["reserves"].items():
            yield from _reserve(market, frame, ids[_address(asset)], record)
        screened = market.screen(frame)
        for name, record in checkpoint["accounts"].items():
            account = _address(name)
            yield from _account(market, frame, account, record)
            yield from _positions(market, frame, account, record)
            row = market.book.row(account)
            if row is not None and int(record["health_factor"]) < WAD:
                found = bool(screened[row] < 1 + SCREEN_MARGIN)
                yield Check(f"{name} screened as suspicious", expected=True, actual=found)

    def liquidation(self, market: Market, attempt: Record) -> Iterator[Check]:
        assert isinstance(market, AaveV3Market)
        frame = market.frame(int(attempt["timestamp"]))
        assets = {info.address: info for info in market.assets()}
        account, liquidator = _address(attempt["borrower"]), _address(attempt["liquidator"])
        debt = assets[_address(attempt["debt_asset"])]
        collateral = assets[_address(attempt["collateral_asset"])]
        request, receive_a_token = int(attempt["debt_to_cover"]), bool(attempt["receive_a_token"])
        settled = market.settle(
            Opportunity(account, debt, collateral, ()),
            request,
            frame,
            liquidator=liquidator,
            receive_a_token=receive_a_token,
        )
        if isinstance(settled, Refusal):
            actual: Any = "0x" + revert_data(settled, frame.rules).hex()
        else:
            bad_debt = {asset: amount for asset, amount in settled.bad_debt.items() if amount}
            actual = settled.repay, settled.seize, bad_debt
        what = f"liquidation of {account} for {debt.symbol} and {collateral.symbol}"
        yield Check(what, _result(attempt), actual)
        if not receive_a_token and (liquidator != account or frame.rules.self_liquidation):
            ranges = _ranges(market, account, debt.asset, collateral.asset, frame)
            inside = any(first <= min(request, ranges[-1][1]) <= last for first, last in ranges)
            yield Check(f"{what} within its ranges", attempt["status"] == "ok", inside)


def _address(text: str) -> Address:
    return Address(text.lower())


def _ids(market: AaveV3Market) -> dict[Address, int]:
    return {info.address: info.asset for info in market.assets()}


def _result(attempt: Record) -> Any:
    if attempt["status"] != "ok":
        return attempt["error"]
    deficits = {_address(asset): int(value) for asset, value in attempt.get("deficits", {}).items()}
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
    for name, value in record.items():
        yield Check(f"reserve {number} {name}", int(value), derived.get(name))


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
    for name, value in record.items():
        if not isinstance(value, Mapping):
            yield Check(f"{account} {name}", int(value), derived.get(name))


def _bitmap(market: AaveV3Market, account: Address) -> int:
    bitmap = 0
    for number in _ids(market).values():
        borrows = market.book.quantity(account, number, Side.DEBT) > 0
        bitmap |= (borrows | market.book.enabled(account, number) << 1) << 2 * number
    for loan in market.book.get(("loans", account), ()):
        bitmap |= 1 << 2 * loan.reserve
    return bitmap


def _positions(market: AaveV3Market, frame: AaveFrame, account: Address, record: Record) -> Iterator[Check]:
    ids = _ids(market)
    stable = market.stable_debt(account, frame)
    book = market.book
    derived = {
        "scaled_collateral": {a: book.quantity(account, n, Side.COLLATERAL) for a, n in ids.items()},
        "scaled_debt": {a: book.quantity(account, n, Side.DEBT) for a, n in ids.items()},
        "stable_debt": {a: stable.get(n, 0) for a, n in ids.items()},
    }
    for name in derived.keys() & record.keys():
        expected = {_address(asset): int(value) for asset, value in record[name].items()}
        held = {asset: amount for asset, amount in derived[name].items() if amount}
        yield Check(f"{account} {name}", expected, held)
