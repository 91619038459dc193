"""Uniswap v3 on the devnet: quotes near the feeds, real swaps, and an arbitrageur that keeps it so."""

import asyncio

import pytest

from keeper.devnet.aave.view import MarketView
from keeper.devnet.contract import Contract
from keeper.devnet.exchange.arbitrage import Nudge
from keeper.devnet.exchange.ticks import PricedToken, fee_band, sort_tokens, sqrt_price
from keeper.devnet.exchange.uniswap_v3 import (
    DEFAULT_POOLS,
    Exchange,
    Pool,
    deploy_uniswap_v3,
    uniswap_contract,
)
from keeper.devnet.network import Network
from keeper.devnet.node import Node, Tx
from keeper.devnet.tokens import approve, balance_of, mint
from keeper.types import MAX_UINT256, USD, Address

TRADER = Address("0x" + "77" * 20)
MILLION = 10**6


def worth(token: PricedToken, dollars: int) -> int:
    return dollars * USD * int(10**token.decimals) // token.price


async def tokens_of(network: Network) -> dict[Address, PricedToken]:
    tokens = await MarketView(network.node, network.market).tokens()
    return {token.address: token for token in tokens.values()}


async def quote(node: Node, exchange: Exchange, pool: Pool, token_in: Address, amount: int) -> int:
    quoter = uniswap_contract("QuoterV2")
    token_out = pool.token1 if token_in == pool.token0 else pool.token0
    data = quoter.encode("quoteExactInputSingle", (token_in, token_out, amount, pool.fee, 0))
    answer: tuple[int, ...] = quoter.decode("quoteExactInputSingle", await node.call(exchange.quoter, data))
    return answer[0]


async def loss(network: Network, pool: Pool, token_in: Address, dollars: int) -> int:
    """Millionths of the feeds' value that selling `dollars` worth of `token_in` loses."""
    tokens = await tokens_of(network)
    token_out = tokens[pool.token1 if token_in == pool.token0 else pool.token0]
    out = await quote(network.node, network.exchange, pool, token_in, worth(tokens[token_in], dollars))
    return MILLION - out * MILLION // worth(token_out, dollars)


async def prices_of(network: Network) -> dict[Pool, int]:
    contract = uniswap_contract("UniswapV3Pool")
    pools = network.exchange.pools
    answers = await network.node.call_many([(pool.address, contract.encode("slot0")) for pool in pools])
    return {pool: contract.decode("slot0", data)[0] for pool, data in zip(pools, answers, strict=True)}


async def strayed(network: Network) -> set[Pool]:
    """Pools whose price is farther from the feeds than their fee."""
    tokens = await tokens_of(network)
    found = set()
    for pool, price in (await prices_of(network)).items():
        low, high = fee_band(tokens[pool.token0], tokens[pool.token1], pool.fee)
        if not low <= price <= high:
            found.add(pool)
    return found


def pool_of(network: Network, one: str, other: str, fee: int) -> Pool:
    wanted = {network.market.reserve(one).token, network.market.reserve(other).token}
    (pool,) = [
        each for each in network.exchange.pools if {each.token0, each.token1} == wanted and each.fee == fee
    ]
    return pool


async def test_quoter__a_thousand_dollars_either_way__loses_little_more_than_the_fee() -> None:
    async with Network.start(borrowers=0) as network:
        assert len(network.exchange.pools) == len(DEFAULT_POOLS)
        for pool in network.exchange.pools:
            for token in (pool.token0, pool.token1):
                assert pool.fee <= await loss(network, pool, token, 1000) <= pool.fee + 200


async def test_quoter__five_million_dollars__moves_even_the_deepest_pool() -> None:
    async with Network.start(borrowers=0) as network, Network.start(borrowers=0, depth_percent=50) as thin:
        losses = [
            await loss(each, pool_of(each, "WETH", "USDC", 500), each.market.reserve("WETH").token, 5_000_000)
            for each in (network, thin)
        ]
        assert 10_000 < losses[0] < 50_000
        assert losses[1] > losses[0] * 3 // 2


async def test_router__a_swap__pays_what_was_quoted_and_moves_the_price() -> None:
    async with Network.start(borrowers=0) as network:
        node, pool = network.node, pool_of(network, "WETH", "USDC", 500)
        weth, usdc = network.market.reserve("WETH").token, network.market.reserve("USDC").token
        amount = 100 * 10**18
        expected = await quote(node, network.exchange, pool, weth, amount)
        before = (await prices_of(network))[pool]
        order = (weth, usdc, pool.fee, TRADER, MAX_UINT256, amount, expected, 0)
        swap = uniswap_contract("SwapRouter").encode("exactInputSingle", order)
        await node.fund([TRADER])
        await node.send_many(
            [
                mint(weth, TRADER, amount),
                approve(weth, TRADER, network.exchange.router),
                Tx(TRADER, network.exchange.router, swap),
            ]
        )
        assert await balance_of(node, usdc, TRADER) == expected
        assert await balance_of(node, weth, TRADER) == 0
        assert (await prices_of(network))[pool] != before


async def test_arbitrageur__feeds_moved__brings_every_pool_within_its_fee() -> None:
    async with Network.start(borrowers=0) as network:
        assert await network.arbitrageur.act() == 0
        await network.actors.crash({"WETH": 20, "wstETH": 21, "GOLD": -5}, steps=3)
        away = await strayed(network)
        assert len(away) == 9
        unmoved = {p: price for p, price in (await prices_of(network)).items() if p not in away}
        assert await network.arbitrageur.act() == 9
        assert await strayed(network) == set()
        assert unmoved.items() <= (await prices_of(network)).items()


async def test_arbitrageur__no_tolerance__puts_pools_exactly_on_the_feeds() -> None:
    async with Network.start(borrowers=0) as network:
        await network.actors.set_prices({"WBTC": 62_010 * USD})
        assert await network.arbitrageur.act() == 0
        network.arbitrageur.tolerance_percent = 0
        await network.arbitrageur.act()
        tokens = await tokens_of(network)
        for pool, price in (await prices_of(network)).items():
            assert price == sqrt_price(*sort_tokens(tokens[pool.token0], tokens[pool.token1]))


async def test_arbitrageur__with_lag__acts_on_prices_of_so_many_blocks_ago() -> None:
    async with Network.start(borrowers=0, lag=3) as network:
        await network.actors.set_prices({"LINK": 10 * USD})
        for _ in range(3):
            assert await network.arbitrageur.act() == 0
            await network.node.mine()
        assert await network.arbitrageur.act() == 1
        assert await strayed(network) == set()


async def test_arbitrageur__following__acts_by_itself() -> None:
    async with Network.start(borrowers=0) as network, asyncio.TaskGroup() as group:
        following = group.create_task(network.arbitrageur.follow())
        await network.actors.crash({"WETH": 10})
        for _ in range(100):
            await asyncio.sleep(0.05)
            if not await strayed(network):
                break
        following.cancel()
        assert await strayed(network) == set()


async def test_arbitrageur_contract__price_back_in_its_band__leaves_the_pool_alone() -> None:
    async with Network.start(borrowers=0) as network:
        pool = network.exchange.pools[0]
        price = (await prices_of(network))[pool]
        # What the arbitrageur saw before another trade brought the pool back.
        stale = Nudge(pool.address, price * 2, price - 1, price + 1)
        data = Contract.built("arbitrageur").encode("arbitrage", [stale])
        receipt = await network.node.send(Tx(network.market.admin, network.arbitrageur.address, data))
        assert receipt["logs"] == []
        assert (await prices_of(network))[pool] == price


async def test_deploy_uniswap_v3__a_plan_with_an_unknown_symbol__raises_before_it_sends_anything() -> None:
    async with Network.start(borrowers=0) as network:
        height = await network.node.block_number()
        with pytest.raises(KeyError, match="WETH"):
            await deploy_uniswap_v3(network.node, network.market.admin, {})
        assert await network.node.block_number() == height
