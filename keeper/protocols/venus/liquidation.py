"""What one liquidation does: repay, seize, redeem what was seized.

Source: VToken.liquidateBorrowFresh and redeemFresh, Liquidator._splitLiquidationIncentive, Compound v2
CToken.seizeInternal. Amounts in token units unless said to be vTokens.
"""

from typing import NamedTuple

from keeper.protocols.base import Refusal
from keeper.protocols.venus.math import exchange_rate, seize_ratio
from keeper.protocols.venus.pair import Pair
from keeper.protocols.venus.position import Position
from keeper.protocols.venus.records import Action, Loan, State
from keeper.types import MAX_UINT256, WAD, ZERO_ADDRESS, Address


class Taken(NamedTuple):
    """What is taken from the account, and how many of them reach the liquidator."""

    tokens: int
    received: int


class Outcome(NamedTuple):
    """`seize` is what the liquidator has after redeeming, `gross` what was taken from the account."""

    repay: int
    tokens: int
    seize: int
    gross: int
    after: Position


def seized(pair: Pair, repay: int) -> Taken | None:
    """Seizure for a repayment, None where the protocol finds none to take (a price or a rate is zero)."""
    debt, collateral = pair.debt, pair.collateral
    ratio = seize_ratio(pair.incentive, debt.price, collateral.price, collateral.accrued.rate)
    if ratio is None or not debt.price:
        return None
    tokens = ratio * repay // WAD
    return Taken(tokens, tokens - _protocol_part(pair, tokens))


def _protocol_part(pair: Pair, tokens: int) -> int:
    """Part of the vTokens that does not reach the liquidator."""
    if pair.frame.contracts.liquidator != ZERO_ADDRESS:
        bonus = tokens * (pair.incentive - WAD) // pair.incentive
        return bonus * pair.frame.split.treasury // WAD
    return tokens * pair.collateral.facts.seize_share // WAD


def redeemable(pair: Pair, repay: int, taken: Taken) -> tuple[int, int]:
    """(what redeeming pays out with the fee in it, the cash it is paid from), after the protocol's part."""
    market = pair.collateral
    state = market.accrued.state
    if pair.debt.number == market.number:
        state = state._replace(cash=state.cash + repay, borrows=state.borrows - repay)
    state = _without_protocol_part(pair, state, taken.tokens - taken.received)
    return exchange_rate(state, market.facts.first_rate) * taken.received // WAD, state.cash


def _without_protocol_part(pair: Pair, state: State, part: int) -> State:
    """The market after the protocol took its part: redeemed at once, or kept as reserves."""
    if not part:
        return state
    worth = exchange_rate(state, pair.collateral.facts.first_rate) * part // WAD
    if pair.frame.contracts.liquidator == ZERO_ADDRESS:
        return state._replace(reserves=state.reserves + worth, supply=state.supply - part)
    if worth > state.cash or Action.REDEEM in pair.collateral.paused:
        return state  # the Liquidator keeps its part until there is cash
    return state._replace(cash=state.cash - worth, supply=state.supply - part)


def proceeds(pair: Pair, repay: int, taken: Taken) -> int:
    """What the liquidator holds after redeeming, net of Venus' fee."""
    amount, _ = redeemable(pair, repay, taken)
    return amount - amount * pair.frame.redeem_fee // WAD


def liquidate(pair: Pair, repay: int, liquidator: Address | None = None) -> Outcome | Refusal:
    """Carry out one liquidation on paper, in the protocol's order of checks, and redeem."""
    refusal = refused(pair, repay, liquidator)
    if refusal:
        return refusal
    taken = seized(pair, repay)
    assert taken is not None
    gross = pair.collateral.accrued.rate * taken.tokens // WAD
    refusal = _not_redeemed(pair, repay, taken)
    if refusal:
        return refusal
    return Outcome(repay, taken.tokens, proceeds(pair, repay, taken), gross, _after(pair, repay, taken))


def refused(pair: Pair, repay: int, liquidator: Address | None = None) -> Refusal | None:
    """Why the protocol does not liquidate for this repayment; None where it does."""
    if repay > pair.most:
        return Refusal("TOO_MUCH_REPAY", f"{repay} is more than the {pair.most} allowed at once")
    if liquidator == pair.position.account:
        return Refusal("INVALID_ACCOUNT_PAIR", "an account cannot liquidate itself")
    if repay in {0, MAX_UINT256}:
        return Refusal("INVALID_CLOSE_AMOUNT_REQUESTED", "nothing, or an unlimited amount, was offered")
    if Action.REPAY in pair.debt.paused:
        return Refusal("action is paused", "repayments of this debt are paused")
    return _not_seized(pair, repay)


def _not_seized(pair: Pair, repay: int) -> Refusal | None:
    taken = seized(pair, repay)
    if taken is None:
        return Refusal(
            "LIQUIDATE_COMPTROLLER_CALCULATE_AMOUNT_SEIZE_FAILED", "the oracle has no price for one side"
        )
    if taken.tokens > pair.balance:
        return Refusal("LIQUIDATE_SEIZE_TOO_MUCH", f"{taken.tokens} vTokens of {pair.balance}")
    if Action.SEIZE in pair.collateral.paused or pair.frame.seize_paused:
        return Refusal("action is paused", "seizing this collateral is paused")
    if pair.frame.rules.membership_to_seize and pair.collateral.number not in pair.position.entered:
        return Refusal("token seizure failed", "the account has not entered this market as collateral")
    return None


def _not_redeemed(pair: Pair, repay: int, taken: Taken) -> Refusal | None:
    """Why what was seized does not turn into the underlying. The protocol itself would liquidate."""
    if pair.debt.native or pair.collateral.native:
        return Refusal("NATIVE_MARKET", "a market of the chain's own coin takes another call")
    if Action.REDEEM in pair.collateral.paused:
        return Refusal("REDEEM_PAUSED", "redeeming this collateral is paused")
    amount, cash = redeemable(pair, repay, taken)
    if amount > cash:
        return Refusal("TOKEN_INSUFFICIENT_CASH", f"the market has {cash} of the {amount} to redeem")
    if amount == 0:
        return Refusal("NOTHING_SEIZED", "so small a repayment brings nothing")
    return None


def _after(pair: Pair, repay: int, taken: Taken) -> Position:
    position, debt, collateral = pair.position, pair.debt, pair.collateral
    loans = {**position.loans, debt.number: Loan(pair.owed - repay, debt.accrued.state.borrow_index)}
    tokens = {**position.tokens, collateral.number: pair.balance - taken.tokens}
    return position._replace(
        loans={number: loan for number, loan in loans.items() if loan.principal},
        tokens={number: amount for number, amount in tokens.items() if amount},
        accrued=position.accrued | {debt.number, collateral.number},
    )
