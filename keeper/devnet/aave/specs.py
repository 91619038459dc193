"""What the default Aave market lists: round numbers close to those of Ethereum's core market."""

from typing import NamedTuple

from keeper.types import USD


class Rates(NamedTuple):
    """Interest rate parameters in bps: the kink, the rate at no use, the slopes below and above the kink."""

    optimal_usage: int
    base: int
    slope1: int
    slope2: int


class ReserveSpec(NamedTuple):
    """One reserve.

    `price` in USD with 8 decimals; `ltv`, `threshold`, `bonus` (10500: 5 %), `reserve_factor` and
    `liquidation_fee` (share of the bonus) in bps; `liquidity` in whole tokens, supplied by the whale;
    `debt_ceiling` in USD with 2 decimals, non-zero for isolated collateral; `silent` for a token whose
    transfers return nothing; `stable` for loans at stable rates and `siloed` for a token that is only
    borrowed alone, in versions that have those.
    """

    symbol: str
    name: str
    decimals: int
    price: int
    ltv: int
    threshold: int
    bonus: int
    reserve_factor: int
    rates: Rates
    liquidity: int
    liquidation_fee: int = 1000
    borrowable: bool = True
    debt_ceiling: int = 0
    borrowable_in_isolation: bool = False
    silent: bool = False
    stable: bool = False
    siloed: bool = False


class EModeSpec(NamedTuple):
    """One efficiency mode: limits in bps, members by symbol.

    `price` is what the members have in common, USD with 8 decimals, in versions where a mode has its own
    price source; None leaves each its own.
    """

    category: int
    label: str
    ltv: int
    threshold: int
    bonus: int
    collateral: tuple[str, ...]
    borrowable: tuple[str, ...]
    price: int | None = None


_ETH = Rates(9200, 0, 270, 8000)
_STAKED = Rates(8000, 0, 95, 8500)
_BTC = Rates(8000, 0, 400, 30_000)
_STABLE = Rates(9200, 0, 550, 4000)
_VOLATILE = Rates(4500, 0, 700, 30_000)

# fmt: off
DEFAULT_RESERVES = (
    ReserveSpec("WETH", "Wrapped Ether", 18, 2500 * USD, 8050, 8300, 10500, 1500, _ETH, 200_000),
    ReserveSpec("wstETH", "Wrapped staked Ether", 18, 2950 * USD, 7850, 8100, 10600, 3500, _STAKED, 100_000),
    ReserveSpec("WBTC", "Wrapped BTC", 8, 62_000 * USD, 7300, 7800, 10500, 5000, _BTC, 5_000),
    ReserveSpec("USDC", "USD Coin", 6, 1 * USD, 7500, 7800, 10450, 1000, _STABLE, 500_000_000,
                borrowable_in_isolation=True),
    ReserveSpec("DAI", "Dai Stablecoin", 18, 1 * USD, 6300, 7700, 10500, 2500, _STABLE, 200_000_000,
                borrowable_in_isolation=True),
    ReserveSpec("USDT", "Tether USD", 6, 1 * USD, 7500, 7800, 10450, 1000, _STABLE, 500_000_000, silent=True),
    ReserveSpec("LINK", "ChainLink Token", 18, 14 * USD, 6600, 7100, 10700, 2000, _VOLATILE, 2_000_000),
    ReserveSpec("GOLD", "Tokenised Gold", 18, 2400 * USD, 7000, 7500, 10750, 2000, _VOLATILE, 0,
                borrowable=False, debt_ceiling=20_000_000_00),
)
# fmt: on

_STABLE_RATE = {"WETH", "wstETH", "USDC", "DAI"}

V2_RESERVES = tuple(spec._replace(stable=spec.symbol in _STABLE_RATE) for spec in DEFAULT_RESERVES)

# fmt: off
V30_RESERVES = (
    *V2_RESERVES,
    ReserveSpec("CRV", "Curve DAO Token", 18, USD // 2, 5500, 6100, 10830, 3500, _VOLATILE, 20_000_000,
                siloed=True),
)
# fmt: on

DEFAULT_EMODES = (
    EModeSpec(1, "ETH correlated", 9300, 9500, 10100, ("WETH", "wstETH"), ("WETH", "wstETH")),
    EModeSpec(2, "Stablecoins", 9300, 9500, 10100, ("USDC", "DAI", "USDT"), ("USDC", "DAI", "USDT")),
)

V30_EMODES = tuple(
    mode._replace(price=USD) if mode.label == "Stablecoins" else mode for mode in DEFAULT_EMODES
)
