"""Recorded runs of Euler v2: every number the contracts reported, against the market's."""

from collections.abc import Iterator, Mapping
from typing import Any

from keeper.errors import ConfigError
from keeper.protocols.adapter import Check
from keeper.protocols.base import Book, Market, Refusal, Side
from keeper.protocols.euler_v2 import health
from keeper.protocols.euler_v2.debts import debt_now
from keeper.protocols.euler_v2.frame import EulerFrame
from keeper.protocols.euler_v2.liquidation import assess, liquidate
from keeper.protocols.euler_v2.market import EulerV2Market
from keeper.protocols.euler_v2.math import assets_up, total_assets
from keeper.protocols.euler_v2.opening import start
from keeper.protocols.euler_v2.position import Position
from keeper.protocols.euler_v2.quotes import leaf_key, route_key
from keeper.protocols.euler_v2.records import Hop, Leaf, Scale, number_of, vault, vaults
from keeper.protocols.euler_v2.screen import SCREEN_MARGIN
from keeper.protocols.records import replace
from keeper.types import Address

Record = Mapping[str, Any]

_VERSION = "EVK"


class EulerV2Recording:
    """Implements `keeper.protocols.adapter.Recording`. The runs' oracle values shares by their assets."""

    def open(self, document: Record, book: Book) -> EulerV2Market:
        if document["version"] != _VERSION:
            raise ConfigError(f"it was recorded from version {document['version']}, this keeper knows EVK")
        contracts = document["contracts"]
        start(book, _address(contracts["factory"]), _address(contracts["evc"]))
        book.put(("recorded_liquidator",), _address(document["static"]["liquidator_in_check_liquidation"]))
        book.put(("recorded_controller",), _address(contracts["controller"]))
        return EulerV2Market("recorded", book)

    def read(self, market: Market, reading: Record) -> None:
        if reading["function"] != "getQuote":
            raise ConfigError(f"a read of {reading['function']} was recorded, which no Euler run needs")
        amount, base, unit = int(reading["args"][0]), *map(_address, reading["args"][1:])
        leaf = Leaf(_address(reading["contract"]), base, unit)
        replace(market.book, leaf_key(leaf), Scale(int(reading["result"]), amount))

    def subjects(self, checkpoint: Record) -> int:
        return len(checkpoint["markets"]) + len(checkpoint["accounts"])

    def checkpoint(self, market: Market, checkpoint: Record) -> Iterator[Check]:
        assert isinstance(market, EulerV2Market)
        frame = _frame(market, checkpoint)
        for address, record in checkpoint["markets"].items():
            yield from _vault(market, frame, _address(address), record)
        screened = market.screen(frame)
        for name, record in checkpoint["accounts"].items():
            account = _address(name)
            yield from _account(market, frame, account, record)
            yield from _liquidations(market, frame, account, record["check_liquidation"])
            row = market.book.row(account)
            judged = market.health(account, frame)
            if row is not None and judged.liquidatable:
                found = bool(screened[row] < 1 + SCREEN_MARGIN)
                yield Check(f"{name} screened as suspicious", expected=True, actual=found)

    def liquidation(self, market: Market, attempt: Record) -> Iterator[Check]:
        assert isinstance(market, EulerV2Market)
        frame = _frame(market, attempt)
        request = attempt["request"]
        account, collateral = _address(request["violator"]), _address(request["collateral"])
        number = number_of(market.book, collateral)
        assert number is not None
        position = Position.of(market.book, account)
        bounds = assess(position, number, frame, _address(attempt["liquidator"]))
        amount = int(request["repayAssets"])
        outcome = bounds if isinstance(bounds, Refusal) else liquidate(bounds, amount, frame)
        what = f"liquidation of {account} for {collateral}"
        if isinstance(outcome, Refusal):
            yield Check(what, attempt["status"], f"refused: {outcome.code}")
            return
        actual = outcome.repay, outcome.shares, outcome.written_off
        yield Check(what, _result(attempt), actual)
        yield from _planned(market, position, number, outcome.repay, frame)


def _address(text: str) -> Address:
    return Address(text.lower())


def _frame(market: EulerV2Market, record: Record) -> EulerFrame:
    """At the record's time, with routes from every vault to what was quoted of its asset."""
    book = market.book
    for (_, *names), _ in book.items("leaf"):
        leaf = Leaf(*(Address(str(name)) for name in names))
        replace(book, route_key(*leaf), (leaf,))
        for number in range(len(vaults(book))):
            held = vault(book, number)
            if held.asset == leaf.base:
                replace(book, route_key(leaf.oracle, held.address, leaf.quote), (Hop(number), leaf))
    return market.frame(int(record["timestamp"]))


def _result(attempt: Record) -> Any:
    if attempt["status"] != "ok":
        return attempt["error"]
    (event,) = attempt["events"]
    written_off = sum(int(each["assets"]) for each in attempt["debt_socialized"])
    return int(event["repayAssets"]), int(event["yieldBalance"]), written_off


def _planned(
    market: EulerV2Market, position: Position, number: int, repay: int, frame: EulerFrame
) -> Iterator[Check]:
    """What is planned from the ranges settles as it says, up to (nearly) what was taken."""
    for found in market.opportunities(position.account, frame):
        if found.collateral.asset == number:
            last = found.ranges[-1][1]
            settled = market.settle(found, last, frame)
            yield Check("the end of the ranges settles", last, getattr(settled, "repay", settled))
            reached = repay - repay // 10_000 - 2 <= last <= repay
            yield Check("the ranges reach what was taken", expected=True, actual=reached)
            return
    yield Check("an opportunity is seen", expected=True, actual=False)


def _vault(market: EulerV2Market, frame: EulerFrame, address: Address, record: Record) -> Iterator[Check]:
    number = number_of(market.book, address)
    assert number is not None
    status = frame.vault(number).status
    derived = {
        "interest_accumulator": status.accumulator,
        "interest_rate": status.rate,
        "total_borrows_exact": status.borrows,
        "total_assets": total_assets(status),
        "total_supply": status.shares,
        "cash": status.cash,
        "accumulated_fees": status.fees,
    }
    for name, value in record.items():
        yield Check(f"vault {address} {name}", int(value), derived.get(name))


def _account(market: EulerV2Market, frame: EulerFrame, account: Address, record: Record) -> Iterator[Check]:
    book = market.book
    controller = number_of(book, book.get(("recorded_controller",)))
    assert controller is not None
    exact = debt_now(book, controller, account, frame.vault(controller).status)
    yield Check(f"{account} debt_exact", int(record["debt_exact"]), exact)
    yield Check(f"{account} debt", int(record["debt"]), assets_up(exact))
    position = Position.of(book, account)
    found = health.liquidity(position, frame)
    ours = None if position.controller < 0 else [str(found.collateral), str(found.liability)]
    yield Check(f"{account} account_liquidity", record["account_liquidity"], ours)
    judged = market.health(account, frame)
    if position.owed:
        yield Check(
            f"{account} health", (found.collateral, found.liability), (judged.collateral, judged.debt)
        )
    for address, shares in record["shares"].items():
        number = number_of(book, _address(address))
        assert number is not None
        held = book.quantity(account, number, Side.COLLATERAL)
        yield Check(f"{account} shares of {address}", int(shares), held)


def _liquidations(
    market: EulerV2Market, frame: EulerFrame, account: Address, record: Record
) -> Iterator[Check]:
    liquidator = market.book.get(("recorded_liquidator",))
    position = Position.of(market.book, account)
    for address, told in record.items():
        number = number_of(market.book, _address(address))
        assert number is not None
        bounds = assess(position, number, frame, liquidator)
        ours = None if isinstance(bounds, Refusal) else [str(bounds.repay), str(bounds.shares)]
        yield Check(f"{account} check_liquidation for {address}", told, ours)
