"""What the parts of this folder hand to each other, and `Rules`: all that differs between releases.

They stand in one module because they name each other: a frame knows its rules, and rules are
functions of frames and pairs.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from keeper.protocols.aave_v3.configuration import Configuration
from keeper.protocols.aave_v3.position import AccountData, Position
from keeper.protocols.aave_v3.records import EModeCategory, Reserve, Role
from keeper.protocols.base import Book, Floats
from keeper.types import Address

Arithmetic = Callable[[int, int], int]

Numbers = tuple[tuple[int, int, int, int], ...]
"""(income, debt index, price, unit) by reserve id: what the hot path needs of a reserve."""


@dataclass(frozen=True, slots=True)
class ReserveFrame:
    """One reserve at the frame's time: `income` and `debt_index` in ray.

    `price` is in USD with 8 decimals per `unit` token units, 0 where the oracle gives none; `liquidity`
    (payable token units) is None while unknown. `discounted` debt is not what its events say.
    """

    reserve: Reserve
    configuration: Configuration
    income: int
    debt_index: int
    price: int
    unit: int
    grace_until: int
    liquidity: int | None
    discounted: bool


@dataclass(frozen=True, slots=True)
class Limits:
    """How accounts of one eMode category see the reserves, by reserve id.

    `threshold`, `ltv` and `bonus` in bps. Where collateral does not count, income in `numbers` is 0.
    `debt_price` is the price (USD, 8 decimals) of all debt in a liquidation, 0: each asset's own.
    """

    numbers: Numbers
    threshold: tuple[int, ...]
    ltv: tuple[int, ...]
    bonus: tuple[int, ...]
    counts: tuple[bool, ...]
    debt_price: int = 0


@dataclass(frozen=True, slots=True)
class AaveFrame:
    """`reserves` by id, None where dropped; `limits[0]` holds for accounts outside of eMode.

    `read` is what the pool itself said of accounts, where the rules cannot compute it.
    """

    rules: "Rules"
    timestamp: int
    reserves: tuple[ReserveFrame | None, ...]
    numbers: Numbers
    limits: Mapping[int, Limits]
    sentinel_allows: bool
    read: Mapping[Address, AccountData]

    def limits_of(self, category: int) -> Limits:
        """Limits of an eMode category; one that was never configured has no members."""
        return self.limits.get(category) or self.limits[0]


class Pair(NamedTuple):
    """A debt and a collateral that may be liquidated: all that stays the same whatever is repaid.

    `owed` (of which `variable` by the variable debt token), `balance` and `most` (what one call may
    repay) in token units; `value` is the account's whole collateral in USD with 8 decimals; `others` is
    what it owes in other reserves, by reserve id.
    """

    rules: "Rules"
    position: Position
    timestamp: int
    debt: ReserveFrame
    collateral: ReserveFrame
    owed: int
    variable: int
    balance: int
    scaled_balance: int
    most: int
    bonus: int
    value: int
    others: Mapping[int, int]


class Amounts(NamedTuple):
    """Token units: debt repaid, collateral taken with the protocol's fee in it, that fee."""

    repay: int
    gross: int
    fee: int

    @property
    def net(self) -> int:
        """What the liquidator receives."""
        return self.gross - self.fee


@dataclass(frozen=True, slots=True)
class Rules:
    """Arithmetic and conditions of one release. Indexes in ray, percentages in bps."""

    release: str

    a_token: Role
    """How the events of an aToken listed under this release are read, until it is upgraded."""
    v_token: Role

    compound_interest: Arithmetic
    """(yearly rate, seconds) -> growth of a debt index."""
    silent_checkpoint: bool
    """Whether a liquidation for aTokens moves the collateral's indexes without an event."""

    a_balance: Arithmetic
    """(scaled, index) -> aToken balance."""
    a_out: Arithmetic
    """(amount, index) -> scaled amount burnt or transferred with it."""
    v_balance: Arithmetic
    """(scaled, index) -> variable debt."""
    v_out: Arithmetic
    """(amount, index) -> scaled debt burnt with it."""

    limits: Callable[[Numbers, tuple[Configuration, ...], int, EModeCategory, int], Limits]
    """(reserves' numbers and configurations, number of the eMode category, it, its price or 0) -> limits."""
    account_data: Callable[[Position, AaveFrame], AccountData]
    screen: Callable[[Book, AaveFrame], Floats]
    max_borrow: Arithmetic
    """(collateral, loan-to-value) -> the most that may be borrowed."""
    debt_value: Callable[[int, int, int], int]
    """(amount, price, unit) -> USD with 8 decimals."""

    computed: bool
    """False where the pool's own word is all there is."""
    has_sentinel: bool
    self_liquidation: bool
    close_factor: Callable[[ReserveFrame, int, int, int, AccountData], int]
    """(debt reserve, owed, its value, the collateral's value, account) -> the most one call may repay."""
    leaves_dust: Callable[[Pair, Amounts], bool]
    exhausts: Callable[[Pair, Amounts], bool]
    """Whether the call leaves the account without collateral, so that all its debt is written off."""
    empties: Callable[[Pair, Amounts], bool]
    """Whether the reserve is no longer used as collateral after the call."""
    bonus_mul: Arithmetic
    """(worth of the repaid debt, bonus) -> collateral taken."""
    bonus_div: Arithmetic
    """(worth of all the collateral, bonus) -> debt repaid for it."""
    bonus_base: Arithmetic
    """(collateral taken, bonus) -> the part of it that is not bonus."""
    fee_mul: Arithmetic
    """(bonus part, protocol's share) -> fee."""
    flash_premium: Arithmetic
    """(amount, premium) -> fee of a flash loan."""

    virtual_balance: bool
    """Whether the pool itself counts what a reserve can pay out."""
    discounted_view: str
    """The view of a debt token with discounts (GHO before v3.4) on which health is based."""
    typed_errors: bool
    """Whether reverts carry error selectors instead of numbers as text."""
