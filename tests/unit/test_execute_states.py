"""The transition table: complete, closed, and strict."""

import itertools

import pytest

from keeper.errors import Halt
from keeper.execute.states import ON_CHAIN, TERMINAL, TRANSITIONS, State, advance

LEGAL = {
    ("queued", "reserved"),
    ("queued", "dropped"),
    ("reserved", "signed"),
    ("reserved", "cancelling"),
    ("reserved", "lost"),
    ("reserved", "dropped"),
    ("signed", "sent"),
    ("signed", "cancelling"),
    ("sent", "signed"),
    ("sent", "mined"),
    ("sent", "cancelling"),
    ("sent", "lost"),
    ("sent", "dropped"),
    ("mined", "confirmed"),
    ("mined", "sent"),
    ("mined", "cancelling"),
    ("confirmed", "final"),
    ("confirmed", "sent"),
    ("confirmed", "cancelling"),
    ("cancelling", "cancelled"),
    ("cancelling", "mined"),
    ("cancelling", "lost"),
}


@pytest.mark.parametrize(("before", "after"), list(itertools.product(State, State)))
def test_advance__any_pair_of_states__only_the_legal_ones_pass(before: State, after: State) -> None:
    if (before.value, after.value) in LEGAL:
        assert advance(before, after) is after
    else:
        with pytest.raises(Halt, match=f"from {before} to {after}"):
            advance(before, after)


def test_transitions__every_state__has_a_row_and_is_reached_from_queued() -> None:
    reached, waiting = set(), [State.QUEUED]
    while waiting:
        state = waiting.pop()
        reached.add(state)
        waiting += TRANSITIONS[state] - reached
    assert reached == set(State) == set(TRANSITIONS)


def test_terminal__states_without_successor__are_the_four_ends() -> None:
    assert {State.DROPPED, State.CANCELLED, State.LOST, State.FINAL} == TERMINAL
    assert {State.FINAL} == TERMINAL & ON_CHAIN
