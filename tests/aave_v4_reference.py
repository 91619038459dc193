"""Aave v4 stated a second time, from the reference page alone (aave.md §6.2, §6.4, §6.5).

Fractions instead of the production code's integer helpers, one function a rule, no shared code.
"""

from dataclasses import dataclass
from fractions import Fraction
from math import ceil, floor

RAY, WAD, BPS = 10**27, 10**18, 10**4
YEAR = 31_536_000
DUST = 1_000 * 10**26


@dataclass(frozen=True)
class HubAsset:
    """An asset of a hub as stored, ray where it says so."""

    liquidity: int
    added_shares: int
    drawn_shares: int
    premium_shares: int
    premium_offset_ray: int
    deficit_ray: int
    fees: int
    fee_bps: int
    index: int
    rate: int
    swept: int = 0

    def index_after(self, seconds: int) -> int:
        if seconds == 0 or self.drawn_shares == self.premium_shares == 0:
            return self.index
        growth = RAY + floor(Fraction(self.rate * seconds, YEAR))
        return ceil(Fraction(self.index * growth, RAY))

    def owed(self, index: int) -> int:
        ray = self.drawn_shares * index + self.premium_shares * index - self.premium_offset_ray
        return ceil(Fraction(ray + self.deficit_ray, RAY))

    def added_after(self, seconds: int) -> int:
        index = self.index_after(seconds)
        unrealized = floor(Fraction((self.owed(index) - self.owed(self.index)) * self.fee_bps, BPS))
        return self.liquidity + self.swept + self.owed(index) - self.fees - unrealized

    def share_price(self, seconds: int) -> Fraction:
        return Fraction(self.added_after(seconds) + 10**6, self.added_shares + 10**6)


@dataclass(frozen=True)
class Side:
    """One reserve of an account: its share price and index now, its price, and what the account has there."""

    share_price: Fraction
    index: int
    price: int
    decimals: int
    supplied: int = 0
    used: bool = False
    factor: int = 0
    risk: int = 0
    drawn: int = 0
    premium_shares: int = 0
    premium_offset: int = 0

    @property
    def unit_value(self) -> int:
        return self.price * int(10 ** (18 - self.decimals))

    @property
    def value(self) -> int:
        counts = self.used and self.factor > 0
        return floor(self.supplied * self.share_price) * self.unit_value if counts else 0

    @property
    def premium_ray(self) -> int:
        return self.premium_shares * self.index - self.premium_offset

    @property
    def debt_value_ray(self) -> int:
        return (self.drawn * self.index + self.premium_ray) * self.unit_value if self.drawn else 0


def account_data(sides: list[Side]) -> tuple[int, int, int, int, int, int, int]:
    """In the order of getUserAccountData."""
    counted = [side for side in sides if side.used and side.factor and side.supplied]
    total = sum(side.value for side in counted)
    weighted = sum(side.value * side.factor for side in counted)
    debt = sum(side.debt_value_ray for side in sides)
    health = floor(Fraction(weighted * 10**14 * RAY, debt)) if debt else 2**256 - 1
    average = floor(Fraction(weighted * 10**14, total)) if total else 0
    need = ceil(Fraction(debt, RAY))
    covered = weight = 0
    for side in sorted(counted, key=lambda each: (each.risk, -each.value)):
        part = min(side.value, need - covered)
        covered, weight = covered + part, weight + part * side.risk
    premium = ceil(Fraction(weight, covered)) if covered else 0
    return premium, average, health, total, debt, len(counted), sum(1 for side in sides if side.drawn)


@dataclass(frozen=True)
class Rules:
    """The spoke's liquidation configuration and the account's pinned bonus and fee in the collateral."""

    target: int
    full_bonus_below: int
    bonus_factor: int
    largest_bonus: int
    fee: int


def bonus(rules: Rules, health: int) -> int:
    if health <= rules.full_bonus_below:
        return rules.largest_bonus
    least = (rules.largest_bonus - BPS) * rules.bonus_factor // BPS + BPS
    room = Fraction(WAD - health, WAD - rules.full_bonus_below)
    return least + floor((rules.largest_bonus - least) * room)


def liquidation(
    sides: list[Side], debt: Side, collateral: Side, rules: Rules, cover: int
) -> tuple[int, int, int, int, int] | None:
    """(paid, drawn shares, premium ray, collateral shares, of which the liquidator's), None for dust."""
    _, _, health, _, total_debt, _, _ = account_data(sides)
    lb = bonus(rules, health)
    rate = Fraction(debt.price * 10**collateral.decimals * lb, 10**debt.decimals * collateral.price * BPS)
    penalty = ceil(Fraction(lb * 10**14 * collateral.factor, BPS))
    target = ceil(
        Fraction(
            total_debt * 10**debt.decimals * (rules.target - health),
            (rules.target - penalty) * debt.price * WAD,
        )
    )
    drawn, premium = _wanted(debt, target, cover)
    if drawn < debt.drawn and _value_left(debt, drawn, premium) < DUST * RAY:
        drawn, premium = debt.drawn, debt.premium_ray
    shares = _shares(debt, collateral, drawn, premium, rate)
    left = floor((collateral.supplied - shares) * collateral.share_price) * collateral.unit_value
    dusty = shares < collateral.supplied and left < DUST
    if shares > collateral.supplied or (dusty and drawn < debt.drawn):
        shares = collateral.supplied
        needed = ceil(ceil(shares * collateral.share_price) * RAY / rate)
        if needed <= debt.premium_ray:
            drawn, premium = 0, min(ceil(Fraction(needed, RAY)) * RAY, debt.premium_ray)
        else:
            premium = debt.premium_ray
            drawn = ceil(Fraction(needed - premium, debt.index))
            if drawn > debt.drawn:
                drawn = debt.drawn
                shares = min(_shares(debt, collateral, drawn, premium, rate), collateral.supplied)
    paid = ceil(Fraction(drawn * debt.index, RAY)) + ceil(Fraction(premium, RAY))
    if cover < paid:
        return None
    fee = ceil(Fraction(shares * rules.fee * (lb - BPS), lb * BPS))
    return paid, drawn, premium, shares, shares - fee


def _wanted(debt: Side, target: int, cover: int) -> tuple[int, int]:
    premium = min(ceil(Fraction(target, RAY)) * RAY, debt.premium_ray)
    if cover < ceil(Fraction(premium, RAY)):
        premium = cover * RAY
    if premium < debt.premium_ray or premium >= target:
        return 0, premium
    affordable = floor(Fraction((cover - ceil(Fraction(premium, RAY))) * RAY, debt.index))
    return min(ceil(Fraction(target - premium, debt.index)), affordable, debt.drawn), premium


def _value_left(debt: Side, drawn: int, premium: int) -> int:
    return ((debt.drawn - drawn) * debt.index + debt.premium_ray - premium) * debt.unit_value


def _shares(debt: Side, collateral: Side, drawn: int, premium: int, rate: Fraction) -> int:
    amount = floor((drawn * debt.index + premium) * rate / RAY)
    return floor(amount / collateral.share_price)
