"""Large plans are confirmed by several nodes at one block: one that lies does not decide."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import NamedTuple

from eth_utils.crypto import keccak

from keeper.chain.pool import Pool
from keeper.chain.rpc import Rpc
from keeper.devnet.faults.fault import Fault, Kind
from keeper.devnet.faults.proxy import FaultProxy
from keeper.devnet.network import Network
from keeper.plan.confirm import Confirmer
from keeper.plan.model import Plan, Reason, Rejection
from keeper.plan.planner import Planner
from keeper.plan.strategy import Strategy
from keeper.plan.uniswap_v3 import UniswapV3
from keeper.protocols.base import Side
from keeper.risk.scan import scan
from keeper.types import USD
from tests.differential import Following, following

CRASH = {"WETH": 30, "WBTC": 25}
LATER = 12
ACCOUNT_DATA = "0x" + keccak(text="getUserAccountData(address)")[:4].hex()


class Scene(NamedTuple):
    """A crashed market, the plans for it, and a chain of one honest node and one behind a proxy."""

    follows: Following
    chain: Pool
    proxy: FaultProxy
    plans: list[Plan | Rejection]

    async def sifted(self, nodes: int, above_usd: int) -> list[Plan | Rejection]:
        """The plans once `nodes` nodes were asked about those of `above_usd` or more."""
        confirmer = Confirmer(self.chain, nodes, above_usd)
        head = await self.follows.chain.block()
        return await confirmer.sift(self.follows.follower.market, head, self.plans)


@asynccontextmanager
async def crashed() -> AsyncIterator[Scene]:
    async with (
        Network.start(borrowers=30, seed=4) as network,
        following(network.anvil, network.market) as follows,
        FaultProxy.start(network.anvil.http, seed=1) as proxy,
        Pool([Rpc(proxy.http), Rpc(network.anvil.http)], network.anvil.chain_id) as chain,
    ):
        await network.actors.crash(CRASH)
        head = await follows.catch_up()
        market = follows.follower.market
        frame = market.frame(head.timestamp + LATER)
        venue = UniswapV3(network.exchange.factory, network.exchange.quoter)
        planner = Planner(follows.chain, [venue], Strategy(USD, 10**12))
        accounts = [health.account for health in scan(market, frame).liquidatable]
        plans = await planner.plan(market, frame, head, accounts, 10**9, 3_000 * USD)
        assert sum(isinstance(plan, Plan) for plan in plans) > 2
        yield Scene(follows, chain, proxy, plans)


async def test_confirm__nodes_agree__every_plan_stays() -> None:
    async with crashed() as scene:
        assert await scene.sifted(2, 0) == scene.plans


async def test_confirm__one_node_lies__large_plans_go_and_small_ones_stay() -> None:
    async with crashed() as scene:
        values = sorted(
            p.settlement.repay * (p.opportunity.debt.price or 0) // 10**p.opportunity.debt.decimals
            for p in scene.plans
            if isinstance(p, Plan)
        )
        scene.proxy.set(Fault(Kind.LIE, selectors=frozenset({ACCOUNT_DATA})))
        found = await scene.sifted(2, values[-2])
        gone = [each for each in found if isinstance(each, Rejection) and each.reason is Reason.UNCONFIRMED]
        assert len(gone) == 2
        assert all("agree" in each.detail and each.best is not None for each in gone)
        assert [each for each in found if each not in gone] == [
            plan for plan in scene.plans if plan.account not in {each.account for each in gone}
        ]


async def test_confirm__the_book_is_wrong__the_plan_says_what_the_nodes_say() -> None:
    async with crashed() as scene:
        plan = next(plan for plan in scene.plans if isinstance(plan, Plan))
        book, debt = scene.follows.follower.market.book, plan.opportunity.debt
        owed = book.quantity(plan.account, debt.asset, Side.DEBT)
        book.set_quantity(plan.account, debt.asset, Side.DEBT, owed + 1)
        (gone,) = [each for each in await scene.sifted(2, 0) if each not in scene.plans]
        assert isinstance(gone, Rejection)
        assert (gone.account, gone.reason) == (plan.account, Reason.UNCONFIRMED)
        assert gone.detail.startswith("2 nodes agree that")


async def test_confirm__more_nodes_wanted_than_there_are__large_plans_go() -> None:
    async with crashed() as scene:
        found = await scene.sifted(3, 0)
        assert not [each for each in found if isinstance(each, Plan)]
