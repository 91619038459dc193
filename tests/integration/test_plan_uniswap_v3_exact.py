"""Pools walked locally against QuoterV2 and against real swaps, integer by integer."""

from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager
from dataclasses import dataclass
from random import Random

from keeper.chain.rpc import Rpc
from keeper.devnet.exchange.ticks import TICK_SPACING
from keeper.devnet.exchange.uniswap_v3 import Pool, uniswap_contract
from keeper.devnet.network import Network
from keeper.devnet.node import Tx
from keeper.devnet.tokens import approve, mint
from keeper.index.conversation import converse
from keeper.plan.pairs import pairs_to_know
from keeper.plan.route import Path, Pools, QuoteRequest, keys
from keeper.plan.sale import sell
from keeper.plan.uniswap_v3 import UniswapV3
from keeper.types import MAX_UINT256

QUOTES = 600
POSITIONS = 24
"""Random positions added to each pool, so that swaps cross many ticks."""

FEES_TESTED = {100, 500, 3000, 10_000}


@dataclass(frozen=True)
class Scene:
    network: Network
    rpc: Rpc
    venue: UniswapV3

    async def observe(self) -> tuple[list[Path], Pools]:
        head = await self.rpc.block()
        tokens = [reserve.token for reserve in self.network.market.reserves]
        await converse(self.venue.discover(pairs_to_know(tokens, None), head.number), self.rpc, head.number)
        paths = [path for a in tokens for b in tokens for path in self.venue.routes(a, b)]
        return paths, await converse(self.venue.observe(paths, head), self.rpc, head.number)

    async def position(self, pool: Pool, ticks: tuple[int, int], amounts: tuple[int, int]) -> list[Tx]:
        """The transactions that add a position."""
        owner = (await self.network.node.accounts())[0]
        manager = self.network.exchange.position_manager
        parameters = (
            pool.token0, pool.token1, pool.fee, *ticks, *amounts, 0, 0, owner, MAX_UINT256,
        )  # fmt: skip
        call = uniswap_contract("NonfungiblePositionManager").encode("mint", parameters)
        minted = [
            mint(token, owner, amount)
            for token, amount in zip((pool.token0, pool.token1), amounts, strict=True)
        ]
        return [*minted, Tx(owner, manager, call)]

    async def scatter(self, rng: Random) -> None:
        """Add random positions to every pool, some thin, some wide, some outside the price."""
        _, pools = await self.observe()
        by_tokens = {(key.token0, key.token1, key.fee): pool for key, pool in pools.items()}
        for pool in self.network.exchange.pools:
            state = by_tokens[pool.token0, pool.token1, pool.fee]
            spacing = TICK_SPACING[pool.fee]
            transactions: list[Tx] = []
            for _ in range(POSITIONS):
                lower = (state.tick + rng.randint(-2000, 1500)) // spacing
                upper = lower + rng.randint(1, max(2, 1200 // spacing))
                size = 10 ** rng.uniform(0, 3)
                value = state.liquidity / size
                amounts = tuple(
                    int(side / 200) + 1
                    for side in (value * 2**96 / state.sqrt_price, value * state.sqrt_price / 2**96)
                )
                transactions += await self.position(
                    pool, (lower * spacing, upper * spacing), (amounts[0], amounts[1])
                )
            await self.network.node.send_many(transactions)


@asynccontextmanager
async def scattered(seed: int) -> AsyncIterator[Scene]:
    async with (
        Network.start(borrowers=0, depth_percent=5) as network,
        Rpc(network.anvil.http) as rpc,
    ):
        scene = Scene(network, rpc, UniswapV3(network.exchange.factory, network.exchange.quoter))
        await scene.scatter(Random(seed))
        yield scene


def requests(rng: Random, paths: Collection[Path], pools: Pools, count: int) -> list[QuoteRequest]:
    """Amounts from one unit to more than the windows hold, most of them within."""
    chosen = []
    for path in rng.choices(list(paths), k=count):
        first = pools[next(iter(keys(Path(path.factory, path.token_in, path.hops[:1]))))]
        falling = path.token_in < path.hops[0].token_out
        scale = 2**96 / first.sqrt_price if falling else first.sqrt_price / 2**96
        chosen.append(QuoteRequest(path, int(first.liquidity * scale * 10 ** rng.uniform(-6, 0)) + 1))
    return chosen


async def test_sell__random_amounts_pools_and_directions__exactly_what_the_quoter_says() -> None:
    async with scattered(seed=31) as scene:
        rng = Random(32)
        paths, pools = await scene.observe()
        assert {key.fee for key in pools} == FEES_TESTED
        asked = requests(rng, paths, pools, QUOTES)
        told = await converse(scene.venue.quote(asked), scene.rpc, await scene.network.node.block_number())
        known = crossed = falls = 0
        for request, quote in zip(asked, told, strict=True):
            sold = sell(request.path, request.amount_in, pools)
            if sold is None:
                continue
            assert quote is not None, request
            assert sold.amount_out == quote.amount_out, request
            assert abs(sold.gas - quote.gas) < quote.gas // 2
            known += 1
            crossed += sold.gas > 2 * 92_000 + 3 * 46_000
            falls += request.path.token_in < request.path.hops[0].token_out
        assert known > QUOTES * 2 // 3
        assert crossed > QUOTES // 20
        assert known // 4 < falls < known * 3 // 4


async def test_pool_after_swaps__sequence_of_real_trades__stands_where_the_contract_stands() -> None:
    async with scattered(seed=33) as scene:
        rng = Random(34)
        network = scene.network
        trader = (await network.node.accounts())[1]
        paths, pools = await scene.observe()
        expected = dict(pools)
        router, contract = network.exchange.router, uniswap_contract("SwapRouter")
        direct = [path for path in paths if len(path.hops) == 1]
        tokens = {path.token_in for path in direct}
        await network.node.send_many([approve(token, trader, router) for token in tokens])
        for path, amount in requests(rng, direct, pools, 40):
            sold = sell(path, amount, expected)
            if sold is None:
                continue
            expected |= sold.after
            packed = bytes.fromhex(path.token_in[2:]) + path.hops[0].fee.to_bytes(3)
            swap = (packed + bytes.fromhex(path.hops[0].token_out[2:]), trader, 2**40, amount, 0)
            await network.node.send_many(
                [
                    mint(path.token_in, trader, amount),
                    Tx(trader, router, contract.encode("exactInput", swap)),
                ]
            )
        _, now = await scene.observe()
        for key, pool in now.items():
            assert (pool.sqrt_price, pool.tick, pool.liquidity) == (
                expected[key].sqrt_price,
                expected[key].tick,
                expected[key].liquidity,
            )
        assert sum(now[key].sqrt_price != pools[key].sqrt_price for key in now) > len(now) // 2


async def test_observe__a_new_position_away_from_the_price__is_seen_at_the_next_block() -> None:
    async with scattered(seed=35) as scene:
        network = scene.network
        _, before = await scene.observe()
        pool = next(each for each in network.exchange.pools if each.fee == 500)
        key = next(key for key in before if (key.token0, key.token1, key.fee) == pool[1:])
        above = (before[key].tick // 10 + 100) * 10
        await network.node.send_many(await scene.position(pool, (above, above + 370), (10**18, 10**18)))
        paths, after = await scene.observe()
        assert after[key].depth is not before[key].depth
        rising = [path for path in paths if keys(path) == {key} and path.token_in == pool.token1]
        asked = requests(Random(36), rising, after, 30)
        told = await converse(scene.venue.quote(asked), scene.rpc, await network.node.block_number())
        for request, quote in zip(asked, told, strict=True):
            sold = sell(request.path, request.amount_in, after)
            assert sold is None or (quote and sold.amount_out == quote.amount_out)
