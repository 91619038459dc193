"""Comet's arithmetic, rounding included (CometCore.sol and Comet.sol; other-protocols.md §2.3).

All values are integers. Indexes have 15 decimals, rates and factors 18 and rates are per second, prices 8.
"""

from typing import NamedTuple

from keeper.types import WAD

INDEX_SCALE = 10**15


class Curve(NamedTuple):
    """An interest rate by utilization: `base`, `low` up to the kink, `high` beyond it."""

    kink: int
    low: int
    high: int
    base: int

    def rate(self, utilization: int) -> int:
        """The rate at `utilization` (getSupplyRate, getBorrowRate): per second, wad."""
        if utilization <= self.kink:
            return self.base + self.low * utilization // WAD
        return self.base + self.low * self.kink // WAD + self.high * (utilization - self.kink) // WAD


class Indexes(NamedTuple):
    """What one unit of principal is worth, on either side."""

    supply: int = INDEX_SCALE
    borrow: int = INDEX_SCALE


class Totals(NamedTuple):
    """TotalsBasic without reward tracking: indexes and principals as stored, `updated` in seconds."""

    indexes: Indexes = Indexes()
    supply: int = 0
    borrow: int = 0
    updated: int = 0


class Split(NamedTuple):
    """How a change of an account's principal changes the totals of both sides."""

    supply: int
    borrow: int


def present_value(principal: int, indexes: Indexes) -> int:
    """Tokens that a signed principal stands for; a debt is rounded down like a balance."""
    if principal >= 0:
        return principal * indexes.supply // INDEX_SCALE
    return -(-principal * indexes.borrow // INDEX_SCALE)


def principal_value(balance: int, indexes: Indexes) -> int:
    """The signed principal of a balance; a debt's is rounded up."""
    if balance >= 0:
        return balance * INDEX_SCALE // indexes.supply
    return -((-balance * INDEX_SCALE + indexes.borrow - 1) // indexes.borrow)


def split(old: int, new: int) -> Split:
    """Principal added to (or taken from) total supply and total borrow when an account goes `old` to `new`.

    Source: repayAndSupplyAmount and withdrawAndBorrowAmount.
    """
    return Split(max(new, 0) - max(old, 0), max(-new, 0) - max(-old, 0))


def utilization(totals: Totals) -> int:
    """Share of the supply that is borrowed, wad; may exceed one."""
    supply = totals.supply * totals.indexes.supply // INDEX_SCALE
    if not supply:
        return 0
    return totals.borrow * totals.indexes.borrow // INDEX_SCALE * WAD // supply


def accrued(totals: Totals, supply: Curve, borrow: Curve, timestamp: int) -> Totals:
    """The totals with their indexes at `timestamp` (accruedInterestIndices); never back in time."""
    seconds = timestamp - totals.updated
    if seconds <= 0:
        return totals
    used = utilization(totals)
    grown = Indexes(
        _grown(totals.indexes.supply, supply.rate(used), seconds),
        _grown(totals.indexes.borrow, borrow.rate(used), seconds),
    )
    return totals._replace(indexes=grown, updated=timestamp)


def _grown(index: int, rate: int, seconds: int) -> int:
    return index + index * (rate * seconds) // WAD


def reserves(totals: Totals, balance: int) -> int:
    """Signed reserves where the comet holds `balance` base tokens (getReserves); `totals` are accrued."""
    supply = totals.supply * totals.indexes.supply // INDEX_SCALE
    borrow = totals.borrow * totals.indexes.borrow // INDEX_SCALE
    return balance - supply + borrow


def discounted(price: int, liquidation_factor: int, storefront: int) -> int:
    """What the storefront asks for an asset of `price`."""
    discount = storefront * (WAD - liquidation_factor) // WAD
    return price * (WAD - discount) // WAD
