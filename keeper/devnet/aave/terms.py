"""What accounts of an Aave market may borrow: prices, limits, eModes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from keeper.types import BPS


@dataclass(frozen=True, slots=True)
class Listing:
    """Borrowing rules of one reserve.

    `price` in USD with 8 decimals per whole token; `ltv` and `threshold` in bps; `debt_ceiling` in USD with
    2 decimals, above 0 for an isolated collateral; `siloed` if it is only borrowed alone; `stable` if loans
    at stable rates exist.
    """

    symbol: str
    decimals: int
    price: int
    ltv: int
    threshold: int
    borrowable: bool
    isolation_borrowable: bool
    debt_ceiling: int
    siloed: bool = False
    stable: bool = False

    @property
    def unit(self) -> int:
        """Raw amount of one whole token."""
        return int(10**self.decimals)

    def value(self, amount: int) -> int:
        """USD with 8 decimals, rounded down."""
        return amount * self.price // self.unit

    def amount(self, usd: int) -> int:
        """Raw token amount worth `usd` (8 decimals), rounded down."""
        return usd * self.unit // self.price


@dataclass(frozen=True, slots=True)
class EMode:
    """An efficiency mode: `ltv` and `threshold` in bps for its collaterals."""

    id: int
    ltv: int
    threshold: int
    collaterals: frozenset[str]
    borrowables: frozenset[str]


@dataclass(frozen=True, slots=True)
class Terms:
    """Everything that decides what an account may borrow."""

    listings: Mapping[str, Listing]
    emodes: Mapping[int, EMode]

    def ltv(self, symbol: str, emode: int) -> int:
        """Loan to value in bps of a collateral for accounts in `emode` (0: none)."""
        mode = self.emodes.get(emode)
        return mode.ltv if mode and symbol in mode.collaterals else self.listings[symbol].ltv

    def threshold(self, symbol: str, emode: int) -> int:
        """Liquidation threshold in bps of a collateral for accounts in `emode` (0: none)."""
        mode = self.emodes.get(emode)
        return mode.threshold if mode and symbol in mode.collaterals else self.listings[symbol].threshold


class Position(NamedTuple):
    """A raw token amount supplied or borrowed."""

    symbol: str
    amount: int


def borrowing_power(terms: Terms, collateral: Sequence[Position], emode: int) -> int:
    """USD (8 decimals) of debt the collateral carries: Aave floors the average loan to value to whole bps."""
    values = [terms.listings[symbol].value(amount) for symbol, amount in collateral]
    weighted = sum(
        value * terms.ltv(position.symbol, emode) for value, position in zip(values, collateral, strict=True)
    )
    return sum(values) * (weighted // sum(values)) // BPS


def isolated_units(listing: Listing, amount: int) -> int:
    """What a debt counts against a debt ceiling: whole hundredths of a token."""
    return amount * 100 // listing.unit + 1
