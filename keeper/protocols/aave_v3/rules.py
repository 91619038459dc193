"""What differs between Aave releases, gathered in one value per release.

A release is recognised by the pool's POOL_REVISION (`releases.RULES`). Whatever changed its
rounding or its conditions from one release to the next is a function here; the rest of the folder
calls these and never asks for a version.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from keeper.protocols.aave_v3.frame import AaveFrame, ReserveFrame
    from keeper.protocols.aave_v3.liquidation import Amounts
    from keeper.protocols.aave_v3.pair import Pair
    from keeper.protocols.aave_v3.position import AccountData, Leg
    from keeper.types import Address

Arithmetic = Callable[[int, int], int]


@dataclass(frozen=True, slots=True)
class Rules:
    """Arithmetic and liquidation conditions of one release. Indexes in ray, percentages in bps."""

    release: str
    configurator_revision: int
    a_token_revisions: frozenset[int]
    v_token_revisions: frozenset[int]

    linear_interest: Arithmetic
    """(yearly rate, seconds) -> growth of a supply index."""
    compound_interest: Arithmetic
    """(yearly rate, seconds) -> growth of a debt index."""
    index_mul: Arithmetic
    """(growth, index) -> next index."""

    a_balance: Arithmetic
    """(scaled, index) -> aToken balance."""
    a_scaled: Arithmetic
    """(balance, index) -> the only scaled amount with that balance."""
    a_out: Arithmetic
    """(amount, index) -> scaled amount burnt or transferred with it."""
    v_balance: Arithmetic
    """(scaled, index) -> variable debt."""
    v_scaled: Arithmetic
    """(debt, index) -> the only scaled amount with that debt."""
    v_out: Arithmetic
    """(amount, index) -> scaled debt burnt with it."""

    account_data: "Callable[[Address, int, Iterable[Leg], AaveFrame], AccountData]"
    max_borrow: Arithmetic
    """(collateral, loan-to-value) -> the most that may be borrowed."""
    debt_value: Callable[[int, int, int], int]
    """(amount, price, unit) -> USD with 8 decimals."""

    close_factor: "Callable[[int, int, int, ReserveFrame, AccountData], int]"
    """(owed, its value, the collateral's value, debt reserve, account) -> the most one call may repay."""
    leaves_dust: "Callable[[Pair, Amounts], bool]"
    exhausts: "Callable[[Pair, Amounts], bool]"
    """Whether the call leaves the account without collateral, so that all its debt is written off."""
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
