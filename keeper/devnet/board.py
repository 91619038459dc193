"""The price board: an oracle of the devnet's own that says what the feeds say."""

from collections.abc import Mapping
from typing import Any

from keeper.devnet.aave.specs import DEFAULT_RESERVES
from keeper.devnet.contract import Contract
from keeper.devnet.ground import Ground
from keeper.devnet.node import Node, Tx
from keeper.types import Address


class Board:
    """Answers getAssetPrice(token) like an AaveOracle, getPrice and getUnderlyingPrice like Venus' oracle.

    The latter have 36 decimals less the token's; feeds have 8.
    """

    def __init__(self, node: Node, owner: Address, address: Address) -> None:
        self.address = address
        self._node = node
        self._owner = owner

    @classmethod
    async def deploy(cls, node: Node, owner: Address, ground: Ground) -> "Board":
        """A board of every token of `ground`."""
        (address,) = await node.deploy(owner, Contract.built("price_board").deploy_data())
        board = cls(node, owner, address)
        decimals = {spec.symbol: spec.decimals for spec in DEFAULT_RESERVES}
        await board.list(
            {token: (symbol, decimals[symbol]) for symbol, token in ground.tokens.items()}, ground
        )
        return board

    async def list(self, assets: Mapping[Address, tuple[str, int]], ground: Ground) -> None:
        """Put up `assets` (tokens or vTokens) at the feed of a symbol.

        The number is the decimals of the token: Venus' prices have 36 less those.
        """
        await self._node.send_many(
            [
                self._tx("list", asset, ground.feeds[symbol].proxy, 10 ** (28 - decimals))
                for asset, (symbol, decimals) in assets.items()
            ]
        )

    async def fix(self, vtoken: Address, price: int) -> None:
        """Let getUnderlyingPrice say `price` of something without a feed."""
        await self._node.send(self._tx("fix", vtoken, price))

    async def fail(self, *, failing: bool) -> None:
        """Let every answer revert, or no longer."""
        await self._node.send(self._tx("fail", failing))

    def _tx(self, name: str, *args: Any) -> Tx:
        return Tx(self._owner, self.address, Contract.built("price_board").encode(name, *args))
