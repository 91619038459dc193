"""Which liquidations the protocol allows, refuses, and what they bring, rule by rule."""

from typing import Any

import pytest
from eth_abi.abi import encode

from keeper.errors import Degraded
from keeper.protocols.base import Dialect, Opportunity, Refusal, Settlement
from keeper.protocols.venus.liquidation import liquidate
from keeper.protocols.venus.pair import Pair, examine
from keeper.protocols.venus.position import Position
from keeper.protocols.venus.records import Action, Split, VaiIndex, VaiLoan, vtokens
from keeper.protocols.venus.reverts import revert_data, soft_failure
from keeper.protocols.venus.rules import COMPOUND_V2, VENUS, Rules
from keeper.types import MAX_UINT256, WAD, Address
from tests.venus_world import BORROWER, KEEPER, LIQUIDATOR, World, address

TOKEN = 10**18


def short(rules: Rules = VENUS, **market: Any) -> World:
    """An account that holds 100 of market 0 (80 % count) and owes 90 of market 1, all at one dollar."""
    world = World(rules)
    held, owed = world.list(**market), world.list()
    world.supply(BORROWER, held, 100 * TOKEN)
    world.borrow(BORROWER, owed, 90 * TOKEN)
    return world


def offer(world: World, debt: int = 1, collateral: int = 0, account: Address = BORROWER) -> Opportunity:
    assets = {info.asset: info for info in world.market.assets()}
    return Opportunity(account, assets[debt], assets[collateral], ())


def settle(world: World, repay: int = 10 * TOKEN, *, blocks: int = 0, **who: Any) -> Settlement | Refusal:
    return world.market.settle(offer(world), repay, world.frame(blocks), **who)


def code(settled: Settlement | Refusal) -> str:
    assert isinstance(settled, Refusal)
    return settled.code


def test_settle__plain__seizes_the_bonus_too() -> None:
    assert settle(short()) == Settlement(10 * TOKEN, 11 * TOKEN, 0)


def test_opportunities__of_a_short_account__reach_from_dust_to_the_close_factor() -> None:
    world = short()
    (found,) = world.market.opportunities(BORROWER, world.frame())
    assert (found.debt.asset, found.collateral.asset) == (1, 0)
    assert found.ranges == ((1, 45 * TOKEN),)


def test_opportunities__little_collateral__end_where_it_does() -> None:
    world = short()
    world.supply(BORROWER, 0, 11 * TOKEN)
    (found,) = world.market.opportunities(BORROWER, world.frame())
    assert found.ranges == ((1, 10 * TOKEN),)


def test_opportunities__little_cash__end_where_redeeming_would() -> None:
    world = short()
    world.change(0, cash=22 * TOKEN, borrows=10**24 - 22 * TOKEN)
    (found,) = world.market.opportunities(BORROWER, world.frame())
    assert found.ranges == ((1, 20 * TOKEN),)
    assert code(settle(world, 20 * TOKEN + 1)) == "TOKEN_INSUFFICIENT_CASH"


def test_accrual__due_to_pay_reserves_out__leaves_less_cash_to_redeem() -> None:
    world = short()
    world.change(0, cash=22 * TOKEN, borrows=10**24 - 20 * TOKEN, reserves=2 * TOKEN)
    assert isinstance(settle(world, 20 * TOKEN, blocks=5), Settlement)
    world.book.put(("payout_delta", 0), world.block + 5)
    assert code(settle(world, 20 * TOKEN, blocks=5)) == "TOKEN_INSUFFICIENT_CASH"
    world.book.put(("payout_block", 0), world.block)
    assert isinstance(settle(world, 20 * TOKEN, blocks=5), Settlement)


def test_accrual__at_an_absurd_rate__reverts() -> None:
    world = short(rate=5 * 10**12 + 1)
    assert isinstance(settle(world), Settlement)
    assert code(settle(world, blocks=1)) == "borrow rate is absurdly high"


def test_third_markets__are_seen_as_stored__so_their_interest_does_not_count() -> None:
    """Debt in market 2 has grown past the edge, but only a transaction that touches market 2 knows."""
    world = World()
    held, owed, third = world.list(), world.list(), world.list(rate=10**12)
    world.supply(BORROWER, held, 100 * TOKEN)
    world.borrow(BORROWER, owed, 40 * TOKEN)
    world.borrow(BORROWER, third, 40 * TOKEN)
    frame = world.frame(blocks=10_000)
    market = world.market
    assert code(market.settle(offer(world, owed, held), TOKEN, frame)) == "INSUFFICIENT_SHORTFALL"
    assert isinstance(market.settle(offer(world, third, held), TOKEN, frame), Settlement)
    health = market.health(BORROWER, frame)
    assert health.liquidatable
    assert health.health_factor < WAD
    assert health.details["shortfall"] == 0


def test_frame__number__counts_for_blocks_and_timestamp_for_seconds() -> None:
    world = World()
    by_block, by_second = world.list(rate=10**12), world.list(rate=10**12, timed=True)
    for number in (by_block, by_second):
        world.borrow(BORROWER, number, TOKEN)
    frame = world.market.frame(1_700_000_000 + 7, number=world.block + 3)
    indexes = [frame.markets[number].accrued.state.borrow_index for number in (by_block, by_second)]
    assert indexes == [WAD + 3 * 10**12, WAD + 7 * 10**12]


@pytest.mark.parametrize(
    ("change", "refused"),
    [
        (lambda w: w.book.put(("protocol_paused",), 1), "protocol is paused"),
        (lambda w: w.book.put(("paused", vtokens(w.book)[1], int(Action.LIQUIDATE)), 1), "action is paused"),
        (lambda w: w.book.put(("paused", vtokens(w.book)[1], int(Action.REPAY)), 1), "action is paused"),
        (lambda w: w.book.put(("paused", vtokens(w.book)[0], int(Action.SEIZE)), 1), "action is paused"),
        (lambda w: w.book.put(("paused", vtokens(w.book)[0], int(Action.REDEEM)), 1), "REDEEM_PAUSED"),
        (lambda w: w.book.put(("listed", 0), 0), "market not listed"),
        (lambda w: w.book.put(("price", 0), None), "PRICE_ERROR"),
        (lambda w: w.supply(BORROWER, 0, 200 * TOKEN), "INSUFFICIENT_SHORTFALL"),
        (lambda w: w.supply(BORROWER, 0, 100 * TOKEN, entered=False), "token seizure failed"),
        (lambda w: w.supply(BORROWER, 0, TOKEN), "LIQUIDATE_SEIZE_TOO_MUCH"),
    ],
)
def test_settle__each_condition__refuses_with_the_contracts_word(change: Any, refused: str) -> None:
    world = short()
    change(world)
    assert code(settle(world)) == refused
    if refused != "LIQUIDATE_SEIZE_TOO_MUCH":
        assert world.market.opportunities(BORROWER, world.frame()) == []


@pytest.mark.parametrize(
    ("repay", "failure"),
    [(45 * TOKEN + 1, (3, 18, 17)), (MAX_UINT256, (3, 18, 17)), (0, (7, 21, 0))],
)
def test_settle__wrong_amounts__fail_softly(repay: int, failure: tuple[int, int, int]) -> None:
    settled = settle(short(), repay)
    assert isinstance(settled, Refusal)
    assert soft_failure(settled) == failure


def test_settle__own_account__is_refused() -> None:
    assert code(settle(short(), liquidator=BORROWER)) == "INVALID_ACCOUNT_PAIR"


def test_reverts__reasons_as_text__are_encoded() -> None:
    refusal = Refusal("LIQUIDATE_SEIZE_TOO_MUCH", "")
    assert soft_failure(refusal) is None
    assert revert_data(refusal) == bytes.fromhex("08c379a0") + encode(["string"], [refusal.code])


def test_liquidator__keeps_its_part_of_the_bonus__and_redeems_it_first() -> None:
    world = short()
    world.through_liquidator(Split(treasury=WAD // 2))
    assert settle(world) == Settlement(10 * TOKEN, 105 * TOKEN // 10, TOKEN // 2)
    assert world.market.venues() == {LIQUIDATOR}
    instruction = world.market.instruction(offer(world), 1, Settlement(1, 1, 0))
    debt, collateral = vtokens(world.book)[1], vtokens(world.book)[0]
    assert (instruction.dialect, instruction.venue) == (Dialect.COMPOUND, LIQUIDATOR)
    assert instruction.data == encode(["address", "address"], [debt, collateral])


def test_instruction__without_liquidator__goes_to_the_debt_market() -> None:
    world = short()
    instruction = world.market.instruction(offer(world), 1, Settlement(1, 1, 0))
    assert instruction.venue == vtokens(world.book)[1]
    assert world.market.venues() == set(vtokens(world.book))


def test_liquidator__restricted_account__only_for_whom_it_lists() -> None:
    world = short()
    world.through_liquidator(Split())
    world.book.put(("restricted",), (BORROWER,))
    assert code(settle(world, liquidator=KEEPER)) == "LiquidationNotAllowed"
    world.book.put(("allowed",), ((BORROWER, KEEPER),))
    assert isinstance(settle(world, liquidator=KEEPER), Settlement)


def test_vai__counts_as_debt__and_goes_first() -> None:
    world = World()
    held, owed = world.list(), world.list()
    world.supply(BORROWER, held, 100 * TOKEN)
    world.borrow(BORROWER, owed, 70 * TOKEN)
    world.with_vai()
    world.book.put(("vai",), VaiIndex(WAD + WAD // 10, 10**15, world.block))
    world.book.put(("vai_loan", BORROWER), VaiLoan(12 * TOKEN, 2 * TOKEN, WAD))
    world.book.put(("vai_borrowers",), (BORROWER,))
    health = world.market.health(BORROWER, world.frame())
    assert health.details["vai_debt"] == 13 * TOKEN
    assert health.details["shortfall"] == 3 * TOKEN
    assert world.market.screen(world.frame())[0] < 1
    world.through_liquidator(Split(vai_minimum=13 * TOKEN + 1, vai_first=1))
    assert isinstance(settle(world, TOKEN), Settlement)
    assert code(settle(world, TOKEN, blocks=1)) == "VAIDebtTooHigh"  # the Liquidator accrues VAI itself
    world.book.put(("paused", address(0xC3), int(Action.LIQUIDATE)), 1)
    assert isinstance(settle(world, TOKEN, blocks=1), Settlement)


@pytest.mark.parametrize(("key", "value"), [(("forced", 1), 1), (("forced_accounts",), ((1, BORROWER),))])
def test_forced__debt__may_be_liquidated_whole_without_a_shortfall(
    key: tuple[str | int, ...], value: Any
) -> None:
    world = short()
    world.supply(BORROWER, 0, 200 * TOKEN)
    world.book.put(key, value)
    (found,) = world.market.opportunities(BORROWER, world.frame())
    assert found.ranges == ((1, 90 * TOKEN),)
    health = world.market.health(BORROWER, world.frame())
    assert health.liquidatable
    assert health.health_factor > WAD
    assert world.market.screen(world.frame())[0] == 0


def test_redemption__fee__stays_with_the_treasury() -> None:
    world = short()
    world.book.put(("redeem_fee",), WAD // 100)
    assert settle(world) == Settlement(10 * TOKEN, 1089 * TOKEN // 100, 11 * TOKEN // 100)


def test_compound__keeps_a_share_of_what_is_seized__even_from_markets_not_entered() -> None:
    world = short(COMPOUND_V2, seize_share=28 * 10**15)
    assert settle(world) == Settlement(10 * TOKEN, 10692 * TOKEN // 1000, 308 * TOKEN // 1000)
    other = world.list(seize_share=28 * 10**15)
    world.supply(BORROWER, other, 50 * TOKEN, entered=False)
    settled = world.market.settle(offer(world, 1, other), 10 * TOKEN, world.frame())
    assert settled == Settlement(10 * TOKEN, 10692 * TOKEN // 1000, 308 * TOKEN // 1000)


def test_compound__price_missing_of_an_empty_entered_market__stops_everything() -> None:
    world = short(COMPOUND_V2)
    empty = world.list(price=0)
    world.book.set_enabled(BORROWER, empty, True)
    assert code(settle(world)) == "PRICE_ERROR"


def test_compound__deprecated_market__needs_no_shortfall() -> None:
    world = short(COMPOUND_V2)
    world.supply(BORROWER, 0, 200 * TOKEN)
    limits = world.book.get(("limits", 0, 1))
    world.book.put(("limits", 0, 1), limits._replace(factor=0, threshold=0))
    world.book.put(("paused", vtokens(world.book)[1], int(Action.BORROW)), 1)
    world.change(1, reserve_factor=WAD)
    (found,) = world.market.opportunities(BORROWER, world.frame())
    assert found.ranges == ((1, 90 * TOKEN),)
    assert world.market.screen(world.frame())[0] == 0


def test_native_markets__are_judged_but_not_planned() -> None:
    world = short(native=True)
    assert world.market.health(BORROWER, world.frame()).liquidatable
    assert code(settle(world)) == "NATIVE_MARKET"
    assert world.market.assets()[0].address == vtokens(world.book)[0]


def test_health__without_a_price__is_degraded() -> None:
    world = short()
    world.book.put(("price", 1), None)
    with pytest.raises(Degraded, match="no price"):
        world.market.health(BORROWER, world.frame())


def test_health__values__are_dollars_and_the_comptrollers_integers() -> None:
    world = short()
    health = world.market.health(BORROWER, world.frame())
    assert (health.collateral, health.debt) == (100 * 10**8, 90 * 10**8)
    assert health.details == {
        "weighted_collateral": 80 * TOKEN,
        "liquidity": 0,
        "shortfall": 10 * TOKEN,
        "vai_debt": 0,
    }
    assert health.health_factor == 80 * TOKEN * WAD // (90 * TOKEN)


def test_health__equality__is_healthy() -> None:
    world = short()
    world.supply(BORROWER, 0, 1125 * TOKEN // 10)
    assert not world.market.health(BORROWER, world.frame()).liquidatable
    world.supply(BORROWER, 0, 1125 * TOKEN // 10 - 2)
    assert world.market.health(BORROWER, world.frame()).liquidatable


def test_frame__prices_in_dollars__replace_the_oracles() -> None:
    world = World()
    number = world.list(decimals=6, price=3 * 10**30)
    (info,) = world.market.assets()
    assert info.price == 3 * 10**8
    assert world.market.frame(0, {info.address: 2 * 10**8}).markets[number].price == 2 * 10**30


def test_holdings__in_underlying__with_interest_to_the_frame() -> None:
    world = short()
    collateral, debt = world.market.holdings(BORROWER, world.frame())
    assert (collateral.amount, collateral.value, collateral.enabled) == (100 * TOKEN, 100 * 10**8, True)
    assert (debt.amount, debt.value) == (90 * TOKEN, 90 * 10**8)


def test_exhaust__hopeless_account__is_emptied_and_leaves_bad_debt() -> None:
    world = short()
    world.supply(BORROWER, 0, 22 * TOKEN)
    end = world.market.exhaust(BORROWER, world.frame())
    held, owed = (info.address for info in world.market.assets())
    assert end.seized == {held: 22 * TOKEN}
    assert end.repaid == {owed: 20 * TOKEN}
    assert end.bad_debt == {owed: 70 * TOKEN}


def test_exhaust__slightly_short_account__is_made_healthy() -> None:
    world = short()
    world.supply(BORROWER, 0, 112 * TOKEN)
    end = world.market.exhaust(BORROWER, world.frame())
    assert (end.steps, end.bad_debt) == (1, {})


def test_liquidate__on_paper__leaves_what_the_protocol_would() -> None:
    world = short()
    position = Position.of(world.book, BORROWER)
    pair = examine(position, 1, 0, world.frame())
    assert isinstance(pair, Pair)
    outcome = liquidate(pair, 10 * TOKEN)
    assert not isinstance(outcome, Refusal)
    assert outcome.after.tokens == {0: 89 * TOKEN}
    assert outcome.after.loans[1].principal == 80 * TOKEN
    assert outcome.after.accrued == {0, 1}
