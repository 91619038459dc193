"""The life of one logical transaction: states and the transitions between them.

A transaction keeps its nonce through many attempts, so the states speak of the nonce, not of a
hash. SENT means offered to the network: whether it arrived is for the chain to say. A mined no-op
leaves its transaction CANCELLING until the chain cannot take it back: before that, a reorg may
still bring the payload to life.
"""

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType

from keeper.errors import Halt


class State(StrEnum):
    """Where a transaction stands."""

    QUEUED = "queued"  # wanted, no nonce yet
    RESERVED = "reserved"  # owns a nonce, nothing signed
    SIGNED = "signed"  # the newest attempt is signed and stored, perhaps not broadcast
    SENT = "sent"  # the newest attempt was offered to the network
    MINED = "mined"  # one attempt has a receipt
    CONFIRMED = "confirmed"  # mined, and deep enough to count on
    FINAL = "final"  # mined, and the chain will not take it back
    DROPPED = "dropped"  # given up, no nonce was used
    CANCELLING = "cancelling"  # an empty transaction to ourselves competes for the nonce
    CANCELLED = "cancelled"  # the empty transaction won
    LOST = "lost"  # somebody else used the nonce


class IllegalTransition(Halt):
    """The bookkeeping contradicts itself: nothing more may be signed on it."""


TRANSITIONS: Mapping[State, frozenset[State]] = MappingProxyType(
    {
        State.QUEUED: frozenset({State.RESERVED, State.DROPPED}),
        State.RESERVED: frozenset({State.SIGNED, State.CANCELLING, State.LOST, State.DROPPED}),
        State.SIGNED: frozenset({State.SENT, State.CANCELLING}),
        State.SENT: frozenset({State.SIGNED, State.MINED, State.CANCELLING, State.LOST, State.DROPPED}),
        State.MINED: frozenset({State.CONFIRMED, State.SENT, State.CANCELLING}),
        State.CONFIRMED: frozenset({State.FINAL, State.SENT, State.CANCELLING}),
        State.CANCELLING: frozenset({State.CANCELLED, State.MINED, State.LOST}),
        State.FINAL: frozenset(),
        State.DROPPED: frozenset(),
        State.CANCELLED: frozenset(),
        State.LOST: frozenset(),
    }
)

TERMINAL = frozenset(state for state, following in TRANSITIONS.items() if not following)
"""States that nothing follows."""

ON_CHAIN = frozenset({State.MINED, State.CONFIRMED, State.FINAL})
"""States in which a receipt vouches for the payload."""


def advance(state: State, following: State) -> State:
    """Return `following` when it may come after `state`.

    Raises:
        IllegalTransition: it may not.
    """
    if following not in TRANSITIONS[state]:
        raise IllegalTransition(f"a transaction cannot go from {state} to {following}")
    return following
