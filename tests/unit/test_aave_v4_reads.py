"""Opening, refreshing, auditing and healing a spoke: every call and every answer."""

from collections.abc import Mapping

import pytest

from keeper.errors import ConfigError, Degraded
from keeper.index.book import ColumnarBook
from keeper.protocols.aave_v4.adapter import AaveV4
from keeper.protocols.aave_v4.market import AaveV4Market
from keeper.protocols.aave_v4.records import asset_of, line_of, reserves
from keeper.protocols.base import Side
from keeper.types import RAY, USD, WAD, Address, BlockRef, Hash
from tests.aave_v3_world import address, make_log
from tests.aave_v4_views import Views
from tests.aave_v4_world import ALICE, BOB, HUBS, ORACLE, SPOKE, World

HEAD = BlockRef(9, Hash("0x09"), Hash("0x08"), 1_750_000_000, 0)
SETTINGS = {"spoke": SPOKE}


@pytest.fixture
def world() -> World:
    """Two reserves on two hubs; Alice owes at one against supply at the other, with premium on it."""
    world = World()
    world.rules(105 * WAD // 100, 9 * WAD // 10, 5_000)
    owed, backing = world.list(HUBS[0], decimals=6), world.list(HUBS[1], price=2_000 * USD, risk=1_000)
    world.accrue(owed, RAY * 11 // 10, RAY // 20, 3)
    world.fund(owed, 10**12, 10**12)
    world.supply(ALICE, backing, 10**18)
    world.use(ALICE, backing)
    world.borrow(ALICE, owed, 10**9, amount=10**9)
    world.premium(ALICE, owed, 10**8, 10**8 * RAY)
    world.spoke("UpdateUserRiskPremium(address,uint256)", [ALICE], 1_000)
    world.supply(BOB, owed, 5 * 10**9)
    return world


def opened(views: Views, settings: Mapping[str, str] = SETTINGS) -> AaveV4Market:
    return views.drive(AaveV4().open("v4", settings, ColumnarBook()))


def test_open__spoke_alone__finds_the_oracle_and_every_hub(world: World) -> None:
    market = opened(Views(world))
    assert market.addresses() == {SPOKE, *HUBS}
    assert market.doubt is None
    assert market.venues() == {SPOKE}
    assert market.flash_sources() == ()


def test_open__hub_named_besides__is_watched_too() -> None:
    market = opened(Views(World()), {"spoke": SPOKE, "hub": HUBS[1]})
    assert market.addresses() == {SPOKE, HUBS[1]}


@pytest.mark.parametrize(
    ("settings", "complaint"),
    [
        ({}, "spoke: "),
        ({"spoke": address(0xBAD)}, "does not answer like a spoke"),
        ({"spoke": SPOKE, "hub": address(0xBAD)}, "does not answer like a hub"),
        ({"spoke": SPOKE, "hub": "0x12"}, "hub: "),
    ],
)
def test_open__wrong_address__is_a_configuration_error(
    world: World, settings: dict[str, str], complaint: str
) -> None:
    with pytest.raises(ConfigError, match=complaint):
        opened(Views(world), settings)


@pytest.mark.parametrize("revision", [None, 2])
def test_open__unknown_revision__is_in_doubt(world: World, revision: int | None) -> None:
    views = Views(world)
    views.revision = revision
    assert "this keeper knows revision 1" in (opened(views).doubt or "")


def test_upgrade__to_an_unknown_revision__casts_doubt(world: World) -> None:
    views = Views(world)
    market = opened(views)
    log = make_log(HUBS[0], "Upgraded(address)", [address(0x1337)])
    market_views = Views(world)
    market_views.revision = None
    market_views.drive(market.prepare([log]))
    market.fold(log, world.now)
    assert "a revision it does not tell" in (market.doubt or "")


def test_prepare__nothing_upgraded__asks_nothing(world: World) -> None:
    views = Views(world)
    market = opened(views)
    views.asked.clear()
    views.drive(market.prepare([make_log(SPOKE, "UpdateUserRiskPremium(address,uint256)", [ALICE], [1])]))
    assert views.asked == []


def test_refresh__prices__come_in_one_call(world: World) -> None:
    views = Views(world)
    for source in (address(0xFEED00), address(0xFEED01)):
        world.book.put(("seen", source), world.book.get(("price", source)))
    views.drive(world.market.refresh(HEAD))
    views.asked.clear()
    views.drive(world.market.refresh(HEAD))
    assert views.asked == ["getReserveCount()", "getReservesPrices(uint256[])"]
    assert [info.price for info in world.market.assets()] == [USD, 2_000 * USD]
    assert {info.symbol for info in world.market.assets()} == {"TKN"}


def test_refresh__one_price_missing__leaves_the_others_and_blinds_who_uses_it(world: World) -> None:
    world.book.put(("price", address(0xFEED01)), None)
    world.market.book.put(("price", address(0xFEED00)), 7)
    truth = Views(world)
    truth.drive(world.market.refresh(HEAD))
    assert [info.price for info in world.market.assets()] == [7, None]
    frame = world.market.frame(world.now)
    with pytest.raises(Degraded, match="no price"):
        world.market.health(ALICE, frame)
    assert world.market.health(BOB, frame).debt == 0


def test_health__flagged_reserve_without_price_or_supply__is_blind_as_the_spoke_reverts(world: World) -> None:
    unpriced = world.list(price=0)
    frame = world.market.frame(world.now)
    assert world.market.health(ALICE, frame).debt
    world.use(ALICE, unpriced)
    with pytest.raises(Degraded, match="no price"):
        world.market.health(ALICE, world.market.frame(world.now))


def test_refresh__hub_older_than_the_logs__is_read_whole(world: World) -> None:
    views = Views(world)
    late = World()
    late.places = world.places
    for number, (hub, asset_id) in enumerate(world.places):
        late.spoke("UpdateReservePriceSource(uint256,address)", [number, address(0xFEED00 + number)])
        late.spoke("AddReserve(uint256,uint256,address)", [number, asset_id, hub])
    assert late.market.assets() == []
    views.drive(late.market.refresh(HEAD))
    assert [asset_of(late.book, each) for each in reserves(late.book)] == [
        asset_of(world.book, each) for each in reserves(world.book)
    ]
    assert [line_of(late.book, each) for each in reserves(late.book)] == [
        line_of(world.book, each) for each in reserves(world.book)
    ]
    assert late.book.get(("revision", HUBS[1])) == 1
    late.fund(0, 100, 100)
    fresh = asset_of(late.book, reserves(late.book)[0])
    assert fresh
    assert fresh.liquidity == 10**12 + 100 + 5 * 10**9 - 10**9


def test_refresh__no_reserve_in_the_logs__is_a_configuration_error(world: World) -> None:
    views = Views(world)
    market = opened(views)
    with pytest.raises(ConfigError, match="start_block must not be later"):
        views.drive(market.refresh(HEAD))


def test_refresh__fewer_reserves_in_the_logs__casts_doubt_until_they_agree(world: World) -> None:
    views = Views(world)
    world.places.append((HUBS[0], 7))
    views.drive(world.market.refresh(HEAD))
    assert "other reserves" in (world.market.doubt or "")
    world.places.pop()
    views.drive(world.market.refresh(HEAD))
    assert world.market.doubt is None


def copied(world: World) -> AaveV4Market:
    """A second market over the same state."""
    book = ColumnarBook()
    for key, value in world.book.records():
        book.put(key, value)
    for account in world.book.accounts():
        for number in range(len(world.places)):
            for side in Side:
                book.set_quantity(account, number, side, world.book.quantity(account, number, side))
            book.set_enabled(account, number, world.book.enabled(account, number))
    return AaveV4Market("copy", book)


def differences(market: AaveV4Market, views: Views) -> set[str]:
    accounts = list(market.book.accounts())
    found = views.drive(market.audit_accounts(accounts, market.frame(views.world.now)))
    found += views.drive(market.audit_reserves())
    return {difference.field for difference in found}


def test_audit__book_as_the_chain__finds_nothing(world: World) -> None:
    assert differences(copied(world), Views(world)) == set()


def test_audit__supply_missed__is_found_and_healed(world: World) -> None:
    market, views = copied(world), Views(world)
    market.book.set_quantity(ALICE, 1, Side.COLLATERAL, 10**17)
    found = differences(market, views)
    assert {"supplied_shares[1]", "sum_supplied[1]", "health_factor", "collateral"} <= found
    views.drive(market.heal(ALICE))
    assert differences(market, views) == set()


def test_audit__premium_key_and_flag_wrong__are_found_and_healed(world: World) -> None:
    market, views = copied(world), Views(world)
    terms = market.book.get(("terms", ALICE, 0))
    market.book.put(("terms", ALICE, 0), terms._replace(premium_offset=5, premium_shares=1, key=2))
    market.book.set_enabled(ALICE, 1, enabled=False)
    market.book.put(("risk_premium", ALICE), 3)
    assert {
        "premium_offset_ray[0]",
        "premium_shares[0]",
        "dynamic_config_key[0]",
        "using_as_collateral[1]",
        "stored_risk_premium",
        "sum_premium[0]",
    } <= differences(market, views)
    views.drive(market.heal(ALICE))
    assert differences(market, views) == set()


def test_audit__hub_and_reserve_wrong__are_found_and_healed(world: World) -> None:
    market, views = copied(world), Views(world)
    asset = market.book.get(("asset", HUBS[0], 0))
    line = market.book.get(("line", HUBS[0], 0))
    reserve = market.book.get(("reserve", 0))
    market.book.put(("asset", HUBS[0], 0), asset._replace(liquidity=1, fee_receiver=Address("")))
    market.book.put(("line", HUBS[0], 0), line._replace(halted=1))
    market.book.put(("reserve", 0), reserve._replace(flags=1))
    market.book.put(("dynamic", 0), ())
    found = differences(market, views)
    assert {
        "asset_liquidity",
        "asset_fee_receiver",
        "line_halted",
        "reserve_flags",
        "dynamicconfig_factor",
    } <= found
    views.drive(market.heal(asset.underlying))
    assert differences(market, views) == set()


def test_audit__rules_of_the_spoke_wrong__are_found_and_healed(world: World) -> None:
    market, views = copied(world), Views(world)
    market.book.put(("liquidation",), None)
    market.book.put(("liquidation",), world.market.frame(world.now).liquidation._replace(bonus_factor=1))
    (found,) = views.drive(market.audit_reserves())
    assert (found.subject, found.field, found.book, found.chain) == (
        SPOKE,
        "liquidationconfig_bonus_factor",
        1,
        5_000,
    )
    views.drive(market.heal(SPOKE))
    assert differences(market, views) == set()


def test_open__oracle_with_other_decimals__is_a_configuration_error(world: World) -> None:
    views = Views(world)
    answer = views.answer
    views.answer = lambda call: (18).to_bytes(32, "big") if call.to == ORACLE else answer(call)  # type: ignore[method-assign]
    with pytest.raises(ConfigError, match="does not quote with 8 decimals"):
        opened(views)
