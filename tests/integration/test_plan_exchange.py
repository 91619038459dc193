"""The plan stage on a devnet: real Uniswap v3 pools, a real Aave market, plans carried out for real."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any, NamedTuple

from keeper.artifacts import load_artifact
from keeper.chain.rpc import Rpc
from keeper.devnet.contract import Contract
from keeper.devnet.exchange.uniswap_v3 import uniswap_contract
from keeper.devnet.network import Network
from keeper.devnet.node import Tx
from keeper.devnet.tokens import approve, mint
from keeper.execute.executor import Executor
from keeper.index.conversation import converse
from keeper.index.follower import Follower
from keeper.plan.model import Plan, Rejection
from keeper.plan.pairs import pairs_to_know
from keeper.plan.planner import Planner
from keeper.plan.route import Path, QuoteRequest
from keeper.plan.strategy import Strategy
from keeper.plan.uniswap_v3 import UniswapV3
from keeper.protocols.aave_v3.adapter import AaveV3
from keeper.risk.scan import scan
from keeper.types import USD, ZERO_ADDRESS, Address

TRADER = Address("0x" + "77" * 20)
CRASH = {"WETH": 30, "wstETH": 31, "WBTC": 25, "LINK": 35}
LATER = 12
"""Seconds from the block that is planned on to the one that is planned for."""


@asynccontextmanager
async def exchange(borrowers: int = 0) -> AsyncIterator[tuple[Network, Rpc, UniswapV3]]:
    async with (
        Network.start(borrowers=borrowers, depth_percent=30) as network,
        Rpc(network.anvil.http) as rpc,
    ):
        yield network, rpc, UniswapV3(network.exchange.factory, network.exchange.quoter)


async def discover(network: Network, rpc: Rpc, venue: UniswapV3) -> int:
    block = await network.node.block_number()
    tokens = [reserve.token for reserve in network.market.reserves]
    await converse(venue.discover(pairs_to_know(tokens, None), block), rpc, block)
    return block


def packed(path: Path) -> bytes:
    hops = b"".join(hop.fee.to_bytes(3) + bytes.fromhex(hop.token_out[2:]) for hop in path.hops)
    return bytes.fromhex(path.token_in[2:]) + hops


async def test_discover__real_factory__finds_exactly_its_pools() -> None:
    async with exchange() as (network, rpc, venue):
        await discover(network, rpc, venue)
        tokens = [reserve.token for reserve in network.market.reserves]
        direct = {
            (a, b, path.hops[0].fee)
            for a in tokens
            for b in tokens
            if a < b
            for path in venue.routes(a, b)
            if len(path.hops) == 1
        }
        assert direct == {(pool.token0, pool.token1, pool.fee) for pool in network.exchange.pools}


async def test_quote__up_to_three_hops__is_what_the_swap_then_gives() -> None:
    async with exchange() as (network, rpc, venue):
        block = await discover(network, rpc, venue)
        link, usdc, weth, dai = (
            network.market.reserve(symbol).token for symbol in ("LINK", "USDC", "WETH", "DAI")
        )
        paths = [*venue.routes(link, usdc), *venue.routes(weth, usdc), *venue.routes(link, dai)]
        assert {len(path.hops) for path in paths} == {1, 2, 3}
        requests = [QuoteRequest(path, 3000 * 10**18) for path in paths]
        quotes = await converse(venue.quote(requests), rpc, block)
        router, contract = network.exchange.router, uniswap_contract("SwapRouter")
        await network.node.fund([TRADER])
        for token in (link, weth):
            await network.node.send_many([mint(token, TRADER, 10**24), approve(token, TRADER, router)])
        for (path, amount), quote in zip(requests, quotes, strict=True):
            assert quote is not None
            snapshot = await network.node.request("evm_snapshot")
            swap = (packed(path), TRADER, 2**40, amount, 0)
            receipt = await network.node.send(Tx(TRADER, router, contract.encode("exactInput", swap)))
            transfers = uniswap_contract("UniswapV3Pool").events("Swap", receipt)
            out = -min(transfers[-1]["amount0"], transfers[-1]["amount1"])
            assert out == quote.amount_out, path
            await network.node.request("evm_revert", snapshot)


async def test_quote__more_than_the_pool_can_take__none() -> None:
    async with exchange() as (network, rpc, venue):
        block = await discover(network, rpc, venue)
        gold, usdc = (network.market.reserve(symbol).token for symbol in ("GOLD", "USDC"))
        [path] = venue.routes(usdc, gold)
        asked = [QuoteRequest(path, amount) for amount in (10**9, 10**35)]
        enough, dry = await converse(venue.quote(asked), rpc, block)
        assert enough is not None
        assert dry is None


class Stage(NamedTuple):
    """A crashed market, the results of planning on it, and an executor allowed to carry them out."""

    network: Network
    market: Any
    timestamp: int
    results: Sequence[Plan | Rejection]
    executor: Address
    owner: Address

    async def execute(self, plan: Plan, seconds: int = 0) -> tuple[dict[str, Any], dict[str, Any]]:
        """Carry out `plan` in a block `seconds` after its own; returns event and receipt, then undoes it."""
        contract, node = Contract.built("executor"), self.network.node
        snapshot = await node.request("evm_snapshot")
        await node.request("evm_setNextBlockTimestamp", hex(self.timestamp + seconds))
        receipt = await node.send(
            Tx(
                self.owner,
                self.executor,
                Executor(self.executor, load_artifact("executor").abi).batch([plan]).data,
            )
        )
        await node.request("evm_revert", snapshot)
        [event] = contract.events("Liquidated", receipt)
        return event, receipt


@asynccontextmanager
async def planned() -> AsyncIterator[Stage]:
    async with exchange(borrowers=120) as (network, rpc, venue):
        node, pool = network.node, network.market.pool
        owner = (await node.accounts())[0]
        contract = Contract.built("executor")
        [executor] = await node.deploy(owner, contract.deploy_data(owner, owner, ZERO_ADDRESS))
        grants: list[tuple[str, Any]] = [("set_venues", [pool]), ("set_factory", network.exchange.factory)]
        await node.send_many([Tx(owner, executor, contract.encode(name, to, True)) for name, to in grants])
        await network.actors.crash(CRASH)
        await network.arbitrageur.act()
        follower = Follower(rpc, AaveV3(), "devnet", {"addresses_provider": network.market.provider})
        head = await rpc.block()
        await follower.start(head)
        await follower.follow(head)
        market, then = follower.market, head.timestamp + LATER
        frame = market.frame(then)
        accounts = [health.account for health in scan(market, frame).liquidatable]
        ether = next(asset.price for asset in market.assets() if asset.symbol == "WETH")
        assert ether is not None
        planner = Planner(rpc, [venue], Strategy(min_profit_usd=USD, max_gas_price=10**11))
        results = await planner.plan(market, frame, head, accounts, 10**9, ether)
        assert [result.account for result in results] == accounts
        yield Stage(network, market, then, results, executor, owner)


async def test_plan__crashed_market__every_plan_gives_exactly_what_it_says() -> None:
    async with planned() as stage:
        plans = [result for result in stage.results if isinstance(result, Plan)]
        assert len(plans) >= 20
        assert {len(plan.route.hops) for plan in plans} >= {1, 2}
        for plan in plans:
            event, receipt = await stage.execute(plan)
            assert event["repaid"] == plan.settlement.repay
            assert event["seized"] == plan.settlement.seize
            assert event["profit"] == plan.profit.gross
            assert 0.7 * plan.profit.gas < int(receipt["gasUsed"], 16) < 1.1 * plan.profit.gas


async def test_plan__mined_five_minutes_late__still_goes_through() -> None:
    async with planned() as stage:
        plans = [result for result in stage.results if isinstance(result, Plan) and result.headroom]
        assert plans
        for plan in plans:
            event, _ = await stage.execute(plan, seconds=300)
            assert event["profit"] >= plan.profit.gross * 99 // 100


async def test_plan__repay_moved_by_a_tenth__pays_no_more_than_the_chosen_one() -> None:
    async with planned() as stage:
        partial = [
            result
            for result in stage.results
            if isinstance(result, Plan) and result.settlement.repay != result.opportunity.ranges[-1][1]
        ]
        moved = [
            (plan, replace(plan, headroom=change))
            for plan in partial
            for change in (-plan.settlement.repay // 10, plan.settlement.repay // 10)
            if any(first <= plan.settlement.repay + change <= last for first, last in plan.opportunity.ranges)
        ]
        assert moved
        for plan, other in moved:
            event, _ = await stage.execute(other)
            assert event["profit"] <= plan.profit.gross * 1001 // 1000


async def test_plan__rejections__say_why_with_numbers_and_show_the_best_try() -> None:
    async with planned() as stage:
        rejections = [result for result in stage.results if isinstance(result, Rejection)]
        assert rejections
        for rejection in rejections:
            assert "$" in rejection.detail
            assert rejection.best is not None
            assert rejection.best.profit.gross < rejection.best.min_profit
