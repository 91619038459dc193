"""What Venus' core pool lists on the devnet: the devnet's tokens with every kind of rate model."""

from enum import StrEnum
from typing import NamedTuple

from keeper.types import WAD

BLOCKS_PER_YEAR = 200_000
"""Few, so that interest shows within the blocks of a test."""


class Model(StrEnum):
    """Which contract sets the rate."""

    JUMP = "JumpRateModel"
    TWO_KINKS = "TwoKinksInterestRateModel"
    WHITE_PAPER = "WhitePaperInterestRateModel"


MODELS = {
    Model.JUMP: (0, WAD // 20, WAD, WAD * 8 // 10, BLOCKS_PER_YEAR),
    Model.TWO_KINKS: (
        0, WAD // 50, WAD * 3 // 10, WAD // 100, WAD // 20, WAD * 8 // 10, WAD * 3, BLOCKS_PER_YEAR,
    ),
    Model.WHITE_PAPER: (WAD // 100, WAD // 10, BLOCKS_PER_YEAR),
}  # fmt: skip
"""Constructor arguments."""


class VenusSpec(NamedTuple):
    """One market. Limits in bps; `incentive` 11000 is 10 %; `liquidity` in whole tokens."""

    symbol: str
    model: Model
    factor: int
    threshold: int
    incentive: int
    liquidity: int


class PoolSpec(NamedTuple):
    """An e-mode pool with limits of its own for its members, in bps."""

    label: str
    symbols: tuple[str, ...]
    factor: int = 9000
    threshold: int = 9300
    incentive: int = 10300


DEFAULT_MARKETS = (
    VenusSpec("WETH", Model.TWO_KINKS, 8000, 8300, 10600, 40_000),
    VenusSpec("wstETH", Model.WHITE_PAPER, 7700, 8100, 10700, 20_000),
    VenusSpec("WBTC", Model.JUMP, 7500, 8000, 10700, 1_500),
    VenusSpec("USDC", Model.JUMP, 8000, 8250, 10500, 100_000_000),
    VenusSpec("USDT", Model.TWO_KINKS, 7800, 8000, 10600, 100_000_000),
    VenusSpec("LINK", Model.WHITE_PAPER, 6000, 6500, 11000, 1_000_000),
)

DEFAULT_POOLS = (PoolSpec("ETH", ("WETH", "wstETH")), PoolSpec("Stablecoins", ("USDC", "USDT")))
