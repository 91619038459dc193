"""Planning a burst of candidates together, against planning one after the other."""

from collections.abc import Sequence

from benchmarks.measure import Measurement, rate
from benchmarks.scene import followed
from keeper.devnet.borrowers import Mix
from keeper.plan.planner import Planner
from keeper.plan.strategy import Strategy
from keeper.plan.uniswap_v3 import UniswapV3
from keeper.risk.scan import scan
from keeper.types import USD, Address

CANDIDATES = 100
CRASH = {"WETH": 30, "wstETH": 31, "WBTC": 25, "LINK": 35}
GAS_PRICE = 10**9
RISKY = Mix(near_limit=85)


async def plan_burst() -> Measurement:
    """Candidates a second; both ways give the same plans from the same local Anvil."""
    async with followed(borrowers=450, crash=CRASH, mix=RISKY) as scene:
        market, exchange = scene.market, scene.network.exchange
        frame = market.frame(scene.head.timestamp + 12)
        found = [health.account for health in scan(market, frame).liquidatable]
        candidates = found[:: len(found) // CANDIDATES][:CANDIDATES]
        ether = next(asset.price for asset in market.assets() if asset.symbol == "WETH") or USD
        strategy = Strategy(min_profit_usd=USD, max_gas_price=10**11)
        planner = Planner(scene.chain, [UniswapV3(exchange.factory, exchange.quoter)], strategy)
        await planner.refresh(market, scene.head)

        async def plan(accounts: Sequence[Address]) -> None:
            results = await planner.plan(market, frame, scene.head, accounts, GAS_PRICE, ether)
            assert [result.account for result in results] == list(accounts)

        async def one_by_one() -> None:
            for account in candidates:
                await plan([account])

        together = await rate(CANDIDATES, lambda: plan(candidates))
        alone = await rate(CANDIDATES, one_by_one)
        return Measurement("plan_burst", together, "candidates/s", "one by one", alone)
