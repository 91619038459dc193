"""One liquidation call on paper: what it moves, or why the pool refuses it.

Source: LiquidationLogic.executeLiquidationCall (from the close factor on),
_calculateAvailableCollateralToLiquidate, _burnDebtTokens and _burnBadDebt.
"""

from collections.abc import Mapping
from typing import NamedTuple

from keeper.protocols.aave_v3.model import Amounts, Pair
from keeper.protocols.aave_v3.position import Leg, Position
from keeper.protocols.aave_v3.records import StableLoan
from keeper.protocols.base import Refusal


class Outcome(NamedTuple):
    """What a call does: token units, and bad debt by reserve id.

    For `taken`, `burnt` debt tokens and `out` scaled units of the collateral leave the account of `pair`.
    """

    repay: int
    seize: int
    fee: int
    bad_debt: Mapping[int, int]
    pair: Pair
    taken: Amounts
    burnt: int
    out: int

    @property
    def after(self) -> Position:
        """The account afterwards."""
        pair, rules = self.pair, self.pair.rules
        variable = min(self.burnt, pair.variable)  # the debt at a stable rate comes last
        debt_out = rules.v_out(variable, pair.debt.debt_index)
        unused = rules.empties(pair, self.taken)
        return pair.position._replace(
            legs=_legs_after(pair, debt_out, self.out, unused, self.bad_debt),
            loans=_loans_after(pair, self.burnt - variable),
        )


def wanted(pair: Pair, repay: int) -> int:
    """Collateral that `repay` debt tokens buy, were there enough of it."""
    debt, collateral = pair.debt, pair.collateral
    worth = debt.price * repay * collateral.unit // (collateral.price * debt.unit)
    return pair.rules.bonus_mul(worth, pair.bonus)


def amounts(pair: Pair, request: int) -> Amounts:
    """What a request to repay `request` debt tokens comes to, before the pool's last checks."""
    rules, debt, collateral = pair.rules, pair.debt, pair.collateral
    repay = min(request, pair.most)
    gross = wanted(pair, repay)
    if gross > pair.balance:
        gross = pair.balance
        worth = collateral.price * gross * debt.unit // (debt.price * collateral.unit)
        repay = rules.bonus_div(worth, pair.bonus)
    share = collateral.configuration.protocol_fee
    fee = rules.fee_mul(gross - rules.bonus_base(gross, pair.bonus), share) if share else 0
    return Amounts(repay, gross, fee)


def burns_nothing(pair: Pair, taken: Amounts) -> bool:
    """Whether what is repaid rounds to no scaled debt, or there is nothing to repay."""
    burnt = pair.owed if pair.rules.exhausts(pair, taken) else taken.repay
    if not pair.variable:
        return burnt == 0
    return pair.rules.v_out(min(burnt, pair.variable), pair.debt.debt_index) == 0


def pays_nothing(pair: Pair, taken: Amounts) -> bool:
    """Whether what the liquidator receives rounds to no scaled collateral."""
    return pair.rules.a_out(taken.net, pair.collateral.income) == 0


def lacks_liquidity(pair: Pair, taken: Amounts) -> bool:
    """Whether the collateral reserve cannot pay out what the liquidator receives."""
    liquidity = pair.collateral.liquidity
    return liquidity is not None and taken.net > liquidity


def liquidate(pair: Pair, request: int, *, receive_a_token: bool = False) -> Outcome | Refusal:
    """Result of `liquidationCall` with debtToCover = `request`, checked in the pool's own order."""
    taken = amounts(pair, request)
    if pair.rules.leaves_dust(pair, taken):
        return Refusal("MustNotLeaveDust", "under $1,000 of the debt or of the collateral would be left")
    if burns_nothing(pair, taken):
        return Refusal("InvalidBurnAmount", f"{taken.repay} rounds to no debt")
    if not receive_a_token:
        if lacks_liquidity(pair, taken):
            return Refusal("InsufficientLiquidity", f"the reserve holds only {pair.collateral.liquidity}")
        if pays_nothing(pair, taken):
            return Refusal("InvalidBurnAmount", f"{taken.repay} buys no collateral")
    return _outcome(pair, taken)


def _outcome(pair: Pair, taken: Amounts) -> Outcome:
    rules, income = pair.rules, pair.collateral.income
    seized = min(rules.a_out(taken.net, income), pair.scaled_balance)
    fee, fee_scaled = taken.fee, rules.a_out(taken.fee, income)
    if fee_scaled > pair.scaled_balance - seized:
        fee_scaled = pair.scaled_balance - seized
        fee = rules.a_balance(fee_scaled, income)
    bad_debt: dict[int, int] = {}
    burnt = taken.repay
    if rules.exhausts(pair, taken):
        burnt = pair.owed
        bad_debt = dict(pair.others)
        if pair.owed > taken.repay:
            bad_debt[pair.debt.reserve.id] = pair.owed - taken.repay
    return Outcome(taken.repay, taken.net, fee, bad_debt, pair, taken, burnt, seized + fee_scaled)


def _legs_after(
    pair: Pair, debt_out: int, collateral_out: int, unused: bool, bad_debt: Mapping[int, int]
) -> tuple[Leg, ...]:
    legs = []
    for number, side, scaled, enabled in pair.position.legs:
        left, used = scaled, enabled
        if side and number == pair.debt.reserve.id:
            left -= debt_out
        elif side and number in bad_debt:
            left = 0
        elif not side and number == pair.collateral.reserve.id:
            left -= collateral_out
            used = not unused
        if left:
            legs.append((number, side, left, used))
    return tuple(legs)


def _loans_after(pair: Pair, burnt: int) -> tuple[StableLoan, ...]:
    loans = []
    for loan in pair.position.loans:
        left = loan
        if burnt and loan.reserve == pair.debt.reserve.id:
            principal = pair.owed - pair.variable - burnt
            left = loan._replace(principal=principal, updated=pair.timestamp)
        if left.principal:
            loans.append(left)
    return tuple(loans)
