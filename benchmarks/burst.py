"""A crash: many accounts cross in one block, and how many are liquidated in the next ones."""

import asyncio
import sys
from collections import Counter
from collections.abc import Collection, Mapping
from collections.abc import Set as AbstractSet
from contextlib import aclosing
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

from benchmarks.leftover import Best, leftover
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
from keeper.plan.verdict import dollars
from keeper.protocols.aave_v3.adapter import AaveV3
from keeper.protocols.base import Market
from keeper.risk.scan import scan
from keeper.types import USD, Address, BlockRef, parse_address

BLOCK_SECONDS = 2
PARTS = 10**6
"""Falls of prices are counted in these."""
FALLING = ("WETH", "wstETH", "WBTC", "LINK")
START_SECONDS = 60.0
QUIET_SECONDS = 40.0
"""Without an outcome for so long, what is left pays nobody any more: others took the price it needs.

Longer than a turn that sends everything: outcomes are told by the next one.
"""


DEPTH_PERCENT = 300
"""Of the liquidity that a devnet's pools have otherwise: 200 liquidations at once would use that up."""
LEAST = USD
"""What a liquidation has to bring, as in the configuration of the devnet."""


class Landed(NamedTuple):
    """How a burst went: accounts by blocks after the crash, liquidations that failed, gas used.

    `again`: liquidations of accounts that were still liquidatable after their first one. `left`: accounts
    that were not liquidated though they could be.
    """

    blocks: Mapping[int, int]
    failed: int
    gas: int
    again: int = 0
    left: Collection[Address] = ()

    def within(self, blocks: int) -> int:
        """Liquidations in the first `blocks`."""
        return sum(count for after, count in self.blocks.items() if after <= blocks)


async def burst() -> list[Measurement]:
    """20 accounts in the next block, and 200 in as many blocks as their gas needs and one more."""
    return [await burst_20(), await burst_200()]


async def burst_20() -> Measurement:
    """20 accounts in the next block."""
    return await _burst("burst_20", 20, borrowers=150)


async def burst_200() -> Measurement:
    """200 accounts in as many blocks as their gas needs, and one more."""
    return await _burst("burst_200", 200, borrowers=600)


async def burst_thin() -> Measurement:
    """The same 200 accounts where the pools are too thin for all of them."""
    return await _burst("burst_thin", 200, borrowers=600, depth_percent=100)


async def _burst(name: str, count: int, borrowers: int, depth_percent: int = DEPTH_PERCENT) -> Measurement:
    mix = Mix(near_limit=85, dust=0, whales=0)
    async with Network.start(borrowers=borrowers, mix=mix, depth_percent=depth_percent) as network:
        with TemporaryDirectory() as folder:
            site = await configure(network, Path(folder) / "keeper.toml", seed=1)
            limit = int((await network.node.request("eth_getBlockByNumber", "latest", False))["gasLimit"], 16)
            prices, plans = await _crash(network, count)
            await network.arbitrageur.lead(prices)
            snapshot = await network.node.request("evm_snapshot")
            ours = await _keeper(network, site.config, prices, {plan.account for plan in plans})
            left = await leftover(network, site, sorted(ours.left))
            await network.node.request("evm_revert", snapshot)
            blocks = 1 if count * 1_000_000 < limit else -(-ours.gas // limit) + 1
            naive = await _naive(network, prices, [Wish.of(plan) for plan in plans], blocks)
    _explain(name, ours, naive, blocks)
    _explain_left(left)
    paying = [best for best in left.values() if best is not None and best.net_usd >= LEAST]
    also = {"failed": ours.failed, "left": len(left), "left_that_pay": len(paying)}
    return Measurement(
        name,
        ours.within(blocks),
        f"of {len(plans)} accounts in {blocks} block{'s' * (blocks > 1)}",
        "one parallel send_transaction an account",
        naive.within(blocks),
        also,
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


async def _keeper(
    network: Network, config: Path, prices: Mapping[str, int], wanted: AbstractSet[Address]
) -> Landed:
    """Let the daemon meet the crash."""
    await network.node.request("evm_setIntervalMining", BLOCK_SECONDS)
    blocks: Counter[int] = Counter()
    accounts: set[Address] = set()
    failed, again, gas = 0, 0, 0
    async with KeeperProcess.start(config, "live") as keeper, aclosing(keeper.events()) as events:
        await _event(events, "head", START_SECONDS)
        crashed = await _set_prices(network, prices)
        while wanted - accounts:
            try:
                outcome = await _event(events, "outcome", QUIET_SECONDS)
            except TimeoutError:
                break
            realised, account = outcome.get("realised", {}), parse_address(outcome["account"])
            if outcome["outcome"] != "success":
                sys.stderr.write(f"{outcome}\n")
                failed += 1
            elif account in accounts:
                again += 1
            else:
                blocks[realised["block"] - crashed] += 1
                accounts.add(account)
            gas += realised.get("gas", 0)
    await network.node.request("evm_setIntervalMining", 0)
    return Landed(blocks, failed, gas, again, wanted - accounts)


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


def _explain(name: str, ours: Landed, naive: Landed, blocks: int) -> None:
    sys.stderr.write(
        f"{name}: keeper by blocks after the crash {dict(ours.blocks)}, {ours.failed} failed, "
        f"{ours.again} again, {ours.gas} gas; naive {dict(naive.blocks)}, {naive.failed} sends refused "
        f"in {blocks} blocks\n"
    )


def _explain_left(left: Mapping[Address, Best | None]) -> None:
    for account, best in left.items():
        what = "every try loses money" if best is None else f"{best.sale} would net {dollars(best.net_usd)}"
        sys.stderr.write(f"left {account}: {what}\n")
