"""A burst planned on pools that are known and taken in turn, against asking QuoterV2 for every price."""

from collections.abc import Iterable

from benchmarks.measure import Measurement, rate
from benchmarks.scene import followed
from keeper.devnet.borrowers import Mix
from keeper.plan.planner import Planner
from keeper.plan.route import Path, Pools
from keeper.plan.strategy import Strategy
from keeper.plan.uniswap_v3 import UniswapV3
from keeper.protocols.base import Reads
from keeper.risk.scan import scan
from keeper.types import USD, BlockRef

CANDIDATES = 100
CRASH = {"WETH": 30, "wstETH": 31, "WBTC": 25, "LINK": 35}
GAS_PRICE = 10**9
RISKY = Mix(near_limit=85)


class Asking(UniswapV3):
    """The venue without its own state of the pools."""

    def observe(self, paths: Iterable[Path], block: BlockRef) -> Reads[Pools]:
        del paths, block
        yield from ()
        return {}


async def plan_burst() -> Measurement:
    """Candidates a second, reading the pools included; the baseline plans each as if it were the only one."""
    async with followed(borrowers=450, crash=CRASH, mix=RISKY) as scene:
        market, exchange = scene.market, scene.network.exchange
        frame = market.frame(scene.head.timestamp + 12)
        found = [health.account for health in scan(market, frame).liquidatable]
        candidates = found[:: len(found) // CANDIDATES][:CANDIDATES]
        ether = next(asset.price for asset in market.assets() if asset.symbol == "WETH") or USD
        strategy = Strategy(min_profit_usd=USD, max_gas_price=10**11)

        def planner(venue: UniswapV3) -> Planner:
            return Planner(scene.chain, [venue], strategy)

        known = planner(UniswapV3(exchange.factory, exchange.quoter))
        asking = planner(Asking(exchange.factory, exchange.quoter))

        async def burst() -> None:
            results = await known.burst(market, frame, scene.head, candidates, GAS_PRICE, ether)
            assert [result.account for result in results] == candidates

        async def quoter() -> None:
            results = await asking.plan(market, frame, scene.head, candidates, GAS_PRICE, ether)
            assert [result.account for result in results] == candidates

        local = await rate(CANDIDATES, burst)
        remote = await rate(CANDIDATES, quoter)
        return Measurement("plan_burst", local, "candidates/s", "QuoterV2 for every price", remote)
