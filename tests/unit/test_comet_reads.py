"""The conversations with a comet: opening, reading at a head, audit and repair, against recorded answers."""

import re
from typing import Any

import pytest

from keeper.errors import ConfigError, Degraded
from keeper.index.book import ColumnarBook
from keeper.protocols.base import Side
from keeper.protocols.comet.adapter import Comet
from keeper.protocols.comet.market import CometMarket
from keeper.protocols.comet.math import Curve
from keeper.protocols.comet.opening import unit_of
from keeper.protocols.comet.poll import HURRY, ROUND, Rota, hurry, turn
from keeper.protocols.comet.records import Base, Terms, principal, set_principal, terms
from keeper.sim.replay import logs_of
from keeper.types import Address
from tests.aave_v3_world import address, make_log
from tests.comet_world import ALICE, BOB, WETH, YEAR, RecordedComet, World, document, drive

USER_BASIC = bytes.fromhex("dc4abafd")
TOTALS_BASIC = bytes.fromhex("b9f0baf7")
BASE_TOKEN = bytes.fromhex("c55dae63")
IS_LIQUIDATABLE = bytes.fromhex("042e02cf")


@pytest.fixture(scope="module")
def run() -> dict[str, Any]:
    return document()


@pytest.fixture
def chain(run: dict[str, Any]) -> RecordedComet:
    """A comet at the last checkpoint, whose answers can be overridden."""
    chain = RecordedComet(run)
    chain.checkpoint = run["checkpoints"][-1]
    return chain


def open_market(chain: RecordedComet, book: ColumnarBook | None = None) -> CometMarket:
    opening = Comet().open("usdc", {"comet": chain.comet}, book or ColumnarBook())
    return drive(opening, chain.answer)


def folded(chain: RecordedComet) -> CometMarket:
    """A market that has seen every log up to the checkpoint, and read nothing."""
    market = open_market(chain)
    for block in chain.run["blocks"]:
        if int(block["number"]) <= chain.head.number:
            for log in logs_of(block):
                market.fold(log, int(block["timestamp"]))
    return market


def current(chain: RecordedComet) -> CometMarket:
    market = folded(chain)
    drive(market.refresh(chain.head), chain.answer)
    return market


def borrower_of(market: CometMarket) -> Address:
    return next(each for each in market.book.accounts() if principal(market.book, each) < 0)


def call_data(selector: bytes, account: Address) -> bytes:
    return selector + bytes(12) + bytes.fromhex(account[2:])


def userbasic(value: int) -> bytes:
    return (value % 2**256).to_bytes(32, "big") + bytes(128)


def audit(market: CometMarket, chain: RecordedComet) -> list[Any]:
    frame = market.frame(chain.head.timestamp)
    found = drive(market.audit_accounts(market.book.accounts(), frame), chain.answer)
    return found + drive(market.audit_reserves(), chain.answer)


def test_open__address_only__reads_the_terms_of_the_implementation(chain: RecordedComet) -> None:
    market = open_market(chain)
    assert terms(market.book) == Terms(
        scale=10**6,
        feed=Address(chain.config[3].lower()),
        supply=Curve(8 * 10**17, 325 * 10**14 // YEAR, 4 * 10**17 // YEAR, 0),
        borrow=Curve(8 * 10**17, 35 * 10**15 // YEAR, 25 * 10**16 // YEAR, 15 * 10**15 // YEAR),
        storefront=5 * 10**17,
        target=5 * 10**12,
    )
    assert [info.address for info in market.assets()] == [chain.base, *chain.assets]
    assert [info.decimals for info in market.assets()] == [6, 18, 8]
    assert market.addresses() == market.venues() == {chain.comet}
    assert (market.unit, market.doubt, market.flash_sources()) == ("USD", None, ())


def test_open__not_a_comet__is_a_configuration_error(chain: RecordedComet) -> None:
    chain.overrides[BASE_TOKEN] = None
    with pytest.raises(
        ConfigError, match=re.escape("does not answer like a comet (baseToken() gave nothing)")
    ):
        open_market(chain)


def test_open__no_address__names_the_key() -> None:
    with pytest.raises(ConfigError, match="deployment 'usdc': comet: "):
        drive(Comet().open("usdc", {}, ColumnarBook()), lambda _: None)


def test_refresh__first_head__book_equals_every_view_of_the_contract(chain: RecordedComet) -> None:
    market = current(chain)
    assert market.doubt is None
    assert audit(market, chain) == []
    for name, record in chain.checkpoint["accounts"].items():
        if any(int(amount) for amount in record["collateral"].values()):
            assert principal(market.book, Address(name.lower())) == int(record["principal"])


@pytest.mark.parametrize("place", range(20, 94, 6))
def test_refresh__later_heads__audit_finds_nothing(run: dict[str, Any], place: int) -> None:
    chain = RecordedComet(run)
    chain.checkpoint = run["checkpoints"][place]
    (record,) = chain.checkpoint["markets"].values()
    if record["totals_basic"][6] != chain.checkpoint["timestamp"]:
        chain.checkpoint = run["checkpoints"][
            -1
        ]  # what the comet holds can only be told just after an accrual
    assert audit(current(chain), chain) == []


def test_refresh__debt_that_no_log_shows__is_found(chain: RecordedComet) -> None:
    market = current(chain)
    account = borrower_of(market)
    chain.overrides[call_data(USER_BASIC, account)] = userbasic(-987_654_321)
    drive(market.refresh(chain.head), chain.answer)
    assert principal(market.book, account) == -987_654_321


def test_refresh__undone__leaves_the_account_to_be_read_again(chain: RecordedComet) -> None:
    market = folded(chain)
    book = market.book
    assert isinstance(book, ColumnarBook)
    book.journal.open_block(chain.head)
    account = next(each for each in book.accounts() if book.group(each) == Base.TOUCHED and book.legs(each))
    drive(market.refresh(chain.head), chain.answer)
    assert book.group(account) == Base.KNOWN
    book.journal.undo_last()
    assert book.group(account) == Base.TOUCHED


def test_refresh__logs_begin_too_late__is_a_configuration_error(chain: RecordedComet) -> None:
    market = open_market(chain)
    with pytest.raises(ConfigError, match="start_block must not be later"):
        drive(market.refresh(chain.head), chain.answer)


def test_refresh__some_logs_missing__casts_doubt_until_they_add_up(chain: RecordedComet) -> None:
    market = folded(chain)
    account = borrower_of(current(chain))
    held = market.book.quantity(account, 1, Side.COLLATERAL)
    market.book.set_quantity(account, 1, Side.COLLATERAL, held - 1)
    drive(market.refresh(chain.head), chain.answer)
    assert "other collateral" in (market.doubt or "")
    market.book.set_quantity(account, 1, Side.COLLATERAL, held)
    drive(market.refresh(chain.head), chain.answer)
    assert market.doubt is None


def test_refresh__upgraded__reads_the_terms_again(chain: RecordedComet) -> None:
    market = current(chain)
    chain.overrides[bytes.fromhex("32176c49")] = (7).to_bytes(32, "big")  # targetReserves()
    market.fold(make_log(chain.comet, "Upgraded(address)", [ALICE]), chain.head.timestamp)
    drive(market.refresh(chain.head), chain.answer)
    assert terms(market.book).target == 7
    asked = len(chain.asked)
    drive(market.refresh(chain.head), chain.answer)
    assert BASE_TOKEN not in [call.data for call in chain.asked[asked:]], "terms are read once"


def test_refresh__upgraded_to_something_else__casts_doubt_until_it_is_a_comet_again(
    chain: RecordedComet,
) -> None:
    market = current(chain)
    market.fold(make_log(chain.comet, "Upgraded(address)", [ALICE]), chain.head.timestamp)
    chain.overrides[BASE_TOKEN] = None
    drive(market.refresh(chain.head), chain.answer)
    assert market.doubt == "its new implementation does not answer like a comet"
    del chain.overrides[BASE_TOKEN]
    drive(market.refresh(chain.head), chain.answer)
    assert market.doubt is None


def test_refresh__dead_feed__its_price_is_gone_and_health_that_needs_it_cannot_be_told(
    chain: RecordedComet,
) -> None:
    market = current(chain)
    feed = Address(chain.config[20][0][1].lower())
    drive(market.refresh(chain.head), lambda call: None if call.to == feed else chain.answer(call))
    assert market.assets()[1].price is None
    with pytest.raises(Degraded, match="has no answer"):
        market.health(borrower_of(market), market.frame(chain.head.timestamp))


@pytest.mark.parametrize("subject", ["principal", "collateral", "price"])
def test_audit__one_wrong_number__is_named_and_healed(chain: RecordedComet, subject: str) -> None:
    market = current(chain)
    account = borrower_of(market)
    if subject == "principal":
        set_principal(market.book, account, principal(market.book, account) - 10**6)
    elif subject == "collateral":
        held = market.book.quantity(account, 1, Side.COLLATERAL)
        market.book.set_quantity(account, 1, Side.COLLATERAL, held + 1)
    else:
        market.book.put(("price", 1), 1)
    found = audit(market, chain)
    assert any(subject in difference.field for difference in found)
    for each in {difference.subject for difference in found}:
        drive(market.heal(each), chain.answer)
    assert audit(market, chain) == []


def test_audit__is_liquidatable__is_compared_at_the_stored_index(chain: RecordedComet) -> None:
    market = current(chain)
    account = borrower_of(market)
    said = bool(int.from_bytes(chain.answer_to(call_data(IS_LIQUIDATABLE, account)), "big"))
    chain.overrides[call_data(IS_LIQUIDATABLE, account)] = (not said).to_bytes(32, "big")
    (difference,) = audit(market, chain)
    assert (difference.subject, difference.field) == (account, "is_liquidatable")


def many(count: int) -> World:
    world = World()
    for number in range(count):
        world.deposit(address(0x1000 + number), WETH, 1)
    return world


def read_all(world: World) -> None:
    for account in world.book.accounts():
        world.book.set_group(account, int(Base.KNOWN))


def test_turn__first_time__takes_everybody_then_a_bounded_round() -> None:
    world = many(2 * ROUND + 7)
    accounts, rota = turn(world.book, Rota())
    assert len(accounts) == 2 * ROUND + 7
    read_all(world)
    seen: list[Address] = []
    sizes = []
    for _ in range(3):
        chosen, rota = turn(world.book, rota)
        seen += chosen
        sizes.append(len(chosen))
    assert sizes == [ROUND, ROUND, 7]
    assert sorted(seen) == sorted(accounts)
    assert rota == Rota(0, 0)


def test_turn__account_named_in_a_log__is_read_whoever_is_next() -> None:
    world = many(2 * ROUND)
    _, rota = turn(world.book, Rota())
    read_all(world)
    last = world.book.accounts()[-1]
    world.supply(last, 5)
    chosen, _ = turn(world.book, rota)
    assert len(chosen) == ROUND + 1
    assert last in chosen


def test_turn__something_silent_happened__hurries_through_everybody() -> None:
    world = many(HURRY + ROUND)
    _, rota = turn(world.book, Rota())
    read_all(world)
    rota = hurry(world.book, rota)
    first, rota = turn(world.book, rota)
    second, rota = turn(world.book, rota)
    assert (len(first), len(second)) == (HURRY, ROUND)
    assert rota.hurried == 0


def test_fold__base_of_account_without_collateral__is_nobody_worth_asking() -> None:
    world = World()
    world.supply(BOB, 10**6)
    assert world.book.row(BOB) is None
    world.deposit(BOB, WETH, 1)
    assert world.book.group(BOB) == Base.TOUCHED


@pytest.mark.parametrize(
    ("descriptions", "unit"),
    [
        (["USDC / USD", "ETH / USD", "wstETH / ETH price feed"], "USD"),
        (["Constant price feed", "cbETH / ETH", "wstETH / ETH price feed"], "ETH"),
        (["Mock Chainlink price aggregator", ""], "USD"),
    ],
)
def test_unit_of__what_feeds_say_of_themselves__is_the_most_common_quote(
    descriptions: list[str], unit: str
) -> None:
    assert unit_of(descriptions) == unit


def test_frame__feeds_that_quote_in_ether__leave_no_price_in_usd() -> None:
    world = World()
    world.book.put(("unit",), "ETH")
    market = CometMarket("core", world.book)
    assert {info.price for info in market.assets()} == {None}
    with pytest.raises(Degraded, match="quote in ETH"):
        market.frame(world.now, {WETH: 10**8})
