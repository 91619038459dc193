"""Which markets Morpho Blue has on the devnet: shapes that are common on Ethereum, and some rare ones."""

from enum import StrEnum
from typing import NamedTuple


class Rate(StrEnum):
    """How a market's interest is set."""

    CURVE = "curve"
    """An adaptive curve, which logs its state."""
    PLAIN = "plain"
    """Morpho's own mock: the use is the yearly rate; it logs nothing, so the keeper has to read it."""
    NONE = "none"


class MarketSpec(NamedTuple):
    """One isolated market: `lltv` in bps, `fee` in percent of the interest, `dollars` that lenders supply."""

    collateral: str
    loan: str
    lltv: int
    rate: Rate = Rate.CURVE
    fee: int = 0
    dollars: int = 50_000_000


DEFAULT_MARKETS = (
    MarketSpec("WETH", "USDC", 8600, fee=10),
    MarketSpec("WBTC", "USDC", 8600),
    MarketSpec("wstETH", "WETH", 9450, fee=5),
    MarketSpec("wstETH", "USDT", 8600),
    MarketSpec("LINK", "DAI", 6250, Rate.PLAIN, fee=25),
    MarketSpec("USDC", "WETH", 7700),
    MarketSpec("DAI", "USDC", 9650, Rate.NONE),
    MarketSpec("GOLD", "USDC", 7700, Rate.PLAIN, dollars=5_000_000),
)
