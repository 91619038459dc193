"""A crash: many accounts cross in one block, and how many are liquidated in the next ones."""

import asyncio
import sys
from collections import Counter
from collections.abc import Mapping
from contextlib import aclosing
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

from benchmarks.measure import Measurement
from benchmarks.naive import Naive, Wish
from keeper.chain.rpc import Rpc
from keeper.demo.configure import DEPLOYMENT, configure
from keeper.demo.process import KeeperProcess
from keeper.devnet.borrowers import Mix
from keeper.devnet.network import Network
from keeper.index.follower import Follower
from keeper.plan.model import Plan
from keeper.plan.planner import Planner
from keeper.plan.strategy import Strategy
from keeper.plan.uniswap_v3 import UniswapV3
from keeper.protocols.aave_v3.adapter import AaveV3
from keeper.protocols.base import Market
from keeper.risk.scan import scan
from keeper.types import USD, BlockRef

BLOCK_SECONDS = 2
PARTS = 10**6
"""Falls of prices are counted in these."""
FALLING = ("WETH", "wstETH", "WBTC", "LINK")
START_SECONDS = 60.0
QUIET_SECONDS = 40.0
"""Without an outcome for so long, what is left pays nobody any more: others took the price it needs.

Longer than a turn that sends everything: outcomes are told by the next one.
"""


class Landed(NamedTuple):
    """How a burst went: accounts by blocks after the crash, liquidations that failed, gas used.

    `again`: liquidations of accounts that were still liquidatable after their first one.
    """

    blocks: Mapping[int, int]
    failed: int
    gas: int
    again: int = 0

    def within(self, blocks: int) -> int:
        """Liquidations in the first `blocks`."""
        return sum(count for after, count in self.blocks.items() if after <= blocks)


async def burst() -> list[Measurement]:
    """20 accounts in the next block, and 200 in as many blocks as their gas needs and one more."""
    return [await _burst(20, borrowers=150), await _burst(200, borrowers=600)]


async def _burst(count: int, borrowers: int) -> Measurement:
    mix = Mix(near_limit=85, dust=0, whales=0)
    async with Network.start(borrowers=borrowers, mix=mix) as network:
        with TemporaryDirectory() as folder:
            site = await configure(network, Path(folder) / "keeper.toml", seed=1)
            limit = int((await network.node.request("eth_getBlockByNumber", "latest", False))["gasLimit"], 16)
            prices, plans = await _crash(network, count)
            await network.arbitrageur.lead(prices)
            snapshot = await network.node.request("evm_snapshot")
            ours = await _keeper(network, site.config, prices, len(plans))
            await network.node.request("evm_revert", snapshot)
            blocks = 1 if count * 1_000_000 < limit else -(-ours.gas // limit) + 1
            naive = await _naive(network, prices, [Wish.of(plan) for plan in plans], blocks)
    _explain(count, ours, naive, blocks)
    return Measurement(
        f"burst_{count}",
        ours.within(blocks),
        f"of {len(plans)} accounts in {blocks} block{'s' * (blocks > 1)}",
        "one parallel send_transaction an account",
        naive.within(blocks),
    )


async def _crash(network: Network, count: int) -> tuple[dict[str, int], list[Plan]]:
    """Prices at which `count` accounts (or a few more) are liquidatable with profit, and their plans."""
    async with Rpc(network.anvil.http) as chain:
        head = await chain.block()
        follower = Follower(chain, AaveV3(), DEPLOYMENT, {"addresses_provider": network.market.provider})
        await follower.start(head)
        await follower.follow(head)
        market, start = follower.market, await network.actors.prices()
        assert not scan(market, market.frame(head.timestamp)).liquidatable, "nobody before the crash"
        few, many = 0, PARTS // 4
        while many - few > 1:
            middle = (few + many) // 2
            crossed = _crossed(market, head, _fallen(start, middle))
            few, many = (few, middle) if len(crossed) >= count else (middle, many)
        prices = _fallen(start, many)
        frame = _frame(market, head, prices)
        exchange = network.exchange
        planner = Planner(
            chain, [UniswapV3(exchange.factory, exchange.quoter)], Strategy(USD, max_gas_price=10**12)
        )
        found = await planner.plan(
            market, frame, head, _crossed(market, head, prices), head.base_fee + 10**9, start["WETH"]
        )
    plans = [plan for plan in found if isinstance(plan, Plan)]
    assert len(plans) == len(found), [each for each in found if not isinstance(each, Plan)]
    return prices, plans


def _fallen(start: Mapping[str, int], parts: int) -> dict[str, int]:
    return {symbol: start[symbol] * (PARTS - parts) // PARTS for symbol in FALLING}


def _frame(market: Market, head: BlockRef, prices: Mapping[str, int]) -> Any:
    """The market at these prices, some blocks later."""
    by_address = {info.address: prices[info.symbol] for info in market.assets() if info.symbol in prices}
    return market.frame(head.timestamp + 30, by_address)


def _crossed(market: Market, head: BlockRef, prices: Mapping[str, int]) -> list[Any]:
    return [health.account for health in scan(market, _frame(market, head, prices)).liquidatable]


async def _keeper(network: Network, config: Path, prices: Mapping[str, int], count: int) -> Landed:
    """Let the daemon meet the crash."""
    await network.node.request("evm_setIntervalMining", BLOCK_SECONDS)
    blocks: Counter[int] = Counter()
    accounts: set[str] = set()
    failed, again, gas = 0, 0, 0
    async with KeeperProcess.start(config, "live") as keeper, aclosing(keeper.events()) as events:
        await _event(events, "head", START_SECONDS)
        crashed = await _set_prices(network, prices)
        while len(accounts) + failed < count:
            try:
                outcome = await _event(events, "outcome", QUIET_SECONDS)
            except TimeoutError:
                break
            realised = outcome.get("realised", {})
            if outcome["outcome"] != "success":
                failed += 1
            elif outcome["account"] in accounts:
                again += 1
            else:
                blocks[realised["block"] - crashed] += 1
                accounts.add(outcome["account"])
            gas += realised.get("gas", 0)
    await network.node.request("evm_setIntervalMining", 0)
    return Landed(blocks, failed, gas, again)


async def _event(events: Any, name: str, seconds: float) -> dict[str, Any]:
    async with asyncio.timeout(seconds):
        async for event in events:
            if event["event"] in {"halted", "degraded", "deferred", "rejected"}:
                sys.stderr.write(f"{event}\n")
            if event["event"] == name:
                return dict(event)
    raise AssertionError(f"the keeper ended before it said {name}")


async def _set_prices(network: Network, prices: Mapping[str, int]) -> int:
    """Let prices fall; the block in which they do."""
    receipts = await network.actors.feeds.set_prices(prices)
    return int(receipts[-1]["blockNumber"], 16)


async def _naive(network: Network, prices: Mapping[str, int], wishes: list[Wish], blocks: int) -> Landed:
    """The same crash for the naive bot, which tries again at every block whatever is left."""
    naive = Naive(network)
    await naive.equip(wishes)
    await network.node.request("evm_setAutomine", False)
    crashed = await _set_prices(network, prices)
    landed: Counter[int] = Counter()
    done: set[int] = set()
    gas = 0
    for after in range(1, blocks + 1):
        before = len(naive.hashes)
        await naive.send([wish for place, wish in enumerate(wishes) if place not in done])
        await network.node.mine(interval=BLOCK_SECONDS)
        receipts = await network.node.request("eth_getBlockReceipts", hex(crashed + after))
        mine = [each for each in receipts if each["from"] == naive.address]
        good = [each for each in mine if each["status"] == "0x1"]
        assert len(naive.hashes) - before >= len(mine), "every transaction of the block is one it sent"
        landed[after] += len(good)
        gas += sum(int(each["gasUsed"], 16) for each in mine)
        done |= await _liquidated(network, wishes)
    return Landed(landed, naive.failed, gas)


async def _liquidated(network: Network, wishes: list[Wish]) -> set[int]:
    """Places of the wishes that came true: the account is healthy again."""
    pool = network.market.contracts["PoolInstance"]
    data = [pool.encode("getUserAccountData", wish.account) for wish in wishes]
    answers = await network.node.call_many([(network.market.pool, each) for each in data])
    healths = [pool.decode("getUserAccountData", answer)[5] for answer in answers]
    return {place for place, health in enumerate(healths) if health >= 10**18}


def _explain(count: int, ours: Landed, naive: Landed, blocks: int) -> None:
    sys.stderr.write(
        f"burst_{count}: keeper by blocks after the crash {dict(ours.blocks)}, {ours.failed} failed, "
        f"{ours.again} again, {ours.gas} gas; naive {dict(naive.blocks)}, {naive.failed} sends refused "
        f"in {blocks} blocks\n"
    )
