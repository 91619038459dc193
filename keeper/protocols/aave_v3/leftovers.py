"""What a liquidation leaves behind, release by release: dust, the last collateral, the collateral flag.

Sources: LiquidationLogic.executeLiquidationCall, the checks after the amounts are known.
"""

from keeper.protocols.aave_v3.close_factor import SMALL
from keeper.protocols.aave_v3.model import Amounts, Pair

LEAST_LEFT = SMALL // 2
"""LiquidationLogic.MIN_LEFTOVER_BASE: a partial liquidation leaves at least this much on both sides."""


def never(_pair: Pair, _taken: Amounts) -> bool:
    """Before v3.3 any remainder was fine, and debt without collateral stayed with the account."""
    return False


def leaves_dust_v3_3(pair: Pair, taken: Amounts) -> bool:
    """Since v3.3: whether less than LEAST_LEFT of the debt or the collateral would be left, but some."""
    if taken.repay >= pair.owed or taken.gross >= pair.balance:
        return False
    debt, collateral = pair.debt, pair.collateral
    return (
        pair.rules.debt_value(pair.owed - taken.repay, debt.price, debt.unit) < LEAST_LEFT
        or (pair.balance - taken.gross) * collateral.price // collateral.unit < LEAST_LEFT
    )


def exhausts_v3_3(pair: Pair, taken: Amounts) -> bool:
    """v3.3 to v3.6, hasNoCollateralLeft: the collateral taken is worth all that the account has."""
    return taken.gross * pair.collateral.price // pair.collateral.unit == pair.value


def exhausts_v3_7(pair: Pair, taken: Amounts) -> bool:
    """v3.7: the same, by what the scaled amounts taken are worth."""
    consumed = pair.rules.a_balance(_consumed(pair, taken), pair.collateral.income)
    return consumed * pair.collateral.price // pair.collateral.unit == pair.value


def empties_v3_0(pair: Pair, taken: Amounts) -> bool:
    """Up to v3.6 the collateral flag goes when the whole balance is taken."""
    return taken.gross == pair.balance


def empties_v3_7(pair: Pair, taken: Amounts) -> bool:
    """v3.7: when nothing of the scaled balance is left, or nothing of any worth."""
    return _consumed(pair, taken) == pair.scaled_balance or exhausts_v3_7(pair, taken)


def _consumed(pair: Pair, taken: Amounts) -> int:
    out, income = pair.rules.a_out, pair.collateral.income
    return min(out(taken.net, income) + out(taken.fee, income), pair.scaled_balance)
