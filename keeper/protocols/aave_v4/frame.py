"""Per-reserve numbers of a spoke at one timestamp: everything that accounts share."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property

from keeper.errors import Degraded
from keeper.protocols.aave_v4 import hub
from keeper.protocols.aave_v4.math import VIRTUAL
from keeper.protocols.aave_v4.records import (
    Asset,
    DynamicConfig,
    Flag,
    Line,
    LiquidationConfig,
    Reserve,
    listed,
    price_of,
)
from keeper.protocols.base import Book
from keeper.types import Address

VALUE_DECIMALS = 18
"""The spoke values an amount as if its token had 18 decimals, times the price: 1e26 is one US dollar."""

VALUE_UNIT = 10**VALUE_DECIMALS
"""What the spoke's values have beyond USD with 8 decimals."""


@dataclass(frozen=True)
class ReserveFrame:
    """One reserve: its hub's `asset` with interest up to the frame's time, and the spoke's `line` there.

    `price` is in USD with 8 decimals per `unit` token units, 0 where the oracle gives none; `configs` are
    its dynamic configurations by key.
    """

    reserve: Reserve
    asset: Asset
    line: Line
    price: int
    configs: tuple[DynamicConfig, ...]

    @property
    def unit(self) -> int:
        """Token units of one whole token."""
        return int(10**self.asset.decimals)

    @property
    def index(self) -> int:
        """Drawn index, ray."""
        return self.asset.drawn_index

    @cached_property
    def unit_value(self) -> int:
        """Value of one token unit."""
        return self.price * int(10 ** (VALUE_DECIMALS - self.asset.decimals))

    @cached_property
    def rate(self) -> tuple[int, int]:
        """Assets and shares, the virtual ones included: what turns one into the other."""
        return hub.added_assets(self.asset) + VIRTUAL, self.asset.added_shares + VIRTUAL

    def worth(self, shares: int) -> int:
        """Token units of `shares`, rounded down."""
        assets, total = self.rate
        return shares * assets // total

    def has(self, flag: Flag) -> bool:
        return bool(self.reserve.flags & flag)

    def config(self, key: int) -> DynamicConfig:
        """The configuration of `key`; the contract reads zeros where there is none."""
        return self.configs[key] if key < len(self.configs) else DynamicConfig()


@dataclass(frozen=True)
class SpokeFrame:
    """`reserves` by id, without those whose hub was not read yet."""

    timestamp: int
    reserves: Mapping[int, ReserveFrame]
    liquidation: LiquidationConfig

    def reserve(self, number: int) -> ReserveFrame:
        """One reserve.

        Raises:
            Degraded: the oracle gives no price for it, or its hub was not read yet; no one can judge then.
        """
        found = self.reserves.get(number)
        if found is None or not found.price:
            raise Degraded(f"reserve {number} cannot be valued: it has no price")
        return found

    def changed(self, *reserves: ReserveFrame) -> "SpokeFrame":
        """The same moment after `reserves` changed."""
        fresh = {each.reserve.id: each for each in reserves}
        return replace(self, reserves={**self.reserves, **fresh})


def build(book: Book, timestamp: int, prices: Mapping[Address, int]) -> SpokeFrame:
    """Project the book to `timestamp`; `prices` (USD, 8 decimals) replace the oracle's where given."""
    return SpokeFrame(
        timestamp,
        {
            reserve.id: ReserveFrame(
                reserve,
                hub.accrued(asset, timestamp),
                line,
                max(prices.get(asset.underlying, price_of(book, reserve.id) or 0), 0),
                book.get(("dynamic", reserve.id), ()),
            )
            for reserve, asset, line in listed(book)
        },
        book.get(("liquidation",), LiquidationConfig()),
    )
