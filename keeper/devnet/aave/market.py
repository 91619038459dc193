"""Where everything of a deployed Aave market is, and transactions to it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from keeper.devnet.aave.dialect import V36, Dialect, Version
from keeper.devnet.contract import Contract
from keeper.devnet.feeds import Feed, Feeds
from keeper.devnet.node import Node, Tx
from keeper.types import ZERO_ADDRESS, Address

STABLE_RATE = 1
VARIABLE_RATE = 2


@dataclass(frozen=True, slots=True)
class Reserve:
    """A listed token and what belongs to it; the oracle reads `feed`, a proxy of `aggregator`.

    `s_token` is the debt at stable rates, zero in versions without.
    """

    symbol: str
    decimals: int
    token: Address
    a_token: Address
    v_token: Address
    feed: Address
    aggregator: Address
    s_token: Address = ZERO_ADDRESS


@dataclass(frozen=True, slots=True)
class Market:
    """A deployed market. `start_block` is the last block before it; `whale` is its first lender.

    `contracts` are the ABIs by the Solidity names of v3.6, whatever the version: PoolInstance, AaveOracle,
    ATokenInstance, … `acl` is zero in v2; `rate_strategy` is zero where each reserve has its own.
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
    dialect: Dialect = field(default=V36, repr=False)

    @property
    def version(self) -> Version:
        """Which Aave this is."""
        return self.dialect.version

    def reserve(self, symbol: str) -> Reserve:
        """The reserve of `symbol`; KeyError when it is not listed."""
        return {reserve.symbol: reserve for reserve in self.reserves}[symbol]

    def feeds(self, node: Node) -> Feeds:
        """The price feeds as `node` sees them: the first chain's, or those of a fork of it."""
        feeds = [Feed(reserve.symbol, reserve.feed, reserve.aggregator) for reserve in self.reserves]
        return self.dialect.feeds(node, self.admin, feeds)

    def pool_tx(self, sender: Address, name: str, *args: Any) -> Tx:
        """A transaction to the pool."""
        return Tx(sender, self.pool, self.contracts["PoolInstance"].encode(name, *args))

    def configurator_tx(self, name: str, *args: Any) -> Tx:
        """A transaction of the market's admin to the configurator."""
        data = self.contracts["PoolConfiguratorInstance"].encode(name, *args)
        return Tx(self.admin, self.configurator, data)

    def provider_tx(self, name: str, *args: Any) -> Tx:
        """A transaction of the market's admin to the addresses provider."""
        return Tx(self.admin, self.provider, self.contracts["PoolAddressesProvider"].encode(name, *args))

    def oracle_tx(self, name: str, *args: Any) -> Tx:
        """A transaction of the market's admin to the oracle."""
        return Tx(self.admin, self.oracle, self.contracts["AaveOracle"].encode(name, *args))

    def supply(self, user: Address, symbol: str, amount: int) -> Tx:
        """Supply from `user`, who has approved the pool."""
        return self.pool_tx(user, self.dialect.supply, self.reserve(symbol).token, amount, user, 0)

    def borrow(self, user: Address, symbol: str, amount: int) -> Tx:
        """Borrow at the variable rate."""
        return self.pool_tx(user, "borrow", self.reserve(symbol).token, amount, VARIABLE_RATE, 0, user)

    def together(self, sender: Address, calls: Sequence[bytes], most: int) -> list[Tx]:
        """The calls in as few transactions as the pool's version allows, at most `most` in each."""
        if not self.dialect.multicall:
            return [Tx(sender, self.pool, data) for data in calls]
        return [
            self.pool_tx(sender, "multicall", calls[start : start + most])
            for start in range(0, len(calls), most)
        ]

    async def read_pool(self, node: Node, name: str, *args: Any, block: int | str = "latest") -> Any:
        """What a view of the pool returns at `block`."""
        pool = self.contracts["PoolInstance"]
        return pool.decode(name, await node.call(self.pool, pool.encode(name, *args), block))
