"""A deployed Venus core pool: where its contracts are, and transactions to them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from keeper.devnet.board import Board
from keeper.devnet.contract import Contract
from keeper.devnet.node import Node, Tx
from keeper.types import Address


class VenusListing(NamedTuple):
    """A market of the pool."""

    symbol: str
    decimals: int
    token: Address
    vtoken: Address


@dataclass(frozen=True, slots=True)
class VenusCore:
    """Addresses of the pool; `reserve` gets what the protocol earns, `contracts` are by Solidity name."""

    node: Node
    admin: Address
    comptroller: Address
    liquidator: Address
    vai: Address
    vai_controller: Address
    reserve: Address
    board: Board
    listings: Mapping[str, VenusListing]
    contracts: Mapping[str, Contract] = field(repr=False)

    def comptroller_tx(self, sender: Address, name: str, *args: Any) -> Tx:
        """A transaction to the comptroller."""
        return Tx(sender, self.comptroller, self.contracts["Comptroller"].encode(name, *args))

    def vtoken_tx(self, sender: Address, symbol: str, name: str, *args: Any) -> Tx:
        """A transaction to the vToken of a symbol."""
        data = self.contracts["VBep20Immutable"].encode(name, *args)
        return Tx(sender, self.listings[symbol].vtoken, data)

    def liquidator_tx(self, sender: Address, name: str, *args: Any) -> Tx:
        """A transaction to the Liquidator contract."""
        return Tx(sender, self.liquidator, self.contracts["Liquidator"].encode(name, *args))

    def vai_tx(self, sender: Address, name: str, *args: Any) -> Tx:
        """A transaction to the VAI controller."""
        return Tx(sender, self.vai_controller, self.contracts["VAIController"].encode(name, *args))
