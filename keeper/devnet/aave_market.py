"""Where everything of a deployed Aave market is, and transactions to it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from keeper.devnet.contract import Contract
from keeper.devnet.feeds import Feed, Feeds
from keeper.devnet.node import Node, Tx
from keeper.types import Address


@dataclass(frozen=True, slots=True)
class Reserve:
    """A listed token and what belongs to it; the oracle reads `feed`, a proxy of `aggregator`."""

    symbol: str
    decimals: int
    token: Address
    a_token: Address
    v_token: Address
    feed: Address
    aggregator: Address


@dataclass(frozen=True, slots=True)
class Market:
    """A deployed market. `start_block` is the last block before it; `whale` is its first lender.

    `contracts` are the ABIs by Solidity name: PoolInstance, AaveOracle, ATokenInstance, …
    """

    provider: Address
    acl: Address
    pool: Address
    configurator: Address
    oracle: Address
    data_provider: Address
    rate_strategy: Address
    treasury: Address
    admin: Address
    whale: Address
    start_block: int
    reserves: tuple[Reserve, ...]
    contracts: Mapping[str, Contract] = field(repr=False)

    def reserve(self, symbol: str) -> Reserve:
        """The reserve of `symbol`; KeyError when it is not listed."""
        return {reserve.symbol: reserve for reserve in self.reserves}[symbol]

    def feeds(self, node: Node) -> Feeds:
        """The price feeds as `node` sees them: the first chain's, or those of a fork of it."""
        feeds = [Feed(reserve.symbol, reserve.feed, reserve.aggregator) for reserve in self.reserves]
        return Feeds(node, self.admin, feeds)

    def pool_tx(self, sender: Address, name: str, *args: Any) -> Tx:
        """A transaction to the pool."""
        return Tx(sender, self.pool, self.contracts["PoolInstance"].encode(name, *args))

    def configurator_tx(self, name: str, *args: Any) -> Tx:
        """A transaction of the market's admin to the configurator."""
        data = self.contracts["PoolConfiguratorInstance"].encode(name, *args)
        return Tx(self.admin, self.configurator, data)

    def supply(self, user: Address, symbol: str, amount: int) -> Tx:
        """Supply from `user`, who has approved the pool."""
        return self.pool_tx(user, "supply", self.reserve(symbol).token, amount, user, 0)

    def borrow(self, user: Address, symbol: str, amount: int) -> Tx:
        """Borrow at the variable rate."""
        return self.pool_tx(user, "borrow", self.reserve(symbol).token, amount, 2, 0, user)

    async def read_pool(self, node: Node, name: str, *args: Any, block: int | str = "latest") -> Any:
        """What a view of the pool returns at `block`."""
        pool = self.contracts["PoolInstance"]
        return pool.decode(name, await node.call(self.pool, pool.encode(name, *args), block))
