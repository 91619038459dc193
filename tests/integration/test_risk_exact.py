"""Risk figures against the contracts: what a stress or a crossing foretells is what the chain then says."""

from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from fractions import Fraction
from typing import NamedTuple

import pytest

from keeper.devnet.aave.view import AccountData
from keeper.devnet.network import Network
from keeper.devnet.node import BLOCK_TXS, Tx
from keeper.devnet.tokens import approve, mint
from keeper.protocols.aave_v3.exhaust import largest, pool_of
from keeper.protocols.aave_v3.liquidation import liquidate
from keeper.protocols.aave_v3.market import AaveV3Market
from keeper.protocols.aave_v3.position import Position
from keeper.protocols.base import Refusal
from keeper.risk.crossing import price_crossings, time_crossing
from keeper.risk.scan import borrowers
from keeper.risk.stress import Shock, shocked_prices, stress
from keeper.types import WAD, Address
from tests.differential import following

LIQUIDATOR = Address("0x" + "b0" * 20)
GIANT = Address("0x" + "b1" * 20)
PLENTY = 10**9
CALLS = BLOCK_TXS - 20
"""Liquidations and price moves that share one block, and so one second."""

SOON = 60


class Scene(NamedTuple):
    """A devnet, the market folded up to its newest block, and that block's time."""

    network: Network
    market: AaveV3Market
    now: int

    def symbol(self, asset: Address) -> str:
        return {reserve.token: reserve.symbol for reserve in self.network.market.reserves}[asset]

    async def at_time(self, timestamp: int) -> None:
        """The next block gets `timestamp`."""
        await self.network.node.request("evm_setNextBlockTimestamp", hex(timestamp))

    async def accounts(self) -> dict[Address, AccountData]:
        """What the pool says of every borrower at the newest block."""
        users = [GIANT, *(borrower.address for borrower in self.network.borrowers)]
        answers = await self.network.actors.view.accounts(users)
        return {user: data for user, data in zip(users, answers, strict=True) if data.debt}

    @asynccontextmanager
    async def supposing(self, timestamp: int, prices: dict[str, int]) -> AsyncIterator[None]:
        """A block at `timestamp` in which the feeds give `prices`; undone afterwards."""
        node = self.network.node
        before = await node.request("evm_snapshot")
        await self.at_time(timestamp)
        if prices:
            await self.network.actors.set_prices(prices)
        else:
            await node.request("evm_mine")
        assert await node.timestamp() == timestamp
        yield
        await node.request("evm_revert", before)


@pytest.fixture
async def scene() -> AsyncIterator[Scene]:
    async with Network.start(borrowers=150, seed=5) as network:
        await make_money_dear(network)
        async with following(network.anvil, network.market) as follows:
            head = await follows.catch_up()
            yield Scene(network, follows.market, head.timestamp)


async def make_money_dear(network: Network) -> None:
    """Somebody borrows so much that interest carries weight within months."""
    await network.actors.give(GIANT, "WETH", 1_000_000 * WAD)
    await network.actors.supply(GIANT, "WETH", 1_000_000 * WAD)
    for symbol, amount in {"USDC": 440 * 10**12, "USDT": 440 * 10**12, "DAI": 170 * 10**24}.items():
        await network.actors.borrow(GIANT, symbol, amount)


def shocks(**percents: int) -> list[Shock]:
    return [Shock(symbol, Fraction(percent, 100)) for symbol, percent in percents.items()]


def feed_prices(scene: Scene, prices: dict[Address, int]) -> dict[str, int]:
    return {scene.symbol(asset): price for asset, price in prices.items()}


@pytest.mark.parametrize(
    "percents",
    [{"WETH": -20}, {"WETH": -45, "wstETH": -46, "WBTC": -40, "LINK": -60}, {"USDC": 12, "DAI": -15}],
    ids=["one", "deep", "stable"],
)
async def test_stress__then_the_feeds_really_move__chain_liquidates_the_same(
    percents: dict[str, int], scene: Scene
) -> None:
    prices = shocked_prices(scene.market, shocks(**percents))
    then = scene.now + SOON
    foretold = stress(scene.market, then, prices)
    frame = scene.market.frame(then, prices)
    healths = {health.account: health for health in borrowers(scene.market, frame)[0]}

    async with scene.supposing(then, feed_prices(scene, prices)):
        actual = await scene.accounts()

    unhealthy = {account: data for account, data in actual.items() if data.health_factor < WAD}
    assert {account for account, health in healths.items() if health.liquidatable} == set(unhealthy)
    assert foretold.accounts == len(unhealthy) > 0
    assert foretold.collateral == sum(data.collateral for data in unhealthy.values())
    assert foretold.debt == sum(data.debt for data in unhealthy.values())
    assert foretold.insolvency == sum(max(0, d.debt - d.collateral) for d in unhealthy.values())
    assert {account: health.health_factor for account, health in healths.items()} == {
        account: data.health_factor for account, data in actual.items()
    }


async def test_stress__then_liquidators_take_all__pool_books_the_same_deficit(scene: Scene) -> None:
    """Prices fall and every liquidation follows in one block, in the order that `exhaust` assumes."""
    falls = shocks(WETH=-50, wstETH=-50, WBTC=-45, LINK=-60, GOLD=-50)
    prices = shocked_prices(scene.market, falls)
    then = scene.now + SOON
    frame = scene.market.frame(then, prices)
    unhealthy = [health.account for health in borrowers(scene.market, frame)[0] if health.liquidatable]
    ends = {}
    calls: list[Tx] = []
    for account in unhealthy:
        steps = liquidations(scene, account, then, prices)
        if account != GIANT and len(calls) + len(steps) <= CALLS:
            ends[account] = scene.market.exhaust(account, frame)
            calls += steps
    assert len(calls) == sum(end.steps for end in ends.values()) > len(ends) > 20
    await give_plenty(scene)
    feeds = scene.network.market.feeds(scene.network.node)
    moves = [feeds.transmission(scene.symbol(asset), price) for asset, price in prices.items()]

    await scene.at_time(then)
    await scene.network.node.send_many([*moves, *calls])

    expected: Counter[Address] = Counter()
    for end in ends.values():
        expected.update(end.bad_debt)
    read = scene.network.market.read_pool
    actual = {
        reserve.token: await read(scene.network.node, "getReserveDeficit", reserve.token)
        for reserve in scene.network.market.reserves
    }
    assert actual == {token: expected[token] for token in actual}
    assert sum(amount > 0 for amount in actual.values()) >= 3
    healths = await scene.accounts()
    assert all(healths[account].health_factor >= WAD for account in ends if account in healths)


def liquidations(scene: Scene, account: Address, then: int, prices: dict[Address, int]) -> list[Tx]:
    """The steps of `exhaust` for one account as transactions."""
    frame = scene.market.frame(then, prices)
    position = Position.of(scene.market.book, account)
    txs = []
    while found := largest(position, pool_of(frame)):
        pair, outcome = found
        collateral, debt = pair.collateral.reserve.asset, pair.debt.reserve.asset
        # Where collateral runs out the pool itself cuts what was asked for; the cut amount leaves dust.
        asked = outcome.repay if isinstance(liquidate(pair, pair.most), Refusal) else pair.most
        data = ("liquidationCall", collateral, debt, account, asked, False)
        txs.append(scene.network.market.pool_tx(LIQUIDATOR, *data))
        position = outcome.after
    return txs


async def give_plenty(scene: Scene) -> None:
    market, node = scene.network.market, scene.network.node
    await node.fund([LIQUIDATOR])
    reserves: Sequence[tuple[Address, int]] = [(each.token, each.decimals) for each in market.reserves]
    before = await node.timestamp()
    txs = [mint(token, LIQUIDATOR, PLENTY * 10**decimals) for token, decimals in reserves]
    await node.send_many([*txs, *(approve(token, LIQUIDATOR, market.pool) for token, _ in reserves)])
    assert await node.timestamp() - before < SOON


async def test_price_crossings__feed_set_to_them__the_pool_changes_its_mind_at_that_very_unit(
    scene: Scene,
) -> None:
    then = scene.now + SOON
    close = [each.account for each in borrowers(scene.market, scene.market.frame(then))[0]][:12]
    sides = set()
    for account in close:
        crossings = price_crossings(scene.market, account, then)
        assert crossings
        for crossing in crossings:
            symbol = scene.symbol(crossing.asset.address)
            healthy = crossing.price + (1 if crossing.falls else -1)
            async with scene.supposing(then, {symbol: crossing.price}):
                at = await scene.network.actors.view.account(account)
            async with scene.supposing(then, {symbol: healthy}):
                beside = await scene.network.actors.view.account(account)
            assert at.health_factor < WAD <= beside.health_factor, (account, crossing)
            sides.add(crossing.falls)
    assert sides == {True, False}


async def test_time_crossing__chain_time_set_to_it__the_pool_changes_its_mind_in_that_very_second(
    scene: Scene,
) -> None:
    close = [each.account for each in borrowers(scene.market, scene.market.frame(scene.now))[0]][:15]
    found = 0
    for account in close:
        when = time_crossing(scene.market, account, scene.now)
        if when is None:
            continue
        found += 1
        async with scene.supposing(when, {}):
            at = await scene.network.actors.view.account(account)
        async with scene.supposing(when - 1, {}):
            before = await scene.network.actors.view.account(account)
        assert at.health_factor < WAD <= before.health_factor, account
    assert found >= 5
