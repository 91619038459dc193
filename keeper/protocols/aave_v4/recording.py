"""Recorded runs of Aave v4: every number the contracts reported, against the market's."""

from collections.abc import Iterator, Mapping
from typing import Any

from keeper.errors import ConfigError
from keeper.protocols.aave_v4 import hub
from keeper.protocols.aave_v4.audit import position_fields, position_of
from keeper.protocols.aave_v4.frame import SpokeFrame
from keeper.protocols.aave_v4.liquidation import Outcome, liquidate
from keeper.protocols.aave_v4.market import AaveV4Market
from keeper.protocols.aave_v4.math import from_ray_up
from keeper.protocols.aave_v4.opening import start
from keeper.protocols.aave_v4.position import Leg, Position
from keeper.protocols.aave_v4.ranges import accepted
from keeper.protocols.aave_v4.records import Asset, Reserve, Role, price_of, watch
from keeper.protocols.aave_v4.reverts import selector
from keeper.protocols.aave_v4.screen import SCREEN_MARGIN
from keeper.protocols.adapter import Check
from keeper.protocols.base import Book, Market, Opportunity, Refusal
from keeper.types import WAD, Address

Record = Mapping[str, Any]


class AaveV4Recording:
    """Implements `keeper.protocols.adapter.Recording`. Prices are reads: the recorded feeds emit nothing."""

    def open(self, document: Record, book: Book) -> AaveV4Market:
        version = str(document.get("version"))
        if not version.startswith("4.0"):
            raise ConfigError(f"it was recorded at version {version}, this keeper knows 4.0")
        contracts = document["contracts"]
        start(book, _address(contracts["spoke"]), _address(contracts["oracle"]))
        watch(book, _address(contracts["hub"]), Role.HUB)
        return AaveV4Market("recorded", book)

    def read(self, market: Market, reading: Record) -> None:
        if reading["function"] != "latestAnswer":
            raise ConfigError(f"a read of {reading['function']} was recorded, which no Aave v4 run needs")
        price = int(reading["result"])
        market.book.put(("price", _address(reading["contract"])), price if price > 0 else None)

    def subjects(self, checkpoint: Record) -> int:
        return sum(len(checkpoint[each]) for each in ("assets", "reserves", "accounts"))

    def checkpoint(self, market: Market, checkpoint: Record) -> Iterator[Check]:
        assert isinstance(market, AaveV4Market)
        timestamp = int(checkpoint["timestamp"])
        frame = market.frame(timestamp)
        hubs = {reserve.reserve.asset_id: reserve.reserve.hub for reserve in frame.reserves.values()}
        for asset_id, record in checkpoint["assets"].items():
            address = hubs[int(asset_id)]
            yield from _asset(market.book.get(("asset", address, int(asset_id))), asset_id, timestamp, record)
        for number, record in checkpoint["reserves"].items():
            yield from _reserve(market.book, int(number), record)
        screened = market.screen(frame)
        for name, record in checkpoint["accounts"].items():
            account = _address(name)
            yield from _account(market, frame, account, record)
            for number, position in record["positions"].items():
                yield from _position(market.book, frame, account, int(number), position)
            row = market.book.row(account)
            if row is not None and int(record["health_factor"]) < WAD:
                found = bool(screened[row] < 1 + SCREEN_MARGIN)
                yield Check(f"{name} screened as suspicious", expected=True, actual=found)

    def liquidation(self, market: Market, attempt: Record) -> Iterator[Check]:
        assert isinstance(market, AaveV4Market)
        frame = market.frame(int(attempt["timestamp"]))
        request = attempt["request"]
        infos = {info.asset: info for info in market.assets()}
        account = _address(request["user"])
        debt, collateral = infos[int(request["debtReserveId"])], infos[int(request["collateralReserveId"])]
        offer, receive_shares = int(request["debtToCover"]), bool(request["receiveShares"])
        pair = market.pair(Opportunity(account, debt, collateral, ()), frame)
        outcome = pair if isinstance(pair, Refusal) else liquidate(pair, offer, receive_shares=receive_shares)
        what = f"liquidation of {account} in reserves {debt.asset} and {collateral.asset}"
        yield Check(what, _expected(attempt), _derived(outcome))
        if not isinstance(pair, Refusal) and not receive_shares:
            ranges = accepted(pair)
            inside = any(first <= min(offer, ranges[-1][1]) <= last for first, last in ranges)
            yield Check(f"{what} within its ranges", attempt["status"] == "ok", inside)


def _address(text: str) -> Address:
    return Address(text.lower())


def _asset(stored: Asset, asset_id: str, timestamp: int, record: Record) -> Iterator[Check]:
    now = hub.accrued(stored, timestamp)
    derived = {
        **stored._asdict(),
        "premium_offset_ray": stored.premium_offset,
        "last_update": stored.updated,
        "deficit_ray": stored.deficit,
        "ir_strategy": stored.rate_strategy,
        "drawn_index_now": now.drawn_index,
        "added_assets_now": hub.added_assets(now),
    }
    for name, value in record.items():
        expected = _address(value) if value.startswith("0x") else int(value)
        yield Check(f"asset {asset_id} {name}", expected, derived.get(name))


def _reserve(book: Book, number: int, record: Record) -> Iterator[Check]:
    reserve: Reserve = book.get(("reserve", number))
    derived = {
        "price": price_of(book, number),
        "collateral_risk": reserve.risk,
        "flags": reserve.flags,
        "dynamic_config_key": reserve.key,
    }
    for name, value in record.items():
        yield Check(f"reserve {number} {name}", int(value), derived.get(name))


def _account(market: AaveV4Market, frame: SpokeFrame, account: Address, record: Record) -> Iterator[Check]:
    health = market.health(account, frame)
    derived = {
        **health.details,
        "health_factor": health.health_factor,
    }
    for name, value in record.items():
        if not isinstance(value, Mapping):
            yield Check(f"{account} {name}", int(value), derived.get(name))


def _position(
    book: Book, frame: SpokeFrame, account: Address, number: int, record: Record
) -> Iterator[Check]:
    leg: Leg = Position.of(book, account).leg(number)
    index = frame.reserves[number].index
    derived = {
        **position_fields(position_of(book, account, number)),
        "borrowing": int(leg.drawn > 0),
        "drawn_debt": from_ray_up(leg.drawn * index),
        "premium_debt": from_ray_up(leg.premium(index)),
    }
    for name, value in record.items():
        yield Check(f"{account} in reserve {number} {name}", int(value), derived.get(name))


def _expected(attempt: Record) -> Any:
    """Amounts, shares and deficits, or the selector of the error."""
    if attempt["status"] != "ok":
        return attempt["error"][:10]
    (event,) = attempt["events"]
    names = (
        "debtAmountRestored",
        "drawnSharesLiquidated",
        "collateralAmountRemoved",
        "collateralSharesLiquidated",
        "collateralSharesToLiquidator",
    )
    deficits = {int(each["reserveId"]): int(each["drawnShares"]) for each in attempt["deficits"]}
    return [int(event[name]) for name in names], deficits


def _derived(outcome: Outcome | Refusal) -> Any:
    if isinstance(outcome, Refusal):
        return selector(outcome)
    taken = outcome.taken
    deficits = {number: deficit.drawn for number, deficit in outcome.deficits.items()}
    return [outcome.repay, taken.drawn, outcome.removed, taken.shares, taken.given], deficits
