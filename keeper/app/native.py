"""What a unit of gas money is worth, found without being told."""

from collections.abc import Mapping, Sequence

from keeper.config.model import Config
from keeper.errors import CallReverted
from keeper.ports import ChainReader
from keeper.protocols.base import Market
from keeper.types import USD, Address, Call

WETH9 = bytes.fromhex("4aa4a4fc")
"""Selector of WETH9(): every Uniswap v3 periphery contract knows the chain's wrapped native token."""

WRAPPED_SYMBOLS: Mapping[int, str] = {56: "WBNB", 100: "WXDAI", 137: "WPOL", 146: "wS", 43114: "WAVAX"}
DEFAULT_SYMBOL = "WETH"

ASSUMED_PRICE = 10_000 * USD
"""USD per native coin where nothing tells: high on purpose, so that gas is never underestimated."""


async def wrapped_native(config: Config, chain: ChainReader) -> Address | None:
    """The chain's wrapped native token as the configured exchange names it, None if none does."""
    for swap in config.exchanges:
        try:
            word = await chain.call(Call(swap.quoter, WETH9))
        except CallReverted:
            continue
        if len(word) == 32:
            return Address("0x" + word[12:].hex())
    return None


def native_price(markets: Sequence[Market], wrapped: Address | None, chain_id: int) -> int:
    """USD (8 decimals) per native coin from the first market that lists its wrapped form, or assumed."""
    symbol = WRAPPED_SYMBOLS.get(chain_id, DEFAULT_SYMBOL)
    assets = [asset for market in markets for asset in market.assets()]
    by_address = [asset.price for asset in assets if asset.address == wrapped]
    by_symbol = [asset.price for asset in assets if asset.symbol == symbol]
    return next(filter(None, by_address + by_symbol), ASSUMED_PRICE)
