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
from keeper.risk.scan import scan
from keeper.types import Address
from tests.brute_force import BruteForce, Costs
from tests.differential import following

ACCOUNTS = 100
LATER = 12
"""Seconds from the block that is planned on to the one that is planned for."""
GAS_PRICE = 10 * 10**9
PERCENT = 98
RISKY = Mix(near_limit=85)


class Scene(NamedTuple):
    """A market in trouble. The exchange follows the first price moves (percent down), not the second ones."""

    name: str
    seed: int
    depth_percent: int
    arbitraged: Mapping[str, int]
    surprise: Mapping[str, int]


SCENES = (
    Scene("deep", 11, 100, {"WETH": 28, "wstETH": 30, "WBTC": 22, "LINK": 33}, {}),
    Scene("thin", 12, 2, {"WETH": 24, "wstETH": 25, "WBTC": 30, "LINK": 20, "GOLD": 25}, {}),
    Scene("rise", 13, 8, {"WETH": -45, "wstETH": -43, "WBTC": -40, "LINK": 15}, {}),
    Scene("stale", 14, 5, {"WETH": 38, "wstETH": 41, "WBTC": 37}, {"WETH": -6, "WBTC": -5, "USDT": 4}),
)


class Judged(NamedTuple):
    """The planner's results, and the best net profit (USD, 8 decimals) that brute force found for each."""

    results: Sequence[Plan | Rejection]
    best: Mapping[Address, int]
    repriced: Mapping[Address, int]
    priced: int


@asynccontextmanager
async def judged(scene: Scene) -> AsyncIterator[Judged]:
    async with (
        Network.start(borrowers=420, seed=scene.seed, mix=RISKY, depth_percent=scene.depth_percent) as network,
        following(network.anvil, network.market) as follows,
    ):
        await network.actors.crash(scene.arbitraged)
        await network.arbitrageur.act()
        await network.actors.crash(scene.surprise)
        head = await follows.catch_up()
        market, chain = follows.market, follows.chain
        frame = market.frame(head.timestamp + LATER)
        accounts = sorted(health.account for health in scan(market, frame).liquidatable)
        print('liquidatable', len(accounts))
        accounts = Random(scene.seed).sample(accounts, min(ACCOUNTS,len(accounts)))
        ether = next(asset.price for asset in market.assets() if asset.symbol == "WETH")
        assert ether is not None
        exchange = network.exchange
        strategy = Strategy(min_profit_usd=1, max_gas_price=GAS_PRICE)
        planner = Planner(chain, [UniswapV3(exchange.factory, exchange.quoter)], strategy)
        import time; t=time.time()
        results = await planner.plan(market, frame, head, accounts, GAS_PRICE, ether)
        print('planner', time.time()-t); t=time.time()
        brute = BruteForce(
            chain, exchange, market, frame, head.number, Costs(strategy.gas, GAS_PRICE, ether)
        )
        best = await brute.best(accounts)
        print('brute', time.time()-t, brute.priced); t=time.time()
        rep = await brute.plans([r for r in results if isinstance(r, Plan)])
        rows=[]
        it=iter(rep)
        for a,r in zip(accounts,results,strict=True):
            b=best.get(a)
            if isinstance(r,Plan):
                rows.append((r.profit.net_usd/b[0] if b[0]>0 else -99,r.profit.net_usd,next(it),b, r))
            else: print('rej',r.reason, r.detail, b and b[0])
        rows.sort(key=lambda x:x[0])
        for x in rows[:6]: print(x[0],x[1],x[2],x[3][0],x[3][1].request,x[3][1].hops,[p[0] for p in ()], x[4].settlement.repay, x[4].route.hops, x[4].opportunity.ranges, x[4].opportunity.collateral.symbol,x[4].opportunity.debt.symbol,x[3][1].opportunity.collateral.symbol,x[3][1].opportunity.debt.symbol)
        print('interior', sum(x[4].settlement.repay!=x[4].opportunity.ranges[-1][1] for x in rows), len(rows))
        yield None

if __name__=='__main__':
    import asyncio,time,sys
    async def main():
        for s in SCENES:
            if len(sys.argv)>1 and s.name not in sys.argv[1:]: continue
            t=time.time(); print('=====',s.name)
            async with judged(s): pass
            print(time.time()-t)
    asyncio.run(main())
