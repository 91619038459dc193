"""Chainlink-style price feeds: aggregators that emit AnswerUpdated, behind proxies that consumers read."""

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any, NamedTuple

from keeper.devnet.contract import Contract
from keeper.devnet.node import Node, Tx
from keeper.types import WAD, Address

DECIMALS = 8
ETHER_DECIMALS = 18
ETHER = "WETH"


class Feed(NamedTuple):
    """One price feed. Consumers read `proxy`; logs come from `aggregator`."""

    symbol: str
    proxy: Address
    aggregator: Address


@cache
def aggregator_contract() -> Contract:
    """The settable aggregator."""
    return Contract.built("price_feed")


@cache
def proxy_contract() -> Contract:
    """The proxy in front of it."""
    return Contract.built("price_feed_proxy")


class Feeds:
    """The feeds of a market. Prices are USD with 8 decimals, keyed by token symbol."""

    def __init__(self, node: Node, owner: Address, feeds: Sequence[Feed] = ()) -> None:
        self._node = node
        self._owner = owner
        self._feeds = {feed.symbol: feed for feed in feeds}

    def __getitem__(self, symbol: str) -> Feed:
        return self._feeds[symbol]

    def __contains__(self, symbol: str) -> bool:
        return symbol in self._feeds

    def in_usd(self) -> dict[str, Address]:
        """Aggregators that take USD with 8 decimals, by symbol."""
        return {symbol: feed.aggregator for symbol, feed in self._feeds.items()}

    async def create(self, prices: Mapping[str, int]) -> list[Feed]:
        """Deploy an aggregator behind a proxy for each symbol, at the given price."""
        aggregators = await self._node.deploy(self._owner, *await self._codes(prices))
        proxies = await self._node.deploy(self._owner, *map(proxy_contract().deploy_data, aggregators))
        created = [Feed(*each) for each in zip(prices, proxies, aggregators, strict=True)]
        self._feeds |= {feed.symbol: feed for feed in created}
        return created

    def transmission(self, symbol: str, answer: int) -> Tx:
        """The transaction that sets one answer, in the feed's own currency."""
        data = aggregator_contract().encode("transmit", answer)
        return Tx(self._owner, self._feeds[symbol].aggregator, data)

    async def set_prices(self, prices: Mapping[str, int]) -> list[dict[str, Any]]:
        """Set prices together in one block; return the receipts in the order given."""
        return await self._node.send_many([self.transmission(*each) for each in prices.items()])

    async def prices(self, block: int | str = "latest") -> dict[str, int]:
        """The price of every feed as of a block."""
        return await self._answers(block)

    async def replace_aggregator(self, symbol: str, price: int) -> Feed:
        """Put a new aggregator behind the proxy of `symbol`, as Chainlink does now and then."""
        old = self._feeds[symbol]
        [aggregator] = await self._node.deploy(self._owner, *await self._codes({symbol: price}))
        steps = ("proposeAggregator", "confirmAggregator")
        calls = [proxy_contract().encode(step, aggregator) for step in steps]
        await self._node.send_many([Tx(self._owner, old.proxy, data) for data in calls])
        self._feeds[symbol] = old._replace(aggregator=aggregator)
        return self._feeds[symbol]

    async def _codes(self, prices: Mapping[str, int]) -> list[bytes]:
        """Creation code of an aggregator for each symbol."""
        return [aggregator_code(f"{symbol} / USD", DECIMALS, price) for symbol, price in prices.items()]

    async def _answers(self, block: int | str = "latest") -> dict[str, int]:
        data = proxy_contract().encode("latestAnswer")
        answers = await self._node.call_many([(feed.proxy, data) for feed in self._feeds.values()], block)
        decoded = [int(proxy_contract().decode("latestAnswer", answer)) for answer in answers]
        return dict(zip(self._feeds, decoded, strict=True))


class EtherFeeds(Feeds):
    """Feeds that answer in wei of ether, as Aave v2's do; only WETH's gives ether in USD.

    The contracts count in ether, so when ether moves, every other feed moves with it to keep its USD price.
    """

    def in_usd(self) -> dict[str, Address]:
        """None: what ether costs in USD moves all the others."""
        return {}

    async def set_prices(self, prices: Mapping[str, int]) -> list[dict[str, Any]]:
        """Set prices together in one block; return the receipts, one for each feed that moved."""
        kept = await self.prices() if ETHER in prices else {}
        ether = await self._ether(prices)
        answers = {
            symbol: price if symbol == ETHER else in_ether(price, ether)
            for symbol, price in {**kept, **prices}.items()
        }
        return await super().set_prices(answers)

    async def prices(self, block: int | str = "latest") -> dict[str, int]:
        """The price of every feed as of a block."""
        answers = await self._answers(block)
        ether = answers[ETHER]
        return {
            symbol: ether if symbol == ETHER else in_usd(answer, ether) for symbol, answer in answers.items()
        }

    async def _codes(self, prices: Mapping[str, int]) -> list[bytes]:
        ether = await self._ether(prices)
        return [
            aggregator_code(f"{symbol} / USD", DECIMALS, price)
            if symbol == ETHER
            else aggregator_code(f"{symbol} / ETH", ETHER_DECIMALS, in_ether(price, ether))
            for symbol, price in prices.items()
        ]

    async def _ether(self, prices: Mapping[str, int]) -> int:
        return prices[ETHER] if ETHER in prices else (await self._answers())[ETHER]


def in_ether(price: int, ether: int) -> int:
    """`price` (USD, 8 decimals) in wei, given that of ether; rounded half up."""
    return (price * WAD + ether // 2) // ether


def in_usd(answer: int, ether: int) -> int:
    """`answer` (wei) in USD with 8 decimals, given that of ether; undoes in_ether."""
    return (answer * ether + WAD // 2) // WAD


def aggregator_code(description: str, decimals: int, answer: int) -> bytes:
    """Creation code of an aggregator."""
    return aggregator_contract().deploy_data(description, decimals, answer)
