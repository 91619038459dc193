"""Recorded runs of Morpho Blue: every number the contracts reported, against the market's."""

from collections.abc import Iterator, Mapping
from typing import Any

from keeper.errors import ConfigError
from keeper.protocols.adapter import Check
from keeper.protocols.base import Book, Market, Refusal
from keeper.protocols.morpho_blue.frame import MorphoFrame
from keeper.protocols.morpho_blue.liquidation import DIVISION_BY_ZERO, UNDERFLOW, Outcome, liquidate
from keeper.protocols.morpho_blue.market import MorphoBlueMarket
from keeper.protocols.morpho_blue.opening import start
from keeper.protocols.morpho_blue.position import Position
from keeper.protocols.morpho_blue.records import account_key, number_of, supply_shares, totals
from keeper.protocols.morpho_blue.rules import Settings
from keeper.protocols.morpho_blue.screen import SCREEN_MARGIN
from keeper.types import Address

Record = Mapping[str, Any]

_CURVE = "adaptive-curve"


class MorphoBlueRecording:
    """Implements `keeper.protocols.adapter.Recording`. Oracles emit nothing: prices are recorded reads."""

    def open(self, document: Record, book: Book) -> MorphoBlueMarket:
        kind = document["static"].get("irm_kind")
        if kind != _CURVE:
            raise ConfigError(f"it was recorded with a rate model of kind {kind}, this keeper knows {_CURVE}")
        morpho = _address(document["contracts"]["morpho"])
        start(book, morpho)
        book.put(("curve", _address(document["contracts"]["irm"])), 1)
        return MorphoBlueMarket("recorded", book, Settings(morpho))

    def read(self, market: Market, reading: Record) -> None:
        if reading["function"] != "price":
            raise ConfigError(f"a read of {reading['function']} was recorded, which no Morpho run needs")
        result = reading["result"]
        price = None if result is None else int(result)
        market.book.put(("price", _address(reading["contract"])), price)

    def subjects(self, checkpoint: Record) -> int:
        return len(checkpoint["markets"]) + len(checkpoint["accounts"])

    def checkpoint(self, market: Market, checkpoint: Record) -> Iterator[Check]:
        assert isinstance(market, MorphoBlueMarket)
        frame = market.frame(int(checkpoint["timestamp"]))
        for market_id, record in checkpoint["markets"].items():
            yield from _market(market, market_id, record)
        (market_id,) = checkpoint["markets"]  # accounts are recorded for the run's only market
        for name, record in checkpoint["accounts"].items():
            yield from _account(market, frame, account_key(_address(name), market_id), record)

    def liquidation(self, market: Market, attempt: Record) -> Iterator[Check]:
        assert isinstance(market, MorphoBlueMarket)
        frame = market.frame(int(attempt["timestamp"]))
        request = attempt["request"]
        account = account_key(_address(request["borrower"]), _market_of(market, request["marketParams"]))
        position = Position.of(market.book, account)
        seized, shares = int(request["seizedAssets"]), int(request["repaidShares"])
        outcome = liquidate(position, frame.market(position.market), seized, shares)
        actual: Any = _revert(outcome) if isinstance(outcome, Refusal) else tuple(outcome)
        yield Check(f"liquidation of {account}", _result(attempt), actual)
        if isinstance(outcome, Outcome) and outcome.seized:
            offered = market.opportunities(account, frame)
            yield Check(f"liquidation of {account} offered", expected=1, actual=len(offered))


def _address(text: str) -> Address:
    return Address(text.lower())


def _market_of(market: MorphoBlueMarket, params: Record) -> str:
    wanted = tuple(_address(params[name]) for name in ("loanToken", "collateralToken", "oracle", "irm"))
    for _, terms in market.book.items("market"):
        if terms.params == (*wanted, int(params["lltv"])):
            return str(terms.id)
    raise ConfigError(f"a liquidation in a market that no log created: {params}")


def _result(attempt: Record) -> Any:
    if attempt["status"] != "ok":
        return attempt["error"]
    names = ("repaid", "repaid_shares", "seized", "bad_debt", "bad_debt_shares")
    return tuple(int(attempt[name]) for name in names)


def _revert(refusal: Refusal) -> str:
    """What the node shows: Panic(uint256) or Error(string)."""
    panics = {UNDERFLOW: 0x11, DIVISION_BY_ZERO: 0x12}
    if refusal.code in panics:
        return f"0x4e487b71{panics[refusal.code]:064x}"
    reason = refusal.code.encode()
    padded = reason.hex().ljust(-(-len(reason) // 32) * 64, "0")
    return f"0x08c379a0{32:064x}{len(reason):064x}{padded}"


def _market(market: MorphoBlueMarket, market_id: str, record: Record) -> Iterator[Check]:
    number = number_of(market.book, market_id)
    assert number is not None
    stored = totals(market.book, number)
    derived = {
        "total_supply_assets": stored.supply_assets,
        "total_supply_shares": stored.supply_shares,
        "total_borrow_assets": stored.borrow_assets,
        "total_borrow_shares": stored.borrow_shares,
        "last_update": stored.updated,
        "fee": stored.fee,
        "rate_at_target": market.book.get(("rate_at_target", number)),
        "price": market.book.get(("price", market.book.get(("market", number)).oracle)),
    }
    for name, value in record.items():
        yield Check(f"market {market_id} {name}", int(value), derived.get(name))


def _account(
    market: MorphoBlueMarket, frame: MorphoFrame, account: Address, record: Record
) -> Iterator[Check]:
    position = Position.of(market.book, account)
    derived = {
        "supply_shares": supply_shares(market.book, account),
        "borrow_shares": position.borrow_shares,
        "collateral": position.collateral,
    }
    for name, value in record.items():
        yield Check(f"{account} {name}", int(value), derived.get(name))
    row = market.book.row(account)
    if row is not None and market.health(account, frame).liquidatable:
        found = bool(market.screen(frame)[row] < 1 + SCREEN_MARGIN)
        yield Check(f"{account} screened as suspicious", expected=True, actual=found)
