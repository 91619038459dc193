"""Folding of single events: what each changes in the book, and what it must not."""

from collections.abc import Iterator
from typing import Any

import pytest

from keeper.index.snapshot import decode, encode
from keeper.protocols.aave_v3.configuration import DECIMALS, LTV, PAUSED, SUPPLY_CAP
from keeper.protocols.aave_v3.math import compound_interest_v3_4, linear_interest, ray_mul
from keeper.protocols.aave_v3.records import RECORD_TYPES, Accrual
from keeper.protocols.base import Side
from keeper.types import RAY, ZERO_ADDRESS, BlockRef, Hash
from tests.aave_v3_world import (
    ALICE,
    BOB,
    CONFIGURATOR,
    ORACLE,
    POOL,
    PROVIDER,
    TREASURY,
    World,
    a_token_of,
    address,
    feed_of,
    ids,
    make_log,
    v_token_of,
)

LIQUIDATION_CALL = "LiquidationCall(address,address,address,uint256,uint256,address,bool)"


@pytest.fixture
def world() -> World:
    return World()


def test_reserve_ids__slot_freed_by_a_drop__is_given_to_the_next_listing(world: World) -> None:
    first, second, third = world.list(), world.list(), world.list()
    world.configure("ReserveDropped(address)", second)
    fourth, fifth = world.list(), world.list()
    assert ids(world) == {first: 0, fourth: 1, third: 2, fifth: 3}


def test_listing__new_reserve__starts_active_with_the_decimals_of_its_a_token(world: World) -> None:
    world.list(decimals=6)
    bitmap = world.book.get(("configuration", 0))
    assert DECIMALS.read(bitmap) == 6
    assert world.book.get(("accrual", 0)) == Accrual(RAY, 0, RAY, 0, 0)
    (reserve,) = world.market.frame(world.now).reserves
    assert reserve is not None
    assert reserve.configuration.active


def test_listing__a_token_never_initialised__is_doubted(world: World) -> None:
    signature = "ReserveInitialized(address,address,address,address,address)"
    words = [ZERO_ADDRESS, address(9), ZERO_ADDRESS]
    world.emit(CONFIGURATOR, signature, [address(7), address(8)], words)
    assert "never initialised" in (world.market.doubt or "")
    assert not world.market.assets()


@pytest.mark.parametrize(
    ("event", "words", "field", "value"),
    [
        ("CollateralConfigurationChanged(address,uint256,uint256,uint256)", [1, 2, 3], LTV, 1),
        ("ReservePaused(address,bool)", [1], PAUSED, 1),
        ("SupplyCapChanged(address,uint256,uint256)", [5, 9], SUPPLY_CAP, 9),
    ],
)
def test_configuration__changed_by_an_event__changes_only_its_field(
    world: World, event: str, words: list[int], field: Any, value: int
) -> None:
    asset = world.list()
    before = world.book.get(("configuration", 0))
    world.configure(event, asset, *words)
    after = world.book.get(("configuration", 0))
    assert field.read(after) == value
    if field is not LTV:
        assert field.write(after, field.read(before)) == before


def test_borrowable_in_isolation__asset_not_indexed__is_still_found(world: World) -> None:
    asset = world.list()
    world.emit(CONFIGURATOR, "BorrowableInIsolationChanged(address,bool)", [], [asset, 1])
    assert world.book.get(("configuration", 0)) >> 61 & 1


def test_unknown_contracts__their_events__change_no_position(world: World) -> None:
    asset = world.list()
    stranger = address(0xBAD)
    mint = "Mint(address,address,uint256,uint256,uint256)"
    world.emit(stranger, mint, [ALICE, ALICE], [10, 0, RAY])
    world.emit(stranger, "ReserveUsedAsCollateralEnabled(address,address)", [asset, ALICE])
    world.emit(stranger, "PriceOracleUpdated(address,address)", [ORACLE, stranger])
    world.emit(stranger, "AnswerUpdated(int256,uint256,uint256)", [5, 1], [0])
    assert list(world.book.accounts()) == []
    assert world.market.assets()[0].price == 10**8


def test_balance_transfer__scaled_amount__moves_between_accounts(world: World) -> None:
    asset = world.list()
    world.supply(ALICE, asset, 100)
    signature = "BalanceTransfer(address,address,uint256,uint256)"
    world.emit(a_token_of(asset), signature, [ALICE, BOB], [30, RAY])
    world.emit(a_token_of(asset), signature, [BOB, BOB], [30, RAY])
    assert world.book.quantity(ALICE, 0, Side.COLLATERAL) == 70
    assert world.book.quantity(BOB, 0, Side.COLLATERAL) == 30
    assert not world.book.enabled(BOB, 0)


def test_burn__more_than_the_logs_gave__is_doubted_and_stops_at_zero(world: World) -> None:
    asset = world.list()
    world.supply(ALICE, asset, 100)
    burn = "Burn(address,address,uint256,uint256,uint256)"
    world.emit(a_token_of(asset), burn, [ALICE, ALICE], [150, 0, RAY])
    assert world.book.quantity(ALICE, 0, Side.COLLATERAL) == 0
    assert "start_block" in (world.market.doubt or "")


def test_debt__minted_and_burnt__keeps_the_scaled_total(world: World) -> None:
    asset = world.list()
    world.borrow(ALICE, asset, 100)
    world.borrow(BOB, asset, 50)
    burn = "Burn(address,address,uint256,uint256,uint256)"
    world.emit(v_token_of(asset), burn, [ALICE, ZERO_ADDRESS], [40, 0, RAY])
    assert world.book.get(("scaled_debt", 0)) == 110


def test_liquidation__liquidator_takes_a_tokens__checkpoints_the_collateral_reserve(world: World) -> None:
    collateral, debt = world.list(), world.list()
    world.borrow(BOB, collateral, 10**18)
    rates = (RAY // 50, RAY // 25)
    world.accrue(collateral, RAY, RAY, rates)
    world.now += 1_000
    world.emit(POOL, LIQUIDATION_CALL, [collateral, debt, ALICE], [1, 1, BOB, 1])
    assert world.book.get(("accrual", 0)) == Accrual(
        ray_mul(linear_interest(rates[0], 1_000), RAY),
        rates[0],
        ray_mul(compound_interest_v3_4(rates[1], 1_000), RAY),
        rates[1],
        world.now,
    )


def test_liquidation__no_debt_in_the_collateral_reserve__leaves_its_borrow_index(world: World) -> None:
    collateral, debt = world.list(), world.list()
    world.accrue(collateral, RAY, RAY, (0, RAY // 25))
    world.now += 1_000
    world.emit(POOL, LIQUIDATION_CALL, [collateral, debt, ALICE], [1, 1, BOB, 1])
    accrual = world.book.get(("accrual", 0))
    assert (accrual.liquidity_index, accrual.borrow_index) == (RAY, RAY)
    assert accrual.updated == world.now


def test_liquidation__liquidator_takes_the_underlying__leaves_indexes_to_reserve_data(world: World) -> None:
    collateral, debt = world.list(), world.list()
    world.accrue(collateral, RAY, RAY, (RAY // 50, RAY // 25))
    before = world.book.get(("accrual", 0))
    world.now += 1_000
    world.emit(POOL, LIQUIDATION_CALL, [collateral, debt, ALICE], [1, 1, BOB, 0])
    assert world.book.get(("accrual", 0)) == before


def test_liquidation_events__a_receipt__are_found_among_other_logs(world: World) -> None:
    collateral, debt = world.list(), world.list()
    mine = make_log(POOL, LIQUIDATION_CALL, [collateral, debt, ALICE], [11, 22, BOB, 0])
    foreign = make_log(PROVIDER, LIQUIDATION_CALL, [collateral, debt, ALICE], [1, 2, BOB, 0])
    (event,) = world.market.liquidation_events([foreign, mine])
    assert (event.account, event.debt, event.collateral) == (ALICE, debt, collateral)
    assert (event.repaid, event.seized, event.liquidator) == (11, 22, BOB)


def test_deficit__created_and_partly_covered__is_what_remains(world: World) -> None:
    asset = world.list()
    world.emit(POOL, "DeficitCreated(address,address,uint256)", [ALICE, asset], [100])
    world.emit(POOL, "DeficitCovered(address,address,uint256)", [asset], [BOB, 30])
    assert world.market.bad_debt() == {asset: 70}


def test_pool__replaced_by_another_proxy__is_doubted(world: World) -> None:
    name = "0x" + b"POOL".hex().ljust(64, "0")
    world.emit(PROVIDER, "AddressSet(bytes32,address,address)", [name, POOL, address(6)])
    assert "was replaced" in (world.market.doubt or "")


def test_price__feed_answers__follows_until_the_source_changes(world: World) -> None:
    asset = world.list(price=100)
    world.answer(feed_of(asset), 120)
    assert world.market.assets()[0].price == 120
    other = address(0xFEED)
    world.answer(other, 77)
    world.emit(ORACLE, "AssetSourceUpdated(address,address)", [asset, other])
    assert world.market.assets()[0].price == 77
    world.answer(feed_of(asset), 130)
    assert world.market.assets()[0].price == 77
    assert other in world.market.addresses()


def test_price__answer_not_positive__is_unknown(world: World) -> None:
    asset = world.list(price=100)
    world.answer(feed_of(asset), -1)
    assert world.market.assets()[0].price is None


def test_price__oracle_replaced__comes_from_the_new_oracles_sources(world: World) -> None:
    asset = world.list(price=100)
    oracle, feed = address(0x0AC1E), address(0xFEED)
    world.answer(feed, 55)
    world.emit(oracle, "AssetSourceUpdated(address,address)", [asset, feed])
    assert world.market.assets()[0].price == 100
    world.emit(PROVIDER, "PriceOracleUpdated(address,address)", [ORACLE, oracle])
    assert world.market.assets()[0].price == 55
    assert oracle in world.market.addresses()


def test_premium__updated__sets_the_flash_fee_rounded_up(world: World) -> None:
    signature = "FlashloanPremiumTotalUpdated(uint128,uint128)"
    world.emit(CONFIGURATOR, signature, [], [0, 5])
    [lender] = world.market.flash_sources()
    assert [lender.fee(ZERO_ADDRESS, amount) for amount in (10_000, 10_001)] == [5, 6]


def _steps(world: World) -> Iterator[None]:
    """Something of everything, one change at a time."""
    first = world.list()
    yield
    second = world.list(decimals=6)
    yield
    world.supply(ALICE, first, 10**18)
    yield
    world.borrow(ALICE, second, 10**6)
    yield
    world.accrue(first, RAY + 5, RAY + 7, (1, 2))
    yield
    world.emit(CONFIGURATOR, "AssetCollateralInEModeChanged(address,uint8,bool)", [first], [3, 1])
    yield
    world.emit(POOL, "UserEModeSet(address,uint8)", [ALICE], [3])
    yield
    world.emit(POOL, "DeficitCreated(address,address,uint256)", [TREASURY, second], [9])
    yield
    world.configure("ReserveDropped(address)", second)
    yield


def test_journal__every_step_undone__gives_back_every_state_before(world: World) -> None:
    states = [encode(world.book)]
    block = BlockRef(1, Hash("0x"), Hash("0x"), 0, 0)
    world.book.journal.open_block(block)
    for _ in _steps(world):
        states.append(encode(world.book))
        world.book.journal.open_block(block)
    for state in reversed(states):
        world.book.journal.undo_last()
        assert _records(encode(world.book)) == _records(state)


def _records(saved: bytes) -> dict[Any, Any]:
    book = decode(saved, RECORD_TYPES)
    legs = {account: list(book.legs(account)) for account in book.accounts()}
    return {"legs": {k: v for k, v in legs.items() if v}, **dict(book.records())}


def test_snapshot__saved_and_restored__answers_the_same(world: World) -> None:
    for _ in _steps(world):
        pass
    restored = decode(encode(world.book), RECORD_TYPES)
    assert dict(restored.records()) == dict(world.book.records())
    again = World()
    again.book, again.market.book = restored, restored
    frame = world.market.frame(world.now + 60)
    assert again.market.frame(world.now + 60) == frame
    assert again.market.assets() == world.market.assets()
