"""Price sources of every kind that live markets use, and a market that prices its assets by them."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from keeper.devnet.aave.market import Market
from keeper.devnet.contract import Contract
from keeper.devnet.node import Node, Tx
from keeper.types import USD, WAD, Address

CUTOFF = 30
"""Seconds after which a public report reaches the secondary proxy."""

ITERATIONS = 20
DAY = 86_400
_DECIMALS = 8


class PriceSource(NamedTuple):
    """A deployed contract of `contracts/<kind>.vy`."""

    kind: str
    address: Address

    def tx(self, sender: Address, name: str, *args: Any) -> Tx:
        """A transaction to it."""
        return Tx(sender, self.address, Contract.built(self.kind).encode(name, *args))


async def deploy_source(node: Node, owner: Address, kind: str, *args: Any) -> PriceSource:
    """Deploy `contracts/<kind>.vy`; sources among the arguments stand for their addresses."""
    plain = [arg.address if isinstance(arg, PriceSource) else arg for arg in args]
    [address] = await node.deploy(owner, Contract.built(kind).deploy_data(*plain))
    return PriceSource(kind, address)


async def point(node: Node, market: Market, sources: Mapping[str, PriceSource]) -> None:
    """Let the market's oracle price the assets, by symbol, by these sources."""
    tokens = [market.reserve(symbol).token for symbol in sources]
    addresses = [source.address for source in sources.values()]
    data = market.contracts["AaveOracle"].encode("setAssetSources", tokens, addresses)
    await node.send(Tx(market.admin, market.oracle, data))


async def set_fallback(node: Node, market: Market, fallback: Address) -> None:
    """Let the market's oracle ask `fallback` where a source has no answer above zero."""
    data = market.contracts["AaveOracle"].encode("setFallbackOracle", fallback)
    await node.send(Tx(market.admin, market.oracle, data))


@dataclass(frozen=True, slots=True)
class SourceZoo:
    """One source of each kind and what is beneath them.

    `dual` is asked by `svr`, its secondary proxy; `ether` caps the growth of `rate` over that; `coin` is
    behind `silent_proxy`; `dollar`, `euro` and `set` are stablecoins; `bond` melts over `dollar`; `odd` is
    of no known kind.
    """

    dual: PriceSource
    svr: PriceSource
    rate: PriceSource
    ether: PriceSource
    coin: PriceSource
    silent_proxy: PriceSource
    dollar_feed: PriceSource
    dollar: PriceSource
    euro_feed: PriceSource
    euro: PriceSource
    fixed: PriceSource
    bond: PriceSource
    odd: PriceSource

    @property
    def by_symbol(self) -> dict[str, PriceSource]:
        """Which source prices which reserve of the default market."""
        return {
            "WETH": self.svr,
            "wstETH": self.ether,
            "WBTC": self.silent_proxy,
            "USDC": self.dollar,
            "DAI": self.euro,
            "USDT": self.fixed,
            "LINK": self.bond,
            "GOLD": self.odd,
        }


async def deploy_zoo(node: Node, owner: Address) -> SourceZoo:
    """Deploy a source of every kind, with prices near those of the default market."""
    now = await node.timestamp()

    async def made(kind: str, *args: Any) -> PriceSource:
        return await deploy_source(node, owner, kind, *args)

    async def feed(name: str, price: int) -> tuple[PriceSource, PriceSource]:
        aggregator = await made("price_feed", name, _DECIMALS, price)
        return aggregator, await made("price_feed_proxy", aggregator)

    dual = await made("price_feed_dual", "ETH / USD", 2500 * USD, 0, ITERATIONS)
    svr = await made("price_feed_proxy", dual)
    rate = await made("token_rate", WAD + WAD // 6)
    cap = (18, WAD + WAD // 6 - 1, now - 7 * DAY, 968)
    coin = await made("price_feed", "BTC / USD", _DECIMALS, 62_000 * USD)
    dollar_feed, dollar_proxy = await feed("USDC / USD", USD)
    euro_feed, euro_proxy = await feed("EURC / USD", USD + 1)
    _, peg_proxy = await feed("EUR / USD", USD)
    dollar = await made("price_cap_stable", "USDC / USD capped", dollar_proxy, USD * 104 // 100)
    zoo = SourceZoo(
        dual=dual,
        svr=svr,
        rate=rate,
        ether=await made("price_cap_ratio", "wstETH / USD capped", svr, rate, False, *cap),
        coin=coin,
        silent_proxy=await made("price_feed_proxy_silent", coin),
        dollar_feed=dollar_feed,
        dollar=dollar,
        euro_feed=euro_feed,
        euro=await made(
            "price_cap_peg", "EURC / USD capped", euro_proxy, peg_proxy, _DECIMALS, USD * 104 // 100
        ),
        fixed=await made("price_settable", "GHO / USD", USD),
        bond=await made("price_discount", "PT / USD", dollar, now + 90 * DAY, WAD // 10),
        odd=await made("price_silent", 2400 * USD),
    )
    steps = [("set_secondary_proxy", svr.address), ("transmit_secondary", 2500 * USD)]
    await node.send_many([dual.tx(owner, *step) for step in steps])
    return zoo


async def set_cutoff(node: Node, owner: Address, dual: PriceSource, seconds: int = CUTOFF) -> None:
    """Set, and thereby announce, the cutoff of a dual aggregator: it has no getter."""
    await node.send(dual.tx(owner, "setCutoffTime", seconds))
