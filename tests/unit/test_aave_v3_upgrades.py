"""A deployment that is upgraded while its logs are folded, and one of a revision nobody knows."""

from collections.abc import Sequence

import pytest

from keeper.errors import Degraded
from keeper.protocols.aave_v3.configuration import VIRTUAL_ACCOUNTING
from keeper.protocols.aave_v3.math import ray_div
from keeper.protocols.base import Side
from keeper.types import RAY, WAD, Address, BlockRef, Hash, Log
from tests.aave_v3_world import (
    ALICE,
    BOB,
    CONFIGURATOR,
    ORACLE,
    POOL,
    PROVIDER,
    START,
    Answers,
    World,
    a_token_of,
    address,
    answers_of,
    make_log,
    v_token_of,
)

HEAD = BlockRef(7, Hash("0x07"), Hash("0x06"), START, 0)
MINT = "Mint(address,address,uint256,uint256,uint256)"
BURN = "Burn(address,address,uint256,uint256,uint256)"


class Upgradable(World):
    """A world whose proxies can be upgraded, with the contracts behind them to ask."""

    def __init__(self, revision: int) -> None:
        super().__init__(revision)
        self.answers = Answers()

    def upgrade(self, proxy: Address, view: str, revision: int, *also: str) -> None:
        """Point `proxy` to a new implementation that answers `revision` to `view`, 0 to `also`."""
        implementation = address(0xC0DE0000 + revision + int(proxy, 16) % 0x1000 * 0x100)
        self.answers.set(implementation, view, revision)
        for function in also:
            self.answers.set(implementation, function, 0)
        self.follow([make_log(proxy, "Upgraded(address)", [implementation])])

    def follow(self, logs: Sequence[Log]) -> None:
        """As the follower does: first the facts, then the folding."""
        self.answers.drive(self.market.prepare(logs))
        for log in logs:
            self.market.fold(log, self.now)


def test_pool__upgraded_through_every_release__computes_by_the_newest() -> None:
    world = Upgradable(1)
    seen = [world.market.rules.release]
    for revision in range(2, 12):
        world.upgrade(POOL, "POOL_REVISION()", revision)
        seen.append(world.market.rules.release)
    assert seen == ["3.0", "3.0", "3.0", "3.1", "3.2", "3.2", "3.3", "3.4", "3.5", "3.6", "3.7"]
    assert world.market.doubt is None


def test_pool__upgrade_undone_by_a_reorganisation__computes_by_the_release_before() -> None:
    world = Upgradable(8)
    world.book.journal.open_block(HEAD)
    world.upgrade(POOL, "POOL_REVISION()", 9)
    assert world.market.rules.release == "3.5"
    world.book.journal.undo_last()
    assert world.market.rules.release == "3.4"


def test_pool__proxy_created_in_the_logs__runs_the_release_of_that_implementation() -> None:
    world = Upgradable(11)
    name = "0x" + b"POOL".hex().ljust(64, "0")
    implementation = address(0xC0DE)
    world.answers.set(implementation, "POOL_REVISION()", 2)
    world.follow([make_log(PROVIDER, "ProxyCreated(bytes32,address,address)", [name, POOL, implementation])])
    assert world.market.rules.release == "3.0"


def test_pool__upgraded_to_v3_1__every_reserve_counts_its_own_liquidity_from_then_on() -> None:
    world = Upgradable(3)
    world.list()
    assert not VIRTUAL_ACCOUNTING.read(world.book.get(("configuration", 0)))
    world.upgrade(POOL, "POOL_REVISION()", 4)
    world.list()
    for number in (0, 1):
        assert VIRTUAL_ACCOUNTING.read(world.book.get(("configuration", number)))


def test_a_token__upgraded_to_v3_5__its_events_are_read_by_the_new_rounding() -> None:
    world = Upgradable(8)
    asset = world.list()
    token, index = a_token_of(asset), RAY + RAY // 3
    world.emit(token, MINT, [ALICE, ALICE], [1_000, 0, index])
    assert world.book.quantity(ALICE, 0, Side.COLLATERAL) == ray_div(1_000, index) == 750
    world.upgrade(token, "ATOKEN_REVISION()", 4)
    # 750 scaled are worth 999 now, rounded down; 1 more makes 1,000, which takes 751 scaled.
    world.emit(token, MINT, [ALICE, ALICE], [1, 0, index])
    assert world.book.quantity(ALICE, 0, Side.COLLATERAL) == 751
    assert world.market.doubt is None


def test_tokens__of_one_reserve_upgraded__leaves_those_of_the_others() -> None:
    world = Upgradable(8)
    first, second = world.list(), world.list()
    world.upgrade(v_token_of(first), "DEBT_TOKEN_REVISION()", 4)
    for asset in (first, second):
        world.emit(v_token_of(asset), MINT, [ALICE, ALICE], [5, 0, 2 * RAY])
    # 5 / 2 half up is 3; what has a balance of 5, rounded up, is 2.
    assert world.book.quantity(ALICE, 0, Side.DEBT) == 2
    assert world.book.quantity(ALICE, 1, Side.DEBT) == 3


@pytest.mark.parametrize(
    ("what", "view"),
    [
        ("pool", "POOL_REVISION()"),
        ("configurator", "CONFIGURATOR_REVISION()"),
        ("a_token", "ATOKEN_REVISION()"),
        ("v_token", "DEBT_TOKEN_REVISION()"),
    ],
)
def test_upgrade__to_an_unknown_revision__is_doubted_but_folding_goes_on(what: str, view: str) -> None:
    world = Upgradable(10)
    asset = world.list()
    proxies = {
        "pool": POOL,
        "configurator": CONFIGURATOR,
        "a_token": a_token_of(asset),
        "v_token": v_token_of(asset),
    }
    world.upgrade(proxies[what], view, 77)
    assert "revision 77, which this keeper does not know" in (world.market.doubt or "")
    world.supply(ALICE, asset, 5)
    assert world.book.quantity(ALICE, 0, Side.COLLATERAL) == 5


def test_upgrade__implementation_that_says_nothing__is_doubted() -> None:
    world = Upgradable(10)
    world.follow([make_log(POOL, "Upgraded(address)", [address(0xBAD)])])
    assert "revision None" in (world.market.doubt or "")


def test_prepare__implementation_already_known__asks_nothing_more() -> None:
    world = Upgradable(10)
    world.upgrade(POOL, "POOL_REVISION()", 11)
    asked = len(world.answers.asked)
    assert asked > 0
    world.upgrade(POOL, "POOL_REVISION()", 11)
    assert len(world.answers.asked) == asked


@pytest.fixture
def unknown() -> tuple[World, Answers]:
    """A pool of revision 12: Alice owes, Bob only supplies."""
    world = World(12)
    asset = world.list()
    world.supply(ALICE, asset, 10**20)
    world.supply(BOB, asset, 10**20)
    world.borrow(ALICE, asset, 10**18)
    answers = answers_of(asset)
    answers.set(POOL, "POOL_REVISION()", 12)
    answers.set(POOL, "getUserAccountData(address)", 200, 100, 30, 8_000, 7_500, 95 * WAD // 100)
    return world, answers


def test_unknown_release__accounts_that_owe__are_as_the_pool_says(unknown: tuple[World, Answers]) -> None:
    world, answers = unknown
    with pytest.raises(Degraded, match="not been asked"):
        world.market.health(ALICE, world.market.frame(world.now))
    answers.drive(world.market.refresh(HEAD))
    frame = world.market.frame(world.now)
    health = world.market.health(ALICE, frame)
    assert (health.collateral, health.debt, health.health_factor) == (200, 100, 95 * WAD // 100)
    assert health.liquidatable
    assert health.details["liquidation_threshold"] == 8_000
    assert [float(factor) for factor in world.market.screen(frame)] == [0.95, float("inf")]


def test_unknown_release__nothing__can_be_liquidated(unknown: tuple[World, Answers]) -> None:
    world, answers = unknown
    answers.drive(world.market.refresh(HEAD))
    assert world.market.opportunities(ALICE, world.market.frame(world.now)) == []
    assert "does not know" in (world.market.doubt or "")


def test_unknown_release__account_that_owes_no_more__is_forgotten(unknown: tuple[World, Answers]) -> None:
    world, answers = unknown
    answers.drive(world.market.refresh(HEAD))
    world.emit(v_token_of(world.market.assets()[0].address), BURN, [ALICE, ALICE], [10**18, 0, RAY])
    answers.drive(world.market.refresh(HEAD))
    assert world.market.frame(world.now).read == {}


def test_verification__token_of_another_revision_than_its_pool__is_doubted() -> None:
    world = World(8)
    answers = answers_of(world.list())
    answers.drive(world.market.refresh(HEAD))
    assert "of another revision" in (world.market.doubt or "")


def test_verification__tokens_of_the_pools_release__asks_once_and_is_content() -> None:
    world = World(10)
    answers = answers_of(world.list())
    answers.drive(world.market.refresh(HEAD))
    assert world.market.doubt is None
    answers.revert(a_token_of(world.market.assets()[0].address), "ATOKEN_REVISION()")
    answers.drive(world.market.refresh(HEAD))
    assert world.market.doubt is None


class TestDiscounts:
    """GHO on Ethereum before v3.4: the debt token gives discounts that events do not carry."""

    def world(self, revision: int) -> tuple[Upgradable, Answers, Address]:
        world = Upgradable(revision)
        asset = world.list()
        token = v_token_of(asset)
        world.borrow(ALICE, asset, 1_000)
        answers = answers_of(asset)
        answers.set(a_token_of(asset), "ATOKEN_REVISION()", 2)
        answers.set(token, "DEBT_TOKEN_REVISION()", 2)
        answers.set(token, "getDiscountToken()", address(9))
        answers.set(token, "scaledBalanceOf(address)", 900)
        answers.set(token, "balanceOf(address)", 1_600)
        answers.set(POOL, "getReserveNormalizedVariableDebt(address)", 2 * RAY)
        answers.set(asset, "balanceOf(address)", 10**24)
        return world, answers, asset

    def test_discounted_debt__up_to_v3_2__is_read_as_scaled(self) -> None:
        world, answers, _ = self.world(1)
        answers.drive(world.market.refresh(HEAD))
        assert world.book.quantity(ALICE, 0, Side.DEBT) == 900
        assert world.book.get(("scaled_debt", 0)) == 900
        assert world.market.doubt is None

    def test_discounted_debt__in_v3_3__is_what_is_owed_after_the_discount(self) -> None:
        world, answers, _ = self.world(7)
        answers.drive(world.market.refresh(HEAD))
        assert world.book.quantity(ALICE, 0, Side.DEBT) == 800

    def test_discounted_debt__account_under_water__is_not_liquidated(self) -> None:
        world, answers, asset = self.world(1)
        collateral = world.list()
        world.supply(ALICE, collateral, 1)
        answers.set(POOL, "getReservesList()", 32, 2, asset, collateral)
        answers.set(ORACLE, "getAssetsPrices(address[])", 32, 2, 10**20, 1)
        answers.drive(world.market.refresh(HEAD))
        frame = world.market.frame(world.now)
        assert world.market.health(ALICE, frame).liquidatable
        assert world.market.opportunities(ALICE, frame) == []

    def test_discounted_debt__token_upgraded_to_v3_4__is_read_once_more_and_then_from_events(self) -> None:
        world, answers, asset = self.world(1)
        answers.drive(world.market.refresh(HEAD))
        token = v_token_of(asset)
        hook = "updateDiscountDistribution(address,address,uint256,uint256,uint256)"
        world.upgrade(token, "DEBT_TOKEN_REVISION()", 4, hook)
        answers.set(token, "scaledBalanceOf(address)", 950)
        answers.drive(world.market.refresh(HEAD))
        assert world.book.quantity(ALICE, 0, Side.DEBT) == 950
        answers.set(token, "scaledBalanceOf(address)", 1)
        world.emit(token, MINT, [ALICE, ALICE], [10, 0, RAY])
        answers.drive(world.market.refresh(HEAD))
        assert world.book.quantity(ALICE, 0, Side.DEBT) == 960
