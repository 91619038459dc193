"""The planner against brute force: every pair, every route, a grid of amounts, the chain's own quotes."""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from random import Random
from typing import NamedTuple

import pytest

from keeper.devnet.borrowers import Mix
from keeper.devnet.network import Network
from keeper.plan.model import Plan, Rejection
from keeper.plan.planner import Planner
from keeper.plan.strategy import Strategy
from keeper.plan.uniswap_v3 import UniswapV3
from keeper.plan.uniswap_v3.gas import TICK_GAS
from keeper.risk.scan import scan
from keeper.types import USD, WAD, Address, BlockRef
from tests.brute_force import BruteForce, Costs
from tests.differential import Following, following

BORROWERS = 420
RISKY = Mix(near_limit=85)
ACCOUNTS = 100
ENOUGH = 98
"""Percent of the best net profit that a plan must reach."""

LATER = 12
"""Seconds from the block that is planned on to the one that is planned for."""

GAS_PRICE = 10 * 10**9
TICK_USD = TICK_GAS * GAS_PRICE * 4000 * USD // WAD
"""QuoterV2 counts a tick as crossed that a swap stops at; the gas of one is what two prices may differ by."""

STRATEGY = Strategy(min_profit_usd=1, max_gas_price=GAS_PRICE)
"""Takes whatever earns anything at all."""


class Scene(NamedTuple):
    """A market in trouble. Prices fall by percents (below 0 they rise); the exchange misses the second fall.

    `partial`: how many plans must leave a part of what may be repaid, because more of it pays less.
    `alone`: the accounts are planned one by one, so that none profits from what is asked for another.
    """

    name: str
    seed: int
    depth_percent: int
    fall: Mapping[str, int]
    surprise: Mapping[str, int]
    partial: int
    alone: bool = False


STALE = {"WETH": 38, "wstETH": 41, "WBTC": 37}
REBOUND = {"WETH": -6, "WBTC": -5, "USDT": 4}
SCENES = (
    Scene("deep", 11, 100, {"WETH": 28, "wstETH": 30, "WBTC": 22, "LINK": 33}, {}, 0),
    Scene("thin", 12, 2, {"WETH": 24, "wstETH": 25, "WBTC": 30, "LINK": 20, "GOLD": 25}, {}, 10),
    Scene("apart", 22, 5, {"WETH": -40, "wstETH": -10, "WBTC": 25, "LINK": 30}, {}, 10),
    Scene("stale", 14, 5, STALE, REBOUND, 10),
    Scene("alone", 23, 3, STALE, REBOUND, 10, alone=True),
)


class Judged(NamedTuple):
    """Net profits, USD with 8 decimals: what the planner says, what its plan is worth, the best there is.

    `planned` and `worth` are None for a rejection.
    """

    account: Address
    planned: int | None
    worth: int | None
    best: int
    partial: bool

    @property
    def good(self) -> bool:
        """Whether a profitable account has a plan that is good enough, and any other has none.

        A sale over several routes at once may pay where none of them does alone.
        """
        if self.planned is None:
            return self.best <= 0
        assert self.worth is not None
        told = abs(self.planned - self.worth) <= TICK_USD
        return told and self.planned > 0 and self.planned * 100 >= self.best * ENOUGH


@asynccontextmanager
async def crashed(scene: Scene) -> AsyncIterator[tuple[Network, Following, BlockRef]]:
    async with (
        Network.start(
            borrowers=BORROWERS, seed=scene.seed, mix=RISKY, depth_percent=scene.depth_percent
        ) as network,
        following(network.anvil, network.market) as follows,
    ):
        await network.actors.crash(scene.fall)
        await network.arbitrageur.act()
        await network.actors.crash(scene.surprise)
        yield network, follows, await follows.catch_up()


async def judge(scene: Scene) -> list[Judged]:
    """Plan ACCOUNTS random liquidatable accounts, and look for something better."""
    async with crashed(scene) as (network, follows, head):
        market, exchange = follows.market, network.exchange
        frame = market.frame(head.timestamp + LATER)
        accounts = sorted(health.account for health in scan(market, frame).liquidatable)
        accounts = Random(scene.seed).sample(accounts, ACCOUNTS)
        ether = next(asset.price for asset in market.assets() if asset.symbol == "WETH")
        assert ether is not None
        planner = Planner(follows.chain, [UniswapV3(exchange.factory, exchange.quoter)], STRATEGY)
        bursts = [[account] for account in accounts] if scene.alone else [accounts]
        results = [
            result
            for burst in bursts
            for result in await planner.plan(market, frame, head, burst, GAS_PRICE, ether)
        ]
        costs = Costs(STRATEGY.gas, GAS_PRICE, ether)
        brute = BruteForce(follows.chain, exchange, market, frame, head.number, costs)
        return await compare(results, brute)


async def compare(results: Sequence[Plan | Rejection], brute: BruteForce) -> list[Judged]:
    best = await brute.best(result.account for result in results)
    worths = iter(await brute.plans([result for result in results if isinstance(result, Plan)]))
    judged = []
    for result in results:
        most = best[result.account][0] if result.account in best else 0
        if isinstance(result, Plan):
            partial = result.settlement.repay < result.opportunity.ranges[-1][1] * 99 // 100
            judged.append(Judged(result.account, result.profit.net_usd, next(worths), most, partial))
        else:
            judged.append(Judged(result.account, None, None, most, partial=False))
    return judged


@pytest.mark.parametrize("scene", SCENES, ids=[scene.name for scene in SCENES])
async def test_plan__hundred_random_accounts__reaches_the_best_of_all_pairs_routes_and_amounts(
    scene: Scene,
) -> None:
    judged = await judge(scene)
    assert [each for each in judged if not each.good] == []
    assert len(judged) == ACCOUNTS
    assert 30 <= sum(each.planned is not None for each in judged) < ACCOUNTS
    assert sum(each.partial for each in judged) >= scene.partial
