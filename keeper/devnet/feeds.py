"""Chainlink-style price feeds: aggregators that emit AnswerUpdated, behind proxies that consumers read."""

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any, NamedTuple

from keeper.devnet.contract import Contract
from keeper.devnet.node import Node, Tx
from keeper.types import Address

DECIMALS = 8


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

    def __init__(self, node: Node, owner: Address, feeds: Sequence[Feed]) -> None:
        self._node = node
        self._owner = owner
        self._feeds = {feed.symbol: feed for feed in feeds}

    def __getitem__(self, symbol: str) -> Feed:
        return self._feeds[symbol]

    def transmission(self, symbol: str, price: int) -> Tx:
        """The transaction that sets one price, for callers that place it themselves."""
        data = aggregator_contract().encode("transmit", price)
        return Tx(self._owner, self._feeds[symbol].aggregator, data)

    async def set_prices(self, prices: Mapping[str, int]) -> list[dict[str, Any]]:
        """Set prices together in one block; return the receipts in the order given."""
        return await self._node.send_many([self.transmission(*each) for each in prices.items()])

    async def prices(self) -> dict[str, int]:
        """What every proxy answers now."""
        data = proxy_contract().encode("latestAnswer")
        answers = await self._node.call_many([(feed.proxy, data) for feed in self._feeds.values()])
        decoded = [int(proxy_contract().decode("latestAnswer", answer)) for answer in answers]
        return dict(zip(self._feeds, decoded, strict=True))

    async def replace_aggregator(self, symbol: str, price: int) -> Feed:
        """Put a new aggregator behind the proxy of `symbol`, as Chainlink does now and then."""
        old = self._feeds[symbol]
        [aggregator] = await self._node.deploy(self._owner, aggregator_code(symbol, price))
        steps = ("proposeAggregator", "confirmAggregator")
        calls = [proxy_contract().encode(step, aggregator) for step in steps]
        await self._node.send_many([Tx(self._owner, old.proxy, data) for data in calls])
        self._feeds[symbol] = old._replace(aggregator=aggregator)
        return self._feeds[symbol]


def aggregator_code(symbol: str, price: int) -> bytes:
    """Creation code of an aggregator for `symbol` in USD."""
    return aggregator_contract().deploy_data(f"{symbol} / USD", DECIMALS, price)


async def deploy_feeds(node: Node, owner: Address, prices: Mapping[str, int]) -> Feeds:
    """Deploy an aggregator and a proxy for each symbol, at the given price."""
    aggregators = await node.deploy(owner, *(aggregator_code(*each) for each in prices.items()))
    proxies = await node.deploy(owner, *map(proxy_contract().deploy_data, aggregators))
    feeds = [Feed(*each) for each in zip(prices, proxies, aggregators, strict=True)]
    return Feeds(node, owner, feeds)
