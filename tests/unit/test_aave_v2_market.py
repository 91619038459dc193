"""Aave v2 without a chain: arithmetic, stable loans from logs, dollars, ranges against every amount."""

from random import Random

import pytest
from msgspec.structs import replace

from keeper.errors import Degraded
from keeper.index.book import ColumnarBook
from keeper.protocols.aave_v2.dollars import in_usd, in_wei
from keeper.protocols.aave_v2.event import Event
from keeper.protocols.aave_v2.fold_loans import stable_mint, stable_transfer
from keeper.protocols.aave_v2.liquidation import Outcome, liquidate
from keeper.protocols.aave_v2.math import compound_interest
from keeper.protocols.aave_v2.pair import Pair
from keeper.protocols.aave_v2.ranges import accepted
from keeper.protocols.aave_v2.rules import RULES
from keeper.protocols.aave_v3.configuration import Configuration
from keeper.protocols.aave_v3.fold_loans import loan_of
from keeper.protocols.aave_v3.math import percent_mul, ray_mul
from keeper.protocols.aave_v3.model import ReserveFrame
from keeper.protocols.aave_v3.position import Position
from keeper.protocols.aave_v3.records import Deployment, Reserve
from keeper.protocols.base import Side
from keeper.protocols.registry import ADAPTERS
from keeper.types import RAY, USD, WAD, ZERO_ADDRESS, Log
from tests.aave_v3_world import ALICE, address, make_log

TOKEN, ORACLE, WETH, USDC, LINK = (address(number) for number in (0x57, 0x0A, 0xE7, 0xC0, 0x11))
MINT = "Mint(address,address,uint256,uint256,uint256,uint256,uint256,uint256)"
TRANSFER = "Transfer(address,address,uint256)"


def at(log: Log, place: int) -> Log:
    return replace(log, log_index_hex=hex(place))


def test_compound_interest__rate_below_a_ray_a_second__is_cut_before_it_grows() -> None:
    assert compound_interest(5 * RAY // 100, 0) == RAY
    assert compound_interest(31_535_999, 10**6) == RAY
    assert compound_interest(31_536_000, 2) == RAY + 2
    assert 26 * RAY // 10 < RULES.compound_interest(RAY, 365 * 86_400) < 27 * RAY // 10


def test_stable_mint__after_a_loan_and_after_a_small_repayment__differ_by_the_interest() -> None:
    book = ColumnarBook()
    lent = at(make_log(TOKEN, TRANSFER, [ZERO_ADDRESS, ALICE], [1000]), 4)
    first = at(make_log(TOKEN, MINT, [ALICE, ALICE], [1000, 0, 0, RAY, RAY, 1000]), 5)
    more = at(make_log(TOKEN, MINT, [ALICE, ALICE], [500, 1100, 100, 2 * RAY, RAY, 0]), 8)
    small = at(make_log(TOKEN, MINT, [ALICE, ALICE], [30, 1640, 40, 2 * RAY, RAY, 0]), 12)
    stable_transfer(book, Event(lent, 0, 1, {}))
    stable_mint(book, Event(first, 0, 1, {}))
    assert loan_of(book, ALICE, 0) == (0, 1000, RAY, 1)
    stable_transfer(book, Event(at(lent, 7), 0, 2, {}))
    stable_mint(book, Event(more, 0, 2, {}))
    assert loan_of(book, ALICE, 0) == (0, 1600, 2 * RAY, 2)
    stable_mint(book, Event(small, 0, 3, {}))
    assert loan_of(book, ALICE, 0) == (0, 1630, 2 * RAY, 3)


def priced_book(*, stable: str) -> ColumnarBook:
    """Ether at $2,000, LINK at $10, and USDC at a dollar, in wei."""
    book = ColumnarBook()
    book.put(("deployment",), Deployment(ZERO_ADDRESS, oracle=ORACLE))
    book.put(("ether", ORACLE), WETH)
    assets = {WETH: ("WETH", WAD), LINK: ("LINK", WAD // 200), USDC: (stable, WAD // 2000)}
    book.put(("reserves",), tuple(assets))
    for number, (asset, (symbol, price)) in enumerate(assets.items()):
        book.put(("symbol", asset), symbol)
        book.put(("price", number), price)
    return book


def test_in_wei__ether_falls_by_half__everything_else_keeps_its_price_in_dollars() -> None:
    prices, dollar = in_wei(priced_book(stable="USDC"), 1, {WETH: 1000 * USD})
    assert dollar == WAD // 1000
    assert prices == {WETH: WAD, LINK: WAD // 100, USDC: WAD // 1000}
    assert in_usd(prices[LINK], dollar) == 10 * USD


def test_in_wei__another_price_of_one_asset__changes_only_that() -> None:
    prices, dollar = in_wei(priced_book(stable="USDC"), 1, {LINK: 8 * USD})
    assert (prices, dollar) == ({LINK: WAD // 250, WETH: WAD}, WAD // 2000)


def test_in_wei__no_stable_coin_is_listed__prices_in_dollars_are_refused() -> None:
    book = priced_book(stable="FRAX")
    assert in_wei(book, 1, {}) == ({}, None)
    assert in_usd(WAD, None) is None
    with pytest.raises(Degraded, match="stable coin"):
        in_wei(book, 1, {LINK: 8 * USD})


def reserve_frame(number: int, random: Random, liquidity: int | None) -> ReserveFrame:
    """A reserve at a price that makes some hundred units worth as much as some hundred others."""
    bonus = random.choice((10_001, 10_500, 11_500))
    return ReserveFrame(
        reserve=Reserve(number, address(number), ZERO_ADDRESS, ZERO_ADDRESS, 0),
        configuration=Configuration(
            0, 8000, bonus, active=True, paused=False, flash_loans=True, protocol_fee=0, emode=0
        ),
        income=RAY * random.randint(100, 250) // 100,
        debt_index=RAY * random.randint(100, 250) // 100,
        price=random.randint(1, 40),
        unit=random.choice((1, 10)),
        grace_until=0,
        liquidity=liquidity,
        discounted=False,
    )


def random_pair(random: Random) -> Pair:
    """A pair of a few hundred token units."""
    debt = reserve_frame(0, random, None)
    collateral = reserve_frame(1, random, random.choice((None, random.randint(0, 300))))
    scaled_debt, scaled = random.choice((0, random.randint(1, 200))), random.randint(1, 200)
    variable = ray_mul(scaled_debt, debt.debt_index)
    owed = variable + random.choice((1 if not variable else 0, random.randint(1, 200)))
    legs = ((0, Side.DEBT, scaled_debt, True), (1, Side.COLLATERAL, scaled, True))
    return Pair(
        position=Position(ALICE, 0, legs),
        timestamp=1,
        debt=debt,
        collateral=collateral,
        stored_debt=random.choice((debt.debt_index, debt.debt_index * 8 // 10, RAY)),
        owed=owed,
        variable=variable,
        scaled_variable=scaled_debt,
        balance=ray_mul(scaled, collateral.income),
        scaled_balance=scaled,
        most=percent_mul(owed, 5000),
    )


def test_accepted__every_request_tried__is_exactly_what_goes_through() -> None:
    random = Random(3)
    shapes = set()
    for _ in range(2000):
        pair = random_pair(random)
        ranges = accepted(pair)
        shapes.add(len(ranges))
        possible = {n for n in range(pair.most + 2) if isinstance(liquidate(pair, n), Outcome)}
        inside = {n for first, last in ranges for n in range(first, last + 1)}
        assert inside <= possible
        for request in possible - inside:
            assert ranges
            assert request > ranges[-1][1]
            assert liquidate(pair, request) == liquidate(pair, ranges[-1][1])
    assert shapes >= {0, 1}


def test_registry__has_aave_v2() -> None:
    assert ADAPTERS["aave-v2"].recording is None
