"""Recorded runs of Venus' core pool: every number the contracts reported, against the market's."""

from collections.abc import Iterator, Mapping
from typing import Any

from keeper.errors import ConfigError
from keeper.protocols.adapter import Check
from keeper.protocols.base import Book, Market, Refusal, Side
from keeper.protocols.decode import topic
from keeper.protocols.venus.fold_comptroller import set_oracle
from keeper.protocols.venus.frame import VenusFrame
from keeper.protocols.venus.liquidation import refused, seized
from keeper.protocols.venus.liquidity import NOTHING
from keeper.protocols.venus.market import VenusMarket
from keeper.protocols.venus.opening import start
from keeper.protocols.venus.pair import Pair, examine
from keeper.protocols.venus.position import Position
from keeper.protocols.venus.records import Facts, deployment, meet, number_of
from keeper.protocols.venus.reverts import revert_data, soft_failure
from keeper.protocols.venus.rules import Rules
from keeper.protocols.venus.screen import SCREEN_MARGIN
from keeper.types import Address

Record = Mapping[str, Any]


class VenusRecording:
    """Implements `keeper.protocols.adapter.Recording`. Prices are posted to the oracle: no reads."""

    def __init__(self, rules: Rules) -> None:
        self._rules = rules

    def open(self, document: Record, book: Book) -> VenusMarket:
        contracts = document["contracts"]
        start(book, _address(contracts["comptroller"]), self._rules)
        set_oracle(book, _address(contracts["oracle"]))
        for vtoken in contracts["vtokens"]:
            number = meet(book, _address(vtoken))
            static = document["static"]["markets"][vtoken]
            underlying, decimals = _address(static["underlying"]), int(static["decimals"])
            book.put(("facts", number), Facts(underlying, decimals, "", _first_rate(document, vtoken)))
        for transaction, vtoken in _called(document):
            book.put(("called", transaction), vtoken)
        return VenusMarket("recorded", book, self._rules)

    def read(self, market: Market, reading: Record) -> None:  # noqa: ARG002
        raise ConfigError(f"a read of {reading['function']} was recorded, which no Venus run needs")

    def subjects(self, checkpoint: Record) -> int:
        return len(checkpoint["markets"]) + len(checkpoint["accounts"])

    def checkpoint(self, market: Market, checkpoint: Record) -> Iterator[Check]:
        assert isinstance(market, VenusMarket)
        frame = market.frame(int(checkpoint["timestamp"]), number=int(checkpoint["block"]))
        screened = market.screen(frame)
        for name, record in checkpoint["markets"].items():
            yield from _market(market, frame, _address(name), record)
        for name, record in checkpoint["accounts"].items():
            account = _address(name)
            yield from _account(market, frame, account, record)
            row = market.book.row(account)
            if row is not None and int(record["account_liquidity"][2]):
                found = bool(screened[row] < 1 + SCREEN_MARGIN)
                yield Check(f"{name} screened as suspicious", expected=True, actual=found)

    def liquidation(self, market: Market, attempt: Record) -> Iterator[Check]:
        assert isinstance(market, VenusMarket)
        book, request = market.book, attempt["request"]
        frame = market.frame(int(attempt["timestamp"]), number=int(attempt["block"]))
        collateral = _number(book, request["vTokenCollateral"])
        account, repay = _address(request["borrower"]), int(request["repayAmount"])
        liquidator, expected = _address(attempt["liquidator"]), _result(attempt)
        position = Position.of(book, account)
        called = book.get(("called", attempt["tx_hash"]))
        # A call that reverted left no log of the market it went to: one of the account's debts it was.
        debts = [_number(book, called)] if called else sorted(position.loans) or [collateral]
        predicted = {
            debt: _predicted(examine(position, debt, collateral, frame, liquidator), repay, liquidator)
            for debt in debts
        }
        debt = next((debt for debt in debts if predicted[debt] == expected), debts[0])
        what = f"liquidation of {account} in market {debt} for {collateral}"
        yield Check(what, expected, predicted[debt])
        if liquidator != account:
            ranges = _ranges(market, account, debt, collateral, frame)
            inside = any(first <= repay <= last for first, last in ranges)
            yield Check(f"{what} within its range", attempt["status"] == "ok", inside)


def _address(text: str) -> Address:
    return Address(text.lower())


def _called(document: Record) -> Iterator[tuple[str, Address]]:
    """(transaction, market that was called), as far as its logs tell: an attempt does not name it."""
    attempts = {attempt["tx_hash"] for attempt in document["liquidations"]}
    for block in document["blocks"]:
        for log in block["logs"]:
            if log["tx_hash"] in attempts and log["topics"] and log["topics"][0] in _OUTCOMES:
                yield log["tx_hash"], _address(log["address"])


_OUTCOMES = {
    topic("LiquidateBorrow(address,address,uint256,address,uint256)"),
    topic("Failure(uint256,uint256,uint256)"),
}


def _ranges(
    market: VenusMarket, account: Address, debt: int, collateral: int, frame: VenusFrame
) -> tuple[tuple[int, int], ...]:
    for found in market.opportunities(account, frame):
        if (found.debt.asset, found.collateral.asset) == (debt, collateral):
            return found.ranges
    return ()


def _number(book: Book, vtoken: str) -> int:
    number = number_of(book, _address(vtoken))
    if number is None:
        raise ConfigError(f"it liquidates in {vtoken}, which {deployment(book).comptroller} does not list")
    return number


def _first_rate(document: Record, vtoken: str) -> int:
    """The exchange rate of the empty market, as first reported; 0 where the run never saw it empty."""
    reports = [checkpoint["markets"][vtoken] for checkpoint in document["checkpoints"]]
    empty = (each["exchange_rate_stored"] for each in reports if each["total_supply"] == "0")
    return int(next(empty, 0))


def _predicted(pair: Pair | Refusal, repay: int, liquidator: Address) -> Any:
    refusal = pair if isinstance(pair, Refusal) else refused(pair, repay, liquidator)
    if refusal is None and isinstance(pair, Pair):
        taken = seized(pair, repay)
        return repay, taken.tokens if taken else None
    assert refusal is not None
    failure = soft_failure(refusal)
    return failure or "0x" + revert_data(refusal).hex()


def _result(attempt: Record) -> Any:
    if attempt["status"] == "ok":
        return int(attempt["repaid"]), int(attempt["seized"])
    if attempt["status"] == "soft-failure":
        return tuple(int(attempt["error"][name]) for name in ("error", "info", "detail"))
    return attempt["error"]


def _market(market: VenusMarket, frame: VenusFrame, vtoken: Address, record: Record) -> Iterator[Check]:
    number = _number(market.book, vtoken)
    shown = frame.markets[number]
    state = shown.stored.state
    derived = {
        "cash": state.cash,
        "total_borrows": state.borrows,
        "total_reserves": state.reserves,
        "total_supply": state.supply,
        "borrow_index": state.borrow_index,
        "accrual_block": state.block,
        "reserve_factor": state.reserve_factor,
        "exchange_rate_stored": shown.stored.rate,
        "price": shown.price,
    }
    for name, value in record.items():
        yield Check(f"market {number} {name}", int(value), derived.get(name))


def _account(market: VenusMarket, frame: VenusFrame, account: Address, record: Record) -> Iterator[Check]:
    health = market.health(account, frame)
    position = Position.of(market.book, account)
    details = health.details
    expected = tuple(int(value) for value in record["account_liquidity"])
    yield Check(f"{account} liquidity", expected, (0, details["liquidity"], details["shortfall"]))
    for vtoken, balance in record["vtoken_balance"].items():
        number = _number(market.book, vtoken)
        held = market.book.quantity(account, number, Side.COLLATERAL)
        yield Check(f"{account} balance in market {number}", int(balance), held)
    for vtoken, balance in record["borrow_balance_stored"].items():
        number = _number(market.book, vtoken)
        yield Check(
            f"{account} debt in market {number}", int(balance), position.balance(number, NOTHING, frame)
        )
