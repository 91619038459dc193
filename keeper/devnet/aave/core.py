"""A v3 market without reserves, as far as its versions are founded in the same way."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, Self

from keeper.devnet.aave.dialect import Dialect
from keeper.devnet.aave.market import Market
from keeper.devnet.aave.setup import TREASURY, WHALE, registered
from keeper.devnet.contract import Contract
from keeper.devnet.ground import Ground
from keeper.devnet.node import Node, Tx
from keeper.types import USD, ZERO_ADDRESS, Address

Contracts = Mapping[str, Contract]
Link = Callable[[Contract, Mapping[str, Address]], Contract]
"""Fills the addresses of libraries in."""


class Parts(NamedTuple):
    """Contracts of a market; `pool` and `configurator` are what their proxies will run."""

    acl: Address
    pool: Address
    configurator: Address
    oracle: Address
    rate_strategy: Address = ZERO_ADDRESS


@dataclass(frozen=True, slots=True)
class Core:
    """A market that comes into being: each contract reads in its constructor what `provider` has by then.

    `linked` gives a contract of that name with its libraries.
    """

    node: Node
    admin: Address
    contracts: Contracts
    linked: Callable[[str], Contract]
    provider: Address

    @classmethod
    async def begin(
        cls, node: Node, admin: Address, contracts: Contracts, libraries: Sequence[str], link: Link
    ) -> Self:
        """Deploy `libraries`, FlashLoanLogic on top of them, and the provider."""
        codes = [contracts[name].deploy_data() for name in libraries]
        placed = dict(zip(libraries, await node.deploy(admin, *codes), strict=True))
        [flash] = await node.deploy(admin, link(contracts["FlashLoanLogic"], placed).deploy_data())
        placed["FlashLoanLogic"] = flash
        registry = contracts["PoolAddressesProvider"].deploy_data("devnet", admin)
        [provider] = await node.deploy(admin, registry)
        core = cls(node, admin, contracts, lambda name: link(contracts[name], placed), provider)
        await core._register(setACLAdmin=admin)
        return core

    def code(self, name: str, *args: Any) -> bytes:
        """Creation code of a contract."""
        return self.linked(name).deploy_data(*args)

    def oracle_code(self, ground: Ground) -> bytes:
        """Creation code of an oracle in USD, with the feeds of all tokens."""
        tokens, feeds = ground
        sources = [feeds[symbol].proxy for symbol in tokens]
        return self.code(
            "AaveOracle", self.provider, list(tokens.values()), sources, ZERO_ADDRESS, ZERO_ADDRESS, USD
        )

    async def grant(self, acl: Address, roles: Iterable[str]) -> None:
        """Give the admin `roles`, by the names of the functions that do."""
        manager = self.contracts["ACLManager"]
        await self.node.send_many([Tx(self.admin, acl, manager.encode(role, self.admin)) for role in roles])

    async def complete(self, parts: Parts, dialect: Dialect) -> Market:
        """Make the provider put `parts` to work."""
        await self._register(setACLManager=parts.acl, setPriceOracle=parts.oracle, setPoolImpl=parts.pool)
        await self._register(setPoolConfiguratorImpl=parts.configurator)
        data_provider_code = self.code("AaveProtocolDataProvider", self.provider)
        [data_provider] = await self.node.deploy(self.admin, data_provider_code)
        await self._register(setPoolDataProvider=data_provider)
        registry = self.contracts["PoolAddressesProvider"]
        return Market(
            provider=self.provider,
            acl=parts.acl,
            pool=await registered(self.node, self.provider, registry, "getPool"),
            configurator=await registered(self.node, self.provider, registry, "getPoolConfigurator"),
            oracle=parts.oracle,
            data_provider=data_provider,
            rate_strategy=parts.rate_strategy,
            treasury=TREASURY,
            admin=self.admin,
            whale=WHALE,
            start_block=0,
            reserves=(),
            contracts=self.contracts,
            dialect=dialect,
        )

    async def _register(self, **parts: Address) -> None:
        registry = self.contracts["PoolAddressesProvider"]
        txs = [Tx(self.admin, self.provider, registry.encode(*part)) for part in parts.items()]
        await self.node.send_many(txs)
