"""An arbitrageur keeps the exchange near the price feeds, as fast or as late as told."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import NamedTuple, Self

from keeper.devnet.contract import Contract
from keeper.devnet.exchange.ticks import PricedToken, fee_band, sqrt_price
from keeper.devnet.exchange.uniswap_v3 import Exchange, Pool, uniswap_contract
from keeper.devnet.node import Node, Tx
from keeper.types import Address

PriceReader = Callable[[int], Awaitable[Mapping[str, PricedToken]]]
"""Reads the tokens with their feed prices as of a block, by symbol."""

_POLL = 0.1


class Nudge(NamedTuple):
    """A pool to move to `target` unless it is from `low` to `high` already; square roots in Q64.96."""

    pool: Address
    target: int
    low: int
    high: int


class Arbitrageur:
    """Trades with tokens it mints as needed.

    `lag` in blocks: how old the feed prices are that it acts on; 0 acts on the newest block's.
    `tolerance_percent` of a pool's fee is how far a pool may stray: at 100 it trades only where that
    earns something, at 0 every pool follows every price.
    """

    def __init__(
        self,
        node: Node,
        address: Address,
        sender: Address,
        exchange: Exchange,
        read_prices: PriceReader,
        *,
        first_block: int = 0,
        lag: int = 0,
        tolerance_percent: int = 100,
    ) -> None:
        self.address = address
        self.lag = lag
        self.tolerance_percent = tolerance_percent
        self._node = node
        self._sender = sender
        self._exchange = exchange
        self._read_prices = read_prices
        self._first_block = first_block
        self._contract = Contract.built("arbitrageur")

    @classmethod
    async def deploy(
        cls,
        node: Node,
        sender: Address,
        exchange: Exchange,
        read_prices: PriceReader,
        *,
        lag: int = 0,
        tolerance_percent: int = 100,
    ) -> Self:
        """Deploy its contract; prices before this block are never asked for.

        Raises:
            ConfigError: the contract has not been compiled.
        """
        (address,) = await node.deploy(sender, Contract.built("arbitrageur").deploy_data())
        return cls(
            node,
            address,
            sender,
            exchange,
            read_prices,
            first_block=await node.block_number(),
            lag=lag,
            tolerance_percent=tolerance_percent,
        )

    async def act(self) -> int:
        """Bring every strayed pool to the prices of `lag` blocks ago, in one transaction.

        Returns how many pools moved; sends nothing when none has to.
        """
        block = max(self._first_block, await self._node.block_number() - self.lag)
        return await self._move(await self._read_prices(block))

    async def lead(self, prices: Mapping[str, int]) -> int:
        """Bring pools to `prices` (USD, 8 decimals, by symbol) ahead of the feeds, as markets do.

        Symbols not named keep their feed price. Returns how many pools moved.
        """
        tokens = await self._read_prices(await self._node.block_number())
        return await self._move(
            {
                symbol: token._replace(price=prices.get(symbol, token.price))
                for symbol, token in tokens.items()
            }
        )

    async def _move(self, tokens: Mapping[str, PricedToken]) -> int:
        nudges = await self._nudges(tokens.values())
        if not nudges:
            return 0
        receipt = await self._node.send(
            Tx(self._sender, self.address, self._contract.encode("arbitrage", nudges))
        )
        return len(self._contract.events("Moved", receipt))

    async def follow(self) -> None:
        """Act after every new block until cancelled."""
        seen = -1
        while True:
            head = await self._node.block_number()
            if head != seen:
                seen = head
                await self.act()
            await asyncio.sleep(_POLL)

    async def _nudges(self, tokens: Iterable[PricedToken]) -> list[Nudge]:
        by_address = {token.address: token for token in tokens}
        pools = self._exchange.pools
        pool_contract = uniswap_contract("UniswapV3Pool")
        states = await self._node.call_many([(pool.address, pool_contract.encode("slot0")) for pool in pools])
        nudges = []
        for pool, state in zip(pools, states, strict=True):
            nudge = self._nudge(pool, by_address[pool.token0], by_address[pool.token1])
            if not nudge.low <= pool_contract.decode("slot0", state)[0] <= nudge.high:
                nudges.append(nudge)
        return nudges

    def _nudge(self, pool: Pool, token0: PricedToken, token1: PricedToken) -> Nudge:
        target = sqrt_price(token0, token1)
        low, high = fee_band(token0, token1, pool.fee * self.tolerance_percent // 100)
        return Nudge(pool.address, target, min(low, target), high)
