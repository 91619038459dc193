"""What to do with a transaction that no block has taken yet: decisions without I/O.

T-numbers are those of engineering.md §4; docs/transactions.md says where each rule lives.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import NamedTuple

from keeper.execute.fees import (
    USUAL_RAISE,
    Quote,
    Raise,
    bumped_fees,
    cancel_fees,
    first_fees,
    market_fees,
    outbids,
    purge_fees,
)
from keeper.execute.model import Attempt, Fees, Transaction
from keeper.execute.states import State
from keeper.ports import BlockFees, Receipt, SendOutcome
from keeper.types import BlockRef, Hash

TOO_CHEAP = frozenset({SendOutcome.UNDERPRICED, SendOutcome.REPLACEMENT_UNDERPRICED})
REFUSED = frozenset({SendOutcome.FATAL, SendOutcome.FEE_CAP_EXCEEDED})

CANCEL_GAS = 21_000
"""What an empty call costs; chains that charge for data besides say more when asked."""

REVERT_SHARE = 4
"""A payload that finds nothing left to do burns about a quarter of its gas limit."""


@dataclass(frozen=True, slots=True)
class Rules:
    """How the manager behaves; blocks are counted from the head an attempt was priced on.

    `max_gas_price` and `cancel_price` (of no-ops; None: twice the former) in wei per gas are absolute.
    `confirmations` counts the mined block itself. `max_in_flight` bounds what mempools take from one
    key, beyond `optimistic` of them the node must have seen those before (T23). `queue_blocks` is how
    long one waits for a place. `mempool` False: a sequencer takes transactions as they come (T25).
    `fall_back`: what is private goes public when no builder answers, or none took it in time (T26);
    `forgets`: builders forget it then, so that its nonce is free.
    """

    max_gas_price: int
    cancel_price: int | None = None
    confirmations: int = 1
    bump_blocks: int = 1
    bump: Raise = USUAL_RAISE
    max_in_flight: int = 16
    optimistic: int = 5
    queue_blocks: int = 2
    refused_blocks: int = 2
    stuck_blocks: int = 12
    blind_failures: int = 25
    mempool: bool = True
    fall_back: bool = False
    forgets: bool = True

    @property
    def cancel_ceiling(self) -> int:
        """The highest fee cap of a no-op, wei per gas."""
        return 2 * self.max_gas_price if self.cancel_price is None else self.cancel_price


class View(NamedTuple):
    """The chain as one head shows it. `final` is a block number, -1 when unknown.

    `nonce` and `pending` are the key's next one, without and with what waits in the node's pool.
    `broken`: the head does not follow the one seen before, so mined transactions may be gone.
    `balance` is what the key has, in wei; `receipts` are those of our transactions that came along.
    """

    head: BlockRef
    nonce: int
    pending: int
    final: int
    tip: int
    broken: bool
    balance: int = 0
    receipts: Mapping[Hash, Receipt] = MappingProxyType({})

    @property
    def quote(self) -> Quote:
        return Quote(self.tip, self.head.base_fee)


class Late(NamedTuple):
    """What is asked only when a transaction is late.

    The gas it needs now (None: it would fail), and what the blocks cost that left it out.
    """

    gas: int | None
    blocks: Sequence[BlockFees]


class Sign(NamedTuple):
    """Sign the payload with these fees and this gas limit."""

    fees: Fees
    gas: int


class Cancel(NamedTuple):
    """Put a no-op in its place. `stuck`: because others cannot get past it."""

    fees: Fees
    stuck: bool = False


class Resend(NamedTuple):
    """Send the newest attempt again. `unreached`: the price is not why it waits."""

    unreached: bool = False


class Publish(NamedTuple):
    """Send the newest attempt, private so far, to everybody."""


class Release(NamedTuple):
    """Give it up; its nonce is free."""


class Recall(NamedTuple):
    """Take it back from the builders that hold it: it would fail by now."""


class Wait(NamedTuple):
    """Do nothing."""


Action = Sign | Cancel | Resend | Publish | Release | Recall | Wait


def is_late(transaction: Transaction, view: View, rules: Rules) -> bool:
    """Whether the newest attempt had its chance (T12), or there is none: then `Late` is worth asking."""
    newest = transaction.newest
    if transaction.state is State.CANCELLING:
        return False
    if newest is None:
        return transaction.created < view.head.number
    return newest.outcome in TOO_CHEAP or newest.block + rules.bump_blocks <= view.head.number


def is_stuck(transaction: Transaction, view: View, rules: Rules) -> bool:
    """Whether nothing new could be tried for long (T22); a purge counts as something new."""
    newest = transaction.newest
    return newest is not None and newest.block + rules.stuck_blocks < view.head.number


def decide(
    transaction: Transaction, view: View, rules: Rules, late: Late | None = None, *, blocking: bool = False
) -> Action:
    """What gets `transaction`, which no block has taken, out of the way.

    Args:
        transaction: RESERVED, SENT or CANCELLING.
        view: the chain.
        rules: the operator's.
        late: present when `is_late`.
        blocking: others wait behind it.
    """
    if transaction.state is State.CANCELLING:
        return _cancelling(transaction, view, rules)
    if transaction.newest is None:
        return _start(transaction, view, rules, late, blocking=blocking)
    return _push(transaction, transaction.newest, view, rules, late, blocking=blocking)


def _push(
    transaction: Transaction,
    newest: Attempt,
    view: View,
    rules: Rules,
    late: Late | None,
    *,
    blocking: bool,
) -> Action:
    if newest.until is not None and view.head.number >= newest.until and not _is_public(transaction):
        return _expired(transaction, view, rules, late)
    hindering = blocking or newest.outcome in REFUSED
    if hindering and _refused_for(transaction, view) >= rules.refused_blocks:
        return _cancel(transaction, view, rules)
    if late is None or newest.outcome == SendOutcome.INSUFFICIENT_FUNDS:
        # Without funds no price helps, a higher one least of all (T29).
        return Resend()
    if late.gas is None:
        return _hopeless(transaction, newest, view, rules)
    action = _raise(transaction, newest, view, rules, late.blocks, gas=late.gas)
    if blocking and isinstance(action, Resend) and is_stuck(transaction, view, rules):
        return _cancel(transaction, view, rules, stuck=True)
    return action


def _expired(transaction: Transaction, view: View, rules: Rules, late: Late | None) -> Action:
    """No builder took it in time (T26)."""
    if rules.fall_back and late is not None and late.gas is not None:
        return Publish()
    if rules.forgets or not transaction.is_out:
        return Release()
    return _cancel(transaction, view, rules)


def _start(
    transaction: Transaction, view: View, rules: Rules, late: Late | None, *, blocking: bool
) -> Action:
    """It owns a nonce and nothing else: a crash, or a signer that did not answer (T4, T6)."""
    if late is not None and late.gas is None:
        return _cancel(transaction, view, rules) if blocking else Release()
    fees = first_fees(view.quote, transaction.ceiling) or Fees(0, transaction.ceiling)
    return Sign(fees, transaction.gas)


def _raise(
    transaction: Transaction,
    newest: Attempt,
    view: View,
    rules: Rules,
    blocks: Sequence[BlockFees],
    *,
    gas: int,
) -> Action:
    ceiling = transaction.ceiling
    if not rules.mempool:
        fees = market_fees(newest.fees, view.quote, ceiling)
    elif _is_competitive(newest, blocks) and not is_stuck(transaction, view, rules):
        return Resend(unreached=True)
    else:
        fees = bumped_fees(newest.fees, view.quote, ceiling, rules.bump)
    # At the ceiling the same bytes are sent again: mempools forget (T10).
    return Sign(fees, max(gas, transaction.gas)) if fees else Resend()


def _is_competitive(newest: Attempt, blocks: Sequence[BlockFees]) -> bool:
    """Whether neither the pool nor the blocks say that the price is why it waits (T11)."""
    return newest.outcome not in TOO_CHEAP and outbids(newest.fees, blocks)


def _cancelling(transaction: Transaction, view: View, rules: Rules) -> Action:
    newest = transaction.newest
    if newest is None or not newest.cancels:
        return _cancel(transaction, view, rules)
    if newest.outcome == SendOutcome.INSUFFICIENT_FUNDS:
        return Resend()
    if newest.outcome in TOO_CHEAP or newest.block + rules.bump_blocks <= view.head.number:
        return _cancel(transaction, view, rules, stuck=is_stuck(transaction, view, rules))
    return Resend()


def _cancel(transaction: Transaction, view: View, rules: Rules, *, stuck: bool = False) -> Action:
    newest = transaction.newest
    price = purge_fees if stuck else cancel_fees
    fees = price(newest.fees if newest else None, view.quote, rules.cancel_ceiling, rules.bump)
    if fees is not None:
        return Cancel(fees, stuck)
    return Resend() if newest else Wait()


def _hopeless(transaction: Transaction, newest: Attempt, view: View, rules: Rules) -> Action:
    """The payload would fail now: a no-op in its place if that is cheaper than its revert (T22)."""
    if not _is_public(transaction):
        return Recall()  # builders drop what would fail; whether all do is not for us to find out
    fees = cancel_fees(newest.fees, view.quote, rules.cancel_ceiling, rules.bump)
    base_fee = view.head.base_fee
    if fees is None or newest.fees.cap < base_fee:
        return Resend()
    cost = CANCEL_GAS * _price(fees, base_fee)
    risk = transaction.gas // REVERT_SHARE * _price(newest.fees, base_fee)
    return Cancel(fees) if cost < risk else Resend()


def _price(fees: Fees, base_fee: int) -> int:
    return min(fees.cap, base_fee + fees.tip)


def _is_public(transaction: Transaction) -> bool:
    return any(attempt.until is None for attempt in transaction.attempts)


def _refused_for(transaction: Transaction, view: View) -> int:
    """Blocks since the first attempt, of a transaction that never got into any mempool (T16).

    None for a private one: it needs no mempool, and its own end is near (T26).
    """
    waits_for_money = transaction.attempts[-1].outcome == SendOutcome.INSUFFICIENT_FUNDS
    if transaction.is_out or waits_for_money or not _is_public(transaction):
        return 0
    return view.head.number - transaction.attempts[0].block
