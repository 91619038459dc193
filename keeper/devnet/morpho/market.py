"""Morpho and its isolated markets as the devnet knows them."""

from dataclasses import dataclass, field
from typing import Any, NamedTuple

from eth_abi.abi import encode
from eth_utils.crypto import keccak

from keeper.devnet.contract import Contract
from keeper.devnet.morpho.specs import MarketSpec
from keeper.devnet.node import Node, Tx
from keeper.types import Address

WAD_PER_BPS = 10**14


class MarketParams(NamedTuple):
    """Morpho's own tuple; `lltv` in wad."""

    loan: Address
    collateral: Address
    oracle: Address
    irm: Address
    lltv: int


class IsolatedMarket(NamedTuple):
    """A market, and what it was made from."""

    spec: MarketSpec
    params: MarketParams

    @property
    def id(self) -> str:
        """keccak256 of the parameters, 0x-hex."""
        types = ["address", "address", "address", "address", "uint256"]
        return "0x" + keccak(encode(types, self.params)).hex()

    @property
    def name(self) -> str:
        """What people call it."""
        return f"{self.spec.collateral}/{self.spec.loan}"


@dataclass(frozen=True, slots=True)
class Morpho:
    """The contract, for whoever sends to it or reads from it."""

    node: Node
    address: Address
    contract: Contract = field(repr=False)

    def tx(self, sender: Address, name: str, *args: Any) -> Tx:
        """A transaction to Morpho."""
        return Tx(sender, self.address, self.contract.encode(name, *args))

    async def read(self, name: str, *args: Any, block: int | str = "latest") -> Any:
        """What a view of Morpho returns at `block`."""
        data = await self.node.call(self.address, self.contract.encode(name, *args), block)
        return self.contract.decode(name, data)
