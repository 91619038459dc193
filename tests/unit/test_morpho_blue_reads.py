"""The conversations with a chain: opening, refreshing at a head, auditing, healing."""

import pytest

from keeper.errors import ConfigError, Degraded
from keeper.index.book import ColumnarBook
from keeper.protocols.base import Difference, Side
from keeper.protocols.morpho_blue import curve
from keeper.protocols.morpho_blue.adapter import MorphoBlue
from keeper.protocols.morpho_blue.calls import position
from keeper.protocols.morpho_blue.records import Totals, account_key, supply_shares, totals
from keeper.protocols.morpho_blue.rules import Rules
from keeper.types import MAX_UINT256, USD, WAD, ZERO_ADDRESS, Address, section
from tests.aave_v3_world import Answers, address
from tests.morpho_world import (
    ALICE,
    BOB,
    COLLATERAL,
    CURVE,
    FACTORY,
    LOAN,
    MORPHO,
    ORACLE,
    PRE,
    PRE_ORACLE,
    PRICE,
    USD_ORACLE,
    World,
)

RATE = (
    "borrowRateView((address,address,address,address,uint256),"
    "(uint128,uint128,uint128,uint128,uint128,uint128))"
)
UPDATE = "BorrowRateUpdate(bytes32,uint256,uint256)"
HOSTILE = address(0xBAD)
SETTINGS = {"morpho": MORPHO, "pre_liquidation_factory": FACTORY, "usd_oracle": USD_ORACLE}


def deployed() -> Answers:
    answers = Answers()
    answers.set(MORPHO, "feeRecipient()", ZERO_ADDRESS)
    answers.set(MORPHO, "isLltvEnabled(uint256)", 0)
    answers.set(FACTORY, "MORPHO()", MORPHO)
    answers.set(USD_ORACLE, "BASE_CURRENCY_UNIT()", USD)
    return answers


def busy(world: World, market_id: str, owner: Address = ALICE) -> Address:
    """Someone borrows 80 against 100; the account's key."""
    world.supply(market_id, 100, 100 * 10**6)
    world.pledge(market_id, owner, 100)
    world.borrow(market_id, owner, 80, 80 * 10**6)
    return account_key(owner, market_id)


def test_open__everything_configured__is_watched() -> None:
    market = deployed().drive(MorphoBlue().open("blue", SETTINGS, ColumnarBook()))
    assert market.addresses() == {MORPHO, FACTORY}
    assert market.venues() == {MORPHO}
    assert market.doubt is None
    assert not market.assets()


@pytest.mark.parametrize(
    ("settings", "complaint"),
    [
        ({}, "morpho: required"),
        ({"morpho": "0x12"}, "morpho: '0x12' is not an address"),
        ({"morpho": HOSTILE}, "does not answer like Morpho Blue"),
        ({**SETTINGS, "pre_liquidation_factory": HOSTILE}, "does not serve"),
        ({**SETTINGS, "usd_oracle": HOSTILE}, "does not quote in USD"),
        ({**SETTINGS, "allow_markets": ["0x12"]}, "allow_markets: '0x12' is no market id"),
    ],
)
def test_open__wrong_settings__say_what_is_wrong(settings: dict[str, object], complaint: str) -> None:
    with pytest.raises(ConfigError, match=complaint):
        deployed().drive(MorphoBlue().open("blue", settings, ColumnarBook()))


def test_open__factory_set_later__asks_for_a_new_index() -> None:
    book = ColumnarBook()
    answers = deployed()
    market = answers.drive(MorphoBlue().open("blue", {"morpho": MORPHO}, book))
    world = World()
    world.book, world.market = book, market
    world.create()
    with pytest.raises(ConfigError, match="pre_liquidation_factory was not set"):
        answers.drive(MorphoBlue().open("blue", SETTINGS, book))


def test_refresh__only_markets_with_borrowers__are_asked() -> None:
    world = World()
    world.create(oracle=HOSTILE, lltv=WAD // 2)
    busy(world, world.create())
    world.refresh()
    assert [call.to for call in world.answers.asked if call.to in {ORACLE, HOSTILE}] == [ORACLE]


def test_refresh__usd_oracle__prices_the_loan_and_through_the_market_its_collateral() -> None:
    world = World()
    account = busy(world, world.create(price=3 * PRICE))
    for token in (LOAN, COLLATERAL):
        world.answers.set(token, "decimals()", 18)
    world.answers.set(USD_ORACLE, "getAssetPrice(address)", 2 * USD)
    world.refresh()
    assert [info.price for info in world.market.assets()] == [2 * USD, 2 * USD]
    world.book.put(("usd", COLLATERAL), None)
    debt, collateral = sorted(
        world.market.holdings(account, world.market.frame(world.now)), key=lambda each: -each.side
    )
    assert (debt.side, debt.value) == (Side.DEBT, 80 * 2 * USD // WAD)
    assert collateral.asset.price == 6 * USD
    assert [info.price for info in world.market.assets()] == [2 * USD, None], "only trusted prices here"


def test_refresh__no_usd_oracle_answer__price_is_unknown() -> None:
    world = World()
    busy(world, world.create())
    world.refresh()
    assert [info.price for info in world.market.assets()] == [None, None]


def test_refresh__one_oracle_reverts__only_its_market_is_set_aside() -> None:
    world = World()
    bad = busy(world, world.create(oracle=HOSTILE, price=None, lltv=WAD // 2), BOB)
    good = busy(world, world.create(price=PRICE // 2))
    world.refresh()
    frame = world.market.frame(world.now)
    assert world.market.health(good, frame).liquidatable
    with pytest.raises(Degraded, match="gives no price"):
        world.market.health(bad, frame)
    screened = dict(zip(world.book.accounts(), world.market.screen(frame).tolist(), strict=True))
    assert screened[bad] == float("inf")
    assert screened[good] < 1
    (notice,) = world.market.notices()
    assert HOSTILE in notice
    assert world.market.notices() == []
    assert world.market.doubt is None
    world.answers.set(HOSTILE, "price()", PRICE // 2)
    world.refresh()
    assert world.market.health(bad, world.market.frame(world.now)).liquidatable


def test_refresh__absurd_token__its_market_is_set_aside_and_its_symbol_harmless() -> None:
    world = World()
    account = busy(world, world.create())
    world.answers.set(LOAN, "decimals()", 77)
    world.answers.set(COLLATERAL, "symbol()", 32, 9, b"\x1b[2JWETH\n".ljust(32, b"\0").hex())
    world.refresh()
    with pytest.raises(Degraded, match="claims more than 36 decimals"):
        world.market.health(account, world.market.frame(world.now))
    assert world.book.get(("symbol", COLLATERAL)) == "[2JWETH"


def test_refresh__price_that_overflows__nobody_can_liquidate() -> None:
    world = World()
    account = busy(world, world.create(price=MAX_UINT256))
    world.refresh()
    frame = world.market.frame(world.now)
    with pytest.raises(Degraded, match="overflows"):
        world.market.health(account, frame)
    assert world.market.screen(frame)[0] > 1


@pytest.mark.parametrize("deny", [True, False])
def test_refresh__unwanted_market__is_not_asked_but_followed(deny: bool) -> None:
    ids = [World().create(lltv=lltv) for lltv in (WAD // 2, WAD // 3)]
    world = World(Rules(deny=frozenset({ids[0]})) if deny else Rules(allow=frozenset({ids[1]})))
    first = busy(world, world.create(lltv=WAD // 2))
    second = busy(world, world.create(lltv=WAD // 3))
    world.refresh()
    frame = world.market.frame(world.now)
    assert world.market.health(second, frame).liquidatable
    with pytest.raises(Degraded, match="the configuration leaves it out"):
        world.market.health(first, frame)
    assert world.market.screen(frame)[0] == float("inf")
    assert totals(world.book, 0).borrow_shares == 80 * 10**6
    assert not world.market.notices()


def test_refresh__unknown_rate_model__is_read_at_every_head() -> None:
    world = World()
    account = busy(world, world.create(irm=HOSTILE))
    world.answers.set(HOSTILE, RATE, WAD // 1000)
    world.refresh()
    assert world.market.health(account, world.market.frame(world.now)).debt == 80
    assert world.market.health(account, world.market.frame(world.now + 1000)).debt > 120
    world.answers.revert(HOSTILE, RATE)
    world.refresh()
    with pytest.raises(Degraded, match="gives no rate"):
        world.market.health(account, world.market.frame(world.now + 1))


def test_refresh__model_that_answers_as_the_curve__is_followed_from_logs() -> None:
    world = World()
    market_id = world.create(irm=CURVE)
    busy(world, market_id)
    world.emit(CURVE, UPDATE, [market_id], [0, curve.INITIAL_RATE])
    world.now += 100
    world.answers.set(CURVE, RATE, curve.rates(100, 80, curve.INITIAL_RATE, 100).average)
    world.refresh()
    assert world.book.get(("curve", CURVE)) == 1
    world.answers.revert(CURVE, RATE)
    world.refresh()
    world.market.frame(world.now + 1000).market(0)


def test_refresh__model_that_only_logs_like_the_curve__is_read() -> None:
    world = World()
    market_id = world.create(irm=CURVE)
    busy(world, market_id)
    world.emit(CURVE, UPDATE, [market_id], [0, curve.INITIAL_RATE])
    world.answers.set(CURVE, RATE, 12345)
    world.refresh()
    assert world.book.get(("curve", CURVE)) == 0
    assert world.book.get(("rate", 0)) == 12345


def test_refresh__pre_liquidation_oracle_reverts__morpho_itself_goes_on() -> None:
    world = World()
    market_id = world.create(price=PRICE // 2)
    account = busy(world, market_id)
    world.offer_pre_liquidation(market_id, (WAD // 2, WAD, WAD, WAD, WAD), None)
    world.authorize(ALICE)
    world.refresh()
    frame = world.market.frame(world.now)
    (opportunity,) = world.market.opportunities(account, frame)
    assert opportunity.debt.address == LOAN
    assert world.book.get(("price", PRE_ORACLE), 0) is None


def test_refresh__pre_liquidation_nobody_authorised__is_not_asked() -> None:
    world = World()
    market_id = world.create()
    busy(world, market_id)
    world.offer_pre_liquidation(market_id, (WAD // 2, WAD, WAD, WAD, WAD), PRICE)
    world.refresh()
    assert PRE_ORACLE not in {call.to for call in world.answers.asked}
    world.authorize(ALICE)
    world.authorize(ALICE)
    world.authorize(ALICE, allowed=False)
    world.refresh()
    assert PRE_ORACLE not in {call.to for call in world.answers.asked}


def test_audit__book_and_chain_agree__finds_nothing() -> None:
    world, account = audited()
    frame = world.market.frame(world.now)
    assert world.answers.drive(world.market.audit_accounts([account], frame)) == []
    assert world.answers.drive(world.market.audit_reserves()) == []
    assert position(world.book, account) in world.answers.asked


def test_audit__position_differs__is_named_and_healed() -> None:
    world, account = audited()
    world.answers.set(MORPHO, "position(bytes32,address)", 3, 70 * 10**6, 101)
    world.answers.set(MORPHO, "isAuthorized(address,address)", 1)
    frame = world.market.frame(world.now)
    found = world.answers.drive(world.market.audit_accounts([account], frame))
    assert found == [
        Difference(account, "supply_shares", 0, 3),
        Difference(account, "borrow_shares", 80 * 10**6, 70 * 10**6),
        Difference(account, "collateral", 100, 101),
        Difference(account, f"authorized[{PRE}]", 0, 1),
    ]
    world.answers.drive(world.market.heal(account))
    assert world.answers.drive(world.market.audit_accounts([account], frame)) == []
    assert supply_shares(world.book, account) == 3


def test_audit__market_differs__is_named_by_its_id_and_healed() -> None:
    world, account = audited()
    market_id = Address(section(account) or "")
    world.answers.set(MORPHO, "market(bytes32)", 100, 100 * 10**6, 81, 80 * 10**6, world.now, 5)
    found = world.answers.drive(world.market.audit_reserves())
    assert found == [Difference(market_id, "borrow_assets", 80, 81), Difference(market_id, "fee", 0, 5)]
    world.answers.drive(world.market.heal(market_id))
    assert totals(world.book, 0) == Totals(100, 100 * 10**6, 81, 80 * 10**6, world.now, 5)
    assert world.answers.drive(world.market.audit_reserves()) == []


def test_audit__position_the_logs_lacked__shows_in_the_sums() -> None:
    world, _ = audited()
    world.book.put(("totals", 0), totals(world.book, 0)._replace(borrow_shares=90 * 10**6))
    world.answers.set(MORPHO, "market(bytes32)", 100, 100 * 10**6, 80, 90 * 10**6, world.now, 0)
    (found,) = world.answers.drive(world.market.audit_reserves())
    assert (found.field, found.book, found.chain) == ("sum_of_borrow_shares", 80 * 10**6, 90 * 10**6)


def test_audit__fee_recipient_differs__is_healed_under_morphos_address() -> None:
    world, _ = audited()
    world.answers.set(MORPHO, "feeRecipient()", BOB)
    (found,) = world.answers.drive(world.market.audit_reserves())
    assert (found.subject, found.field) == (MORPHO, "fee_recipient")
    world.answers.drive(world.market.heal(MORPHO))
    assert world.answers.drive(world.market.audit_reserves()) == []


def audited() -> tuple[World, Address]:
    """A deployment whose contracts answer what its logs say; the borrower's key."""
    world = World()
    market_id = world.create()
    account = busy(world, market_id)
    world.offer_pre_liquidation(market_id, (WAD // 2, WAD, WAD, WAD, WAD), PRICE)
    world.answers.set(MORPHO, "position(bytes32,address)", 0, 80 * 10**6, 100)
    world.answers.set(MORPHO, "isAuthorized(address,address)", 0)
    world.answers.set(MORPHO, "market(bytes32)", 100, 100 * 10**6, 80, 80 * 10**6, world.now, 0)
    world.answers.set(MORPHO, "feeRecipient()", ZERO_ADDRESS)
    world.refresh()
    return world, account
