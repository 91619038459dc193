"""From a liquidatable position to what the executor is told, and what comes back."""

import pytest
from eth_abi.abi import decode

from keeper.errors import Degraded
from keeper.index.snapshot import decode as restore
from keeper.index.snapshot import encode
from keeper.plan.size import chosen_size, next_sizes
from keeper.protocols.base import Dialect, FlashKind, LiquidationEvent, Opportunity, Refusal, Settlement
from keeper.protocols.morpho_blue.events import LIQUIDATE, PRE_LIQUIDATE
from keeper.protocols.morpho_blue.market import MorphoBlueMarket
from keeper.protocols.morpho_blue.offers import MorphoOpportunity
from keeper.protocols.morpho_blue.records import RECORD_TYPES, split
from keeper.types import WAD, ZERO_ADDRESS, Address, borrower, section
from tests.aave_v3_world import make_log
from tests.logs import mined
from tests.morpho_world import (
    ALICE,
    COLLATERAL,
    KEEPER,
    LLTV,
    LOAN,
    MORPHO,
    ORACLE,
    PRE,
    PRICE,
    World,
)

MILLION = 10**6
PARAMS = "(address,address,address,address,uint256)"


def offered(world: World, account: Address) -> MorphoOpportunity:
    (opportunity,) = world.market.opportunities(account, world.market.frame(world.now))
    assert isinstance(opportunity, MorphoOpportunity)
    return opportunity


def settled(world: World, opportunity: Opportunity, repay: int) -> Settlement:
    settlement = world.market.settle(opportunity, repay, world.market.frame(world.now))
    assert isinstance(settlement, Settlement)
    return settlement


def told(world: World, opportunity: Opportunity, request: int, settlement: Settlement) -> tuple[int, int]:
    """SeizedAssets and repaidShares of the instruction."""
    instruction = world.market.instruction(opportunity, request, settlement)
    assert (instruction.dialect, instruction.venue) == (Dialect.MORPHO, MORPHO)
    assert instruction.self_funded
    params, seized, shares = decode([PARAMS, "uint256", "uint256"], instruction.data)
    assert params == (LOAN, COLLATERAL, ORACLE, ZERO_ADDRESS, LLTV)
    return seized, shares


def test_debt_limited__whole_request__names_all_shares() -> None:
    world = World()
    account = world.position(900 * MILLION, 1000)
    opportunity = offered(world, account)
    assert opportunity.ranges[-1][1] == 900
    settlement = settled(world, opportunity, 900)
    assert settlement == Settlement(900, 939, 0)
    assert told(world, opportunity, 901, settlement) == (0, 900 * MILLION)


def test_debt_limited__partial_request__names_the_collateral() -> None:
    world = World()
    opportunity = offered(world, world.position(900 * MILLION, 1000))
    settlement = settled(world, opportunity, 500)
    assert settlement == Settlement(500, 521, 0)
    assert told(world, opportunity, 500, settlement) == (521, 0)


def test_collateral_limited__largest_request__names_all_collateral_and_leaves_bad_debt() -> None:
    world = World()
    opportunity = offered(world, world.position(1000 * MILLION, 1000))
    assert opportunity.ranges == ((1, 959),)
    settlement = settled(world, opportunity, 959)
    assert settlement == Settlement(959, 1000, 0, {LOAN: 41})
    assert told(world, opportunity, 960, settlement) == (1000, 0)


@pytest.mark.parametrize(
    ("collateral", "expected"),
    [
        (938, Settlement(899, 938, 0, {LOAN: 1})),
        (939, Settlement(900, 939, 0)),
        (940, Settlement(900, 939, 0)),
    ],
)
def test_largest_request__collateral_near_what_the_debt_buys__is_what_morpho_accepts(
    collateral: int, expected: Settlement
) -> None:
    world = World()
    opportunity = offered(world, world.position(900 * MILLION, collateral))
    most = opportunity.ranges[-1][1]
    assert settled(world, opportunity, most) == expected
    assert opportunity.whole is (collateral > expected.seize)


def test_exhaust__collateral_limited__is_one_step_with_its_bad_debt() -> None:
    world = World()
    account = world.position(1000 * MILLION, 1000)
    found = world.market.exhaust(account, world.market.frame(world.now))
    assert found.steps == 1
    assert (found.repaid, found.seized, found.bad_debt) == ({LOAN: 959}, {COLLATERAL: 1000}, {LOAN: 41})


def test_price_zero__collateral_is_free__and_the_sizing_copes() -> None:
    world = World()
    opportunity = offered(world, world.position(900 * MILLION, 1000, price=0))
    assert opportunity.ranges == ((0, 0),)
    settlement = settled(world, opportunity, 0)
    assert settlement == Settlement(0, 1000, 0, {LOAN: 900})
    assert told(world, opportunity, 1, settlement) == (1000, 0)
    assert next_sizes(opportunity.ranges, {}) == [0]
    assert not next_sizes(opportunity.ranges, {0: 5})
    assert chosen_size(opportunity.ranges, {0: 5}) == 0


def test_boundary__debt_equal_to_the_limit__is_healthy() -> None:
    world = World()
    account = world.position(860 * MILLION, 1000)
    frame = world.market.frame(world.now)
    health = world.market.health(account, frame)
    assert (health.debt, health.details["max_borrow"], health.liquidatable) == (860, 860, False)
    assert health.health_factor == WAD
    assert world.market.opportunities(account, frame) == []
    debt, collateral = world.market.assets()
    opportunity = Opportunity(account, debt, collateral, ())
    refusal = world.market.settle(opportunity, 860, frame)
    assert isinstance(refusal, Refusal)
    assert refusal.code == "position is healthy"


def test_frame__stressed_prices__move_the_market_price_in_proportion() -> None:
    world = World()
    account = world.position(800 * MILLION, 1000)
    for token, usd in ((LOAN, 4), (COLLATERAL, 4)):
        world.book.put(("usd", token), usd)

    def liquidatable(prices: dict[Address, int]) -> bool:
        return world.market.health(account, world.market.frame(world.now, prices)).liquidatable

    assert not liquidatable({})
    assert liquidatable({COLLATERAL: 3})
    assert liquidatable({LOAN: 5})
    assert not liquidatable({LOAN: 5, COLLATERAL: 5})


def test_account__keys__name_borrower_and_market() -> None:
    world = World()
    account = world.position(800 * MILLION, 1000)
    assert borrower(account) == ALICE
    assert section(account) == world.book.get(("market", 0)).id
    with pytest.raises(Degraded, match="ADDRESS:MARKET_ID"):
        world.market.health(ALICE, world.market.frame(world.now))


def pre_liquidatable() -> tuple[World, Address]:
    """At 85 % of its collateral, with a contract that acts from 80 % on half of it at a bonus of 2 %."""
    world = World()
    account = world.position(850 * MILLION, 1000)
    half, bonus = WAD // 2, 102 * WAD // 100
    terms = (80 * WAD // 100, half, half, bonus, bonus)
    world.offer_pre_liquidation(split(account)[1], terms, PRICE)
    world.refresh()
    return world, account


def test_pre_liquidation__authorised__is_told_to_its_contract() -> None:
    world, account = pre_liquidatable()
    frame = world.market.frame(world.now)
    assert not world.market.health(account, frame).liquidatable
    world.authorize(ALICE)
    world.refresh()
    assert world.market.health(account, frame).liquidatable
    opportunity = offered(world, account)
    assert opportunity.ranges == ((1, 425),)
    settlement = settled(world, opportunity, 425)
    assert settlement == Settlement(425, 433, 0)
    instruction = world.market.instruction(opportunity, 430, settlement)
    assert (instruction.dialect, instruction.venue) == (Dialect.PRE_LIQUIDATION, PRE)
    assert instruction.self_funded
    assert decode(["uint256", "uint256"], instruction.data) == (433, 0)
    assert world.market.venues() == {MORPHO, PRE}


def test_pre_liquidation__no_longer_authorised__is_refused() -> None:
    world, account = pre_liquidatable()
    world.authorize(ALICE)
    world.refresh()
    opportunity = offered(world, account)
    world.authorize(ALICE, allowed=False)
    refusal = world.market.settle(opportunity, 425, world.market.frame(world.now))
    assert isinstance(refusal, Refusal)
    assert refusal.code == "not authorized"


def test_liquidation_events__own_and_pre__are_read_and_foreign_ones_not() -> None:
    world, account = pre_liquidatable()
    market_id = split(account)[1]
    own = make_log(MORPHO, LIQUIDATE, [market_id, KEEPER, ALICE], [5, 5 * MILLION, 6, 0, 0])
    pre = make_log(PRE, PRE_LIQUIDATE, [market_id, KEEPER, ALICE], [7, 7 * MILLION, 8])
    foreign = make_log(KEEPER, LIQUIDATE, [market_id, KEEPER, ALICE], [9, 9, 9, 0, 0])
    bare = mined(MORPHO)
    assert world.market.liquidation_events([own, pre, foreign, bare]) == [
        LiquidationEvent(account, LOAN, COLLATERAL, 5, 6, KEEPER),
        LiquidationEvent(account, LOAN, COLLATERAL, 7, 8, KEEPER),
    ]


def test_flash_sources__idle_assets_and_collateral__are_lent_for_nothing() -> None:
    world = World()
    world.position(800 * MILLION, 1000)
    (source,) = world.market.flash_sources()
    assert (source.kind, source.lender) == (FlashKind.MORPHO, MORPHO)
    assert source.available(LOAN) == 1
    assert source.available(COLLATERAL) == 1000
    assert source.available(KEEPER) == 0
    assert source.fee(COLLATERAL, 10**18) == 0


def test_book__saved_and_restored__answers_the_same() -> None:
    world, account = pre_liquidatable()
    world.authorize(ALICE)
    world.refresh()
    book = restore(encode(world.book), RECORD_TYPES)
    market = MorphoBlueMarket("test", book, world.settings)
    assert market.health(account, market.frame(world.now)) == world.market.health(
        account, world.market.frame(world.now)
    )
    assert market.opportunities(account, market.frame(world.now)) == [offered(world, account)]


def test_pairs__markets_in_which_nobody_owes__are_left_out() -> None:
    world = World()
    world.position(900 * MILLION, 1000)
    world.supply(world.create(loan=COLLATERAL, collateral=LOAN), 10, 10 * MILLION)
    assert world.market.pairs() == {(COLLATERAL, LOAN)}
