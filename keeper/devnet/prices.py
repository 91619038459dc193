"""What everything on a devnet costs, whichever protocols are on it."""

from collections.abc import Mapping, Sequence

from keeper.devnet.aave.specs import ReserveSpec
from keeper.devnet.exchange.ticks import PricedToken
from keeper.devnet.feeds import Feeds
from keeper.types import Address


class Prices:
    """The feeds of all protocols, moved together. Prices are USD with 8 decimals, by symbol."""

    def __init__(
        self, tokens: Mapping[str, Address], decimals: Mapping[str, int], feeds: Sequence[Feeds]
    ) -> None:
        self._tokens = dict(tokens)
        self._decimals = dict(decimals)
        self._feeds = tuple(feeds)

    @classmethod
    def of(
        cls, tokens: Mapping[str, Address], specs: Sequence[ReserveSpec], feeds: Sequence[Feeds]
    ) -> "Prices":
        """Prices of `tokens`, which `specs` describe."""
        return cls(tokens, {spec.symbol: spec.decimals for spec in specs}, feeds)

    @property
    def symbols(self) -> dict[Address, tuple[str, int]]:
        """Symbol and decimals of every token."""
        return {token: (symbol, self._decimals[symbol]) for symbol, token in self._tokens.items()}

    @property
    def aggregators(self) -> dict[str, list[Address]]:
        """By symbol, the feeds that take USD with 8 decimals."""
        found: dict[str, list[Address]] = {}
        for feeds in self._feeds:
            for symbol, aggregator in feeds.in_usd().items():
                found.setdefault(symbol, []).append(aggregator)
        return found

    def address(self, symbol: str) -> Address:
        """The token of a symbol; KeyError when there is none."""
        return self._tokens[symbol]

    async def now(self, block: int | str = "latest") -> dict[str, int]:
        """Every feed's price as of a block."""
        found: dict[str, int] = {}
        for feeds in reversed(self._feeds):
            found |= await feeds.prices(block)
        return found

    async def tokens(self, block: int | str = "latest") -> dict[str, PricedToken]:
        """Every token with its price as of a block."""
        prices = await self.now(block)
        return {
            symbol: PricedToken(token, self._decimals[symbol], prices[symbol])
            for symbol, token in self._tokens.items()
        }

    async def set(self, prices: Mapping[str, int]) -> None:
        """Transmit prices to all feeds that have them, a block for each protocol's kind of feeds."""
        for feeds in self._feeds:
            known = {symbol: price for symbol, price in prices.items() if symbol in feeds}
            if known:
                await feeds.set_prices(known)
