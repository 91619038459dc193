"""Whatever nodes do, the choice among them keeps its promises."""

from typing import NamedTuple

from hypothesis import given
from hypothesis import strategies as st

from keeper.chain.fleet import Fleet, Race
from keeper.chain.node_state import TRANSITIONS, Node, NodeState, Rules
from tests.clock import StillClock

CHAIN, RULES = 31337, Rules()


class Event(NamedTuple):
    """`number` is a head, a chain id or seconds, whatever `kind` needs."""

    node: int
    kind: str
    number: int
    seconds: int


KINDS = ["answer", "fail", "rest", "named", "other", "head", "syncing", "synced"]
events = st.lists(
    st.builds(
        Event,
        st.integers(0, 2),
        st.sampled_from(KINDS),
        st.integers(0, 300),
        st.sampled_from([0, 0, 1, 7, 90]),
    ),
    max_size=60,
)


def apply(fleet: Fleet, event: Event) -> None:
    node = fleet.nodes[event.node]
    match event.kind:
        case "answer":
            node.answered()
        case "fail":
            node.failed("down")
        case "rest":
            node.rest(float(event.number))
        case "named":
            node.named(CHAIN, CHAIN)
        case "other":
            node.named(1, CHAIN)
        case "head":
            fleet.saw_head(node, event.number, max(0, event.number - 64))
        case _:
            node.said_syncing(event.kind == "syncing")


@given(events)
def test_fleet__anything_happens__moves_by_the_table_and_asks_everybody_once(happened: list[Event]) -> None:
    clock, moves = StillClock(), set[tuple[NodeState, NodeState]]()
    nodes = [Node(host, RULES, clock, lambda _h, a, b, _w: moves.add((a, b))) for host in "abc"]
    fleet = Fleet(nodes, clock, RULES.rest)
    for event in happened:
        clock.seconds += event.seconds
        apply(fleet, event)
        order = fleet.order()
        assert sorted(node.host for node in order) == ["a", "b", "c"]
        assert order[0] is fleet.present
        well = [node for node in nodes if node.state is NodeState.ALIVE and not node.resting]
        assert not well or order[0] in well, "one in order is asked before any other"
        assert not (order[0].state is NodeState.WRONG_CHAIN and len({node.state for node in nodes}) > 1)
    assert moves <= {(before, after) for (before, _), after in TRANSITIONS.items() if before is not after}


@given(st.lists(st.tuples(st.integers(0, 2), st.integers(0, RULES.lag_blocks - 1)), max_size=200))
def test_fleet__heads_jitter_within_the_limits__never_switches(sightings: list[tuple[int, int]]) -> None:
    clock = StillClock()
    nodes = [Node(host, RULES, clock, lambda *_: None) for host in "abc"]
    fleet = Fleet(nodes, clock, RULES.rest)
    for node in nodes:
        node.named(CHAIN, CHAIN)
    for step, (index, behind) in enumerate(sightings):
        clock.seconds += 2
        fleet.saw_head(nodes[index], 1000 + step - min(behind, 4))
        if index != 0:
            fleet.saw_head(nodes[0], 1000 + step - 2)
        fleet.order()
    assert fleet.switches == 0


@given(st.lists(st.integers(0, 50), min_size=1), st.integers(0, 50))
def test_race__any_course__agrees_with_looking_back(heads: list[int], head: int) -> None:
    race = Race()
    for second, number in enumerate(heads):
        race.best(number, float(second))
    now = float(len(heads))
    above = 0
    for number in reversed(heads):
        if number <= head:
            break
        above += 1
    expected = float(above) if above else 0.0
    assert race.passed(head, now) == expected
