"""Recorded runs of a comet: every number the contracts reported, against the market's.

Base balances are not in the logs. As `refresh` reads them at a head, the replay takes totals and principals
from each checkpoint; between two of them, where nearly all liquidations are, they are what the logs and the
contract's arithmetic make of them. Indexes of reward tracking are left out: they change no debt.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from keeper.errors import ConfigError
from keeper.protocols.adapter import Check
from keeper.protocols.base import Book, Market, Refusal
from keeper.protocols.comet import records
from keeper.protocols.comet.absorb import Absorbed, absorb
from keeper.protocols.comet.frame import CometFrame
from keeper.protocols.comet.health import borrow_collateralized, liquidatable
from keeper.protocols.comet.market import CometMarket
from keeper.protocols.comet.math import Curve, Indexes, Totals, accrued, present_value, reserves
from keeper.protocols.comet.opening import start
from keeper.protocols.comet.position import Position
from keeper.protocols.comet.records import BASE, Collateral, Terms
from keeper.protocols.comet.reverts import revert_data
from keeper.protocols.comet.screen import SCREEN_MARGIN
from keeper.protocols.comet.storefront import buy
from keeper.types import Address

Record = Mapping[str, Any]

BASE_SCALE = 10**6
"""Every run has USDC as its base token; no file says how many decimals it has."""
_UNIT = "USD"
"""Every run's feeds quote in dollars, as those of a USDC comet do; no file says so."""
SECONDS_PER_YEAR = 31_536_000
DESCALE = 10**14
"""The contract keeps four decimals of a collateral's factors."""


class CometRecording:
    """Implements `keeper.protocols.adapter.Recording`. Its runs need reads: the feeds emit nothing."""

    def open(self, document: Record, book: Book) -> CometMarket:
        values = document["static"]["constructor_config"]
        names = document["static"]["constructor_config_fields"].split("[")[0].split(", ")
        if len(names) != len(values):
            raise ConfigError("its constructor_config has other fields than it says")
        config = dict(zip(names, values, strict=True))
        start(book, _address(document["contracts"]["comet"]), _address(config["baseToken"]))
        book.put(("terms",), _terms(config))
        numbers = []
        for asset, feed, decimals, borrow, liquidate, liquidation, _ in config["assets"]:
            number = records.number_of(book, _address(asset))
            factors = (int(value) // DESCALE * DESCALE for value in (borrow, liquidate, liquidation))
            book.put(("collateral", number), Collateral(_address(feed), 10 ** int(decimals), *factors))
            numbers.append(number)
        book.put(("order",), tuple(numbers))
        book.put(("unit",), _UNIT)
        return CometMarket("recorded", book)

    def read(self, market: Market, reading: Record) -> None:
        if reading["function"] != "latestRoundData":
            raise ConfigError(f"a read of {reading['function']} was recorded, which no comet run needs")
        feed, answer = _address(reading["contract"]), int(reading["result"][1])
        for number, known in _feeds(market.book).items():
            if known == feed:
                market.book.put(("price", number), answer)

    def subjects(self, checkpoint: Record) -> int:
        return len(checkpoint["markets"]) + len(checkpoint["accounts"])

    def checkpoint(self, market: Market, checkpoint: Record) -> Iterator[Check]:
        assert isinstance(market, CometMarket)
        (record,) = checkpoint["markets"].values()
        timestamp = int(checkpoint["timestamp"])
        _take(market.book, record, checkpoint["accounts"], timestamp)
        frame = market.frame(timestamp)
        yield from _market(market.book, frame, record)
        screened = market.screen(frame)
        for name, account in checkpoint["accounts"].items():
            position = Position.of(market.book, _address(name))
            yield from _account(market.book, frame, position, account)
            row = market.book.row(position.account)
            if row is not None and market.health(position.account, frame).liquidatable:
                found = bool(screened[row] < 1 + SCREEN_MARGIN)
                yield Check(f"{name} screened as suspicious", expected=True, actual=found)

    def liquidation(self, market: Market, attempt: Record) -> Iterator[Check]:
        assert isinstance(market, CometMarket)
        frame = market.frame(int(attempt["timestamp"]))
        request = attempt["request"]
        if attempt["call"] == "buyCollateral":
            yield from _purchase(frame, request, attempt)
        else:
            yield from _absorption(market, frame, request["accounts"], attempt)


def _address(text: str) -> Address:
    return Address(text.lower())


def _terms(config: Record) -> Terms:
    curves = {
        side: Curve(
            int(config[f"{side}Kink"]),
            *(
                int(config[f"{side}PerYear{what}"]) // SECONDS_PER_YEAR
                for what in ("SlopeLow", "SlopeHigh", "Base")
            ),
        )
        for side in ("supply", "borrow")
    }
    return Terms(
        scale=BASE_SCALE,
        feed=_address(config["baseTokenPriceFeed"]),
        supply=curves["supply"],
        borrow=curves["borrow"],
        storefront=int(config["storeFrontPriceFactor"]),
        target=int(config["targetReserves"]),
    )


def _feeds(book: Book) -> dict[int, Address]:
    collaterals = {number: book.get(("collateral", number)).feed for number in records.order(book)}
    return {BASE: records.terms(book).feed, **collaterals}


def _take(book: Book, record: Record, accounts: Mapping[str, Record], timestamp: int) -> None:
    """What `refresh` would have read of the base side; reserves only the first time, then logs tell them."""
    supply_index, borrow_index, _, _, supply, borrow, updated, _ = map(int, record["totals_basic"])
    totals = Totals(Indexes(supply_index, borrow_index), supply, borrow, updated)
    first = book.get(("totals",)) is None
    book.put(("totals",), totals)
    for name, account in accounts.items():
        records.set_principal(book, _address(name), int(account["principal"]))
        records.mark(book, _address(name), records.Base.KNOWN)
    if first:
        fixed = records.terms(book)
        now = accrued(totals, fixed.supply, fixed.borrow, timestamp)
        book.put(("cash",), int(record["reserves"]) - reserves(now, 0))
        for asset, stock in record["collateral_reserves"].items():
            book.put(("stock", records.number_of(book, _address(asset))), int(stock))


def _market(book: Book, frame: CometFrame, record: Record) -> Iterator[Check]:
    feeds = _feeds(book)
    prices = {feeds[BASE]: frame.price, **{asset.terms.feed: asset.price for asset in frame.assets}}
    yield Check("pauseFlags", int(record["totals_basic"][7]), frame.paused)
    yield Check("reserves", int(record["reserves"]), frame.reserves)
    for asset, stock in record["collateral_reserves"].items():
        yield Check(
            f"reserves of {asset}", int(stock), book.get(("stock", records.number_of(book, _address(asset))))
        )
    for feed, price in record["prices"].items():
        yield Check(f"price of {feed}", int(price), prices[_address(feed)])


def _account(book: Book, frame: CometFrame, position: Position, record: Record) -> Iterator[Check]:
    bits = sum(1 << bit for bit, asset in enumerate(frame.assets) if asset.number in position.held)
    balance = present_value(position.principal, frame.indexes)
    derived = {
        "principal": records.principal(book, position.account),
        "assets_in": bits,
        "is_liquidatable": liquidatable(position, frame, frame.stored),
        "is_borrow_collateralized": borrow_collateralized(position, frame, frame.stored),
        "borrow_balance": max(-balance, 0),
        "balance": max(balance, 0),
    }
    for name, value in derived.items():
        yield Check(f"{position.account} {name}", int(record[name]), int(value))
    for asset in frame.assets:
        expected = {_address(name): int(amount) for name, amount in record["collateral"].items()}
        held = position.held.get(asset.number, 0)
        yield Check(f"{position.account} collateral {asset.address}", expected[asset.address], held)


def _purchase(frame: CometFrame, request: Record, attempt: Record) -> Iterator[Check]:
    asset = next(each for each in frame.assets if each.address == _address(request["asset"]))
    bought = buy(asset, int(request["baseAmount"]), frame)
    if isinstance(bought, int) and bought < int(request["minAmount"]):
        bought = Refusal("TooMuchSlippage", f"{bought} are fewer than asked for")
    events = [
        (int(event["baseAmount"]), int(event["collateralAmount"]))
        for event in attempt.get("buy_collateral", ())
    ]
    actual = _error(bought) if isinstance(bought, Refusal) else [(int(request["baseAmount"]), bought)]
    yield Check(f"purchase of {asset.address}", _result(attempt, events), actual)


def _absorption(
    market: CometMarket, frame: CometFrame, accounts: Sequence[str], attempt: Record
) -> Iterator[Check]:
    """Accounts are absorbed one after the other; the first that cannot be undoes all."""
    debts: list[tuple[int, int]] = []
    collaterals: list[tuple[Address, int, int]] = []
    actual: Any = (debts, collaterals)
    after = frame
    for name in accounts:
        account = _address(name)
        found = absorb(Position.of(market.book, account), after)
        yield Check(
            f"{name} liquidatable", isinstance(found, Absorbed), market.health(account, after).liquidatable
        )
        if isinstance(found, Refusal):
            actual = _error(found)
            yield Check(f"{name} offers nothing", [], list(market.opportunities(account, after)))
            break
        after = found.after
        debts.append((found.paid_out, found.paid_out_value))
        collaterals += [
            (records.asset(market.book, number), *seized) for number, seized in found.seized.items()
        ]
    yield Check(f"absorption of {accounts}", _result(attempt, _absorbed(attempt)), actual)


def _absorbed(attempt: Record) -> Any:
    return (
        [(int(event["basePaidOut"]), int(event["usdValue"])) for event in attempt.get("absorb_debt", ())],
        [
            (_address(event["asset"]), int(event["collateralAbsorbed"]), int(event["usdValue"]))
            for event in attempt.get("absorb_collateral", ())
        ],
    )


def _error(refusal: Refusal) -> str:
    return "0x" + revert_data(refusal).hex()


def _result(attempt: Record, events: Any) -> Any:
    return events if attempt["status"] == "ok" else attempt["error"]
