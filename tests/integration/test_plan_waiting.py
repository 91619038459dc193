"""Sizes that wait: the pool of a devnet takes every planned request in the next block and in the last one."""

from dataclasses import replace

from benchmarks.scene import Scene, followed
from keeper.devnet.borrowers import Mix
from keeper.errors import CallReverted
from keeper.plan.lasting import Horizon
from keeper.plan.model import Plan
from keeper.plan.planner import Planner
from keeper.plan.strategy import Strategy
from keeper.plan.uniswap_v3 import UniswapV3
from keeper.ports import NextBlock
from keeper.risk.scan import scan
from keeper.types import USD, WAD, Address, Call

LIQUIDATOR = Address("0x" + "11" * 20)
CRASH = {"WETH": 8, "wstETH": 8, "WBTC": 8, "LINK": 8}
WAITS = (0, 1, 12, 72, 144)
"""Seconds after the block that is planned for."""


async def planned(scene: Scene, timestamp: int) -> list[Plan]:
    market, exchange = scene.market, scene.network.exchange
    venue = UniswapV3(exchange.factory, exchange.quoter)
    planner = Planner(scene.chain, [venue], Strategy(USD, max_gas_price=10**12, two_steps=False))
    frame, later = market.frame(timestamp), Horizon.of(market, timestamp + WAITS[-1])
    accounts = [health.account for health in scan(market, frame).liquidatable]
    prices = await scene.network.actors.prices()
    found = await planner.burst(market, frame, scene.head, accounts, 2 * 10**9, prices["WETH"], later=later)
    return [plan for plan in found if isinstance(plan, Plan)]


async def refusals(scene: Scene, plan: Plan, timestamp: int) -> list[tuple[int, str]]:
    """When the pool would refuse the plan's request."""
    pair, found = plan.opportunity, list[tuple[int, str]]()
    data = scene.network.market.contracts["PoolInstance"].encode(
        "liquidationCall", pair.collateral.address, pair.debt.address, plan.account, plan.request, False
    )
    for wait in WAITS:
        then = NextBlock(scene.head.number + 1 + wait, timestamp + wait)
        try:
            await scene.chain.simulate(Call(scene.network.market.pool, data), LIQUIDATOR, then)
        except CallReverted as error:
            found.append((wait, f"{plan.account}: {error.data.hex()}"))
    return found


async def test_burst__requests_that_wait__are_taken_in_every_block_until_the_last() -> None:
    async with followed(borrowers=250, crash=CRASH, mix=Mix(near_limit=85, dust=0, whales=0)) as scene:
        timestamp = scene.head.timestamp + 12
        plans = await planned(scene, timestamp)
        assert len(plans) > 50
        for symbol in {plan.opportunity.debt.symbol for plan in plans}:
            await scene.network.actors.give(LIQUIDATOR, symbol, 10**9 * WAD)
        now = scene._replace(head=await scene.chain.block())
        assert now.head.timestamp < timestamp
        assert [each for plan in plans for each in await refusals(now, plan, timestamp)] == []
        short = [replace(plan, headroom=0) for plan in plans if plan.headroom]
        assert [each for plan in short for each in await refusals(now, plan, timestamp)], "headroom matters"
