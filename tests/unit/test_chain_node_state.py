"""A node's state and the choice among several, on a clock that stands still."""

import pytest

from keeper.chain.fleet import Fleet, Race
from keeper.chain.node_state import TRANSITIONS, Node, NodeState, Rules, Signal
from tests.clock import StillClock

CHAIN = 31337
RULES = Rules()


@pytest.fixture
def clock() -> StillClock:
    return StillClock(1000.0)


@pytest.fixture
def moves() -> list[tuple[str, str]]:
    return []


@pytest.fixture
def nodes(clock: StillClock, moves: list[tuple[str, str]]) -> list[Node]:
    return [
        Node(host, RULES, clock, lambda host, _before, after, _why: moves.append((host, after.value)))
        for host in "abc"
    ]


@pytest.fixture
def node(nodes: list[Node]) -> Node:
    return nodes[0]


def state_of(node: Node) -> NodeState:
    return node.state


def alive(nodes: list[Node], clock: StillClock) -> Fleet:
    fleet = Fleet(nodes, clock, RULES.rest)
    for node in nodes:
        node.named(CHAIN, CHAIN)
        fleet.saw_head(node, 100)
    return fleet


def first(fleet: Fleet) -> str:
    return fleet.order()[0].host


def test_transitions__every_state__can_be_left_and_reached() -> None:
    for state in NodeState:
        assert any(before is state and after is not state for (before, _), after in TRANSITIONS.items())
    assert set(TRANSITIONS.values()) == set(NodeState)
    assert {signal for _, signal in TRANSITIONS} == set(Signal)


def test_node__names_the_chain__is_alive_and_verified(node: Node, moves: list[tuple[str, str]]) -> None:
    assert (node.state, node.verified) == (NodeState.UNCHECKED, False)
    node.named(CHAIN, CHAIN)
    assert (node.state, node.verified) == (NodeState.ALIVE, True)
    node.named(CHAIN, CHAIN)
    assert moves == [("a", "alive")]


def test_node__names_another_chain__is_wrong_until_it_names_ours(node: Node, clock: StillClock) -> None:
    node.named(CHAIN, CHAIN)
    node.named(1, CHAIN)
    assert (node.state, node.verified) == (NodeState.WRONG_CHAIN, False)
    for _ in range(9):
        node.failed("down")
    clock.seconds += 10**6
    assert not node.paused
    assert state_of(node) is NodeState.WRONG_CHAIN
    node.named(CHAIN, CHAIN)
    assert state_of(node) is NodeState.ALIVE


def test_node__fails_once__rests_and_has_to_name_its_chain_again(node: Node, clock: StillClock) -> None:
    node.named(CHAIN, CHAIN)
    node.failed("down")
    assert (node.state, node.verified, node.resting) == (NodeState.ALIVE, False, True)
    clock.seconds += RULES.rest
    assert not node.resting


def test_node__three_failures_in_a_minute__is_unreachable_for_longer_each_time(
    node: Node, clock: StillClock
) -> None:
    pauses = []
    for _ in range(6):
        node.named(CHAIN, CHAIN)
        for _ in range(RULES.failures):
            assert state_of(node) is NodeState.ALIVE
            node.failed("down")
        assert state_of(node) is NodeState.UNREACHABLE
        started = clock.seconds
        while node.paused:
            clock.seconds += 1
        assert state_of(node) is NodeState.UNCHECKED
        pauses.append(clock.seconds - started)
        clock.seconds += RULES.window
    assert pauses == [60, 120, 240, 480, 600, 600]


def test_node__well_again_for_a_minute__starts_with_the_short_pause(node: Node, clock: StillClock) -> None:
    for _ in range(2):
        node.named(CHAIN, CHAIN)
        for _ in range(RULES.failures):
            node.failed("down")
        clock.seconds += RULES.pause
        assert not node.paused
        node.named(CHAIN, CHAIN)
        clock.seconds += RULES.window + 1
        node.answered()


def test_node__three_failures_far_apart__goes_on(node: Node, clock: StillClock) -> None:
    node.named(CHAIN, CHAIN)
    for _ in range(10):
        node.failed("down")
        clock.seconds += RULES.window / 2 + 1
    assert state_of(node) is NodeState.ALIVE


def test_node__refused_with_a_time__rests_that_long(node: Node, clock: StillClock) -> None:
    node.rest(5)
    clock.seconds += 4
    assert node.resting
    clock.seconds += 1
    assert not node.resting


@pytest.mark.parametrize(
    ("behind", "seconds", "finalized", "state"),
    [
        (4, 19.0, 127, NodeState.ALIVE),
        (5, 0.0, 0, NodeState.LAGGING),
        (1, 20.0, 0, NodeState.LAGGING),
        (0, 0.0, 128, NodeState.LAGGING),
    ],
)
def test_node__behind__lags_at_any_of_the_limits(
    node: Node, behind: int, seconds: float, finalized: int, state: NodeState
) -> None:
    node.named(CHAIN, CHAIN)
    node.saw_head(behind, seconds, finalized)
    assert state_of(node) is state


def test_node__on_the_edge_of_lagging__does_not_flap(node: Node, moves: list[tuple[str, str]]) -> None:
    node.named(CHAIN, CHAIN)
    for _ in range(100):
        for behind in (5, 4, 3):
            node.saw_head(behind, 0.0, 0)
    assert moves == [("a", "alive"), ("a", "lagging")]
    node.saw_head(2, 0.0, 0)
    assert state_of(node) is NodeState.ALIVE


def test_node__says_it_syncs__is_alive_only_when_it_says_it_is_done(node: Node) -> None:
    node.named(CHAIN, CHAIN)
    node.said_syncing(True)
    node.saw_head(0, 0.0, 0)
    assert state_of(node) is NodeState.SYNCING
    node.said_syncing(False)
    assert state_of(node) is NodeState.ALIVE


def test_race__heads_pass__tells_since_when_one_is_behind() -> None:
    race = Race()
    for number in range(10):
        race.best(number, now=number * 12.0)
    assert race.passed(9, now=200.0) == 0
    assert race.passed(8, now=200.0) == 200 - 9 * 12
    assert race.passed(3, now=200.0) == 200 - 4 * 12
    race.best(5, now=201.0)
    assert race.passed(5, now=210.0) == 0
    assert race.passed(4, now=210.0) == 210 - 5 * 12


def test_fleet__all_alive__the_first_stays_whoever_is_a_block_ahead(
    nodes: list[Node], clock: StillClock
) -> None:
    fleet = alive(nodes, clock)
    for step in range(200):
        clock.seconds += 3
        for index, node in enumerate(nodes):
            fleet.saw_head(node, 100 + step + index)
        assert first(fleet) == "a"
    assert fleet.switches == 0


def test_fleet__present_lags_by_blocks__the_highest_head_takes_over_unverified(
    nodes: list[Node], clock: StillClock
) -> None:
    fleet = alive(nodes, clock)
    for node, head in zip(nodes, (100, 104, 106), strict=True):
        fleet.saw_head(node, head)
    fleet.saw_head(nodes[0], 100)
    assert state_of(nodes[0]) is NodeState.LAGGING
    assert first(fleet) == "c"
    assert not nodes[2].verified
    assert fleet.switches == 1


def test_fleet__present_is_one_block_behind_for_long__is_given_up(
    nodes: list[Node], clock: StillClock
) -> None:
    fleet = alive(nodes, clock)
    fleet.saw_head(nodes[1], 101)
    for _ in range(int(RULES.lag_seconds)):
        fleet.saw_head(nodes[0], 100)
        assert first(fleet) == "a"
        clock.seconds += 1
    fleet.saw_head(nodes[0], 100)
    assert first(fleet) == "b"


def test_fleet__first_is_well_again__comes_back_when_the_lease_ends(
    nodes: list[Node], clock: StillClock
) -> None:
    fleet = alive(nodes, clock)
    fleet.saw_head(nodes[1], 105)
    fleet.saw_head(nodes[0], 100)
    assert first(fleet) == "b"
    fleet.saw_head(nodes[0], 105)
    assert state_of(nodes[0]) is NodeState.ALIVE
    assert first(fleet) == "b"
    clock.seconds += RULES.rest
    assert first(fleet) == "a"


def test_fleet__none_alive__the_least_bad_is_asked_first(nodes: list[Node], clock: StillClock) -> None:
    fleet = alive(nodes, clock)
    nodes[0].named(1, CHAIN)
    nodes[1].said_syncing(True)
    for _ in range(3):
        nodes[2].failed("down")
    assert [node.host for node in fleet.order()] == ["b", "c", "a"]


def test_fleet__leader_turns_out_to_be_on_another_chain__its_head_does_not_count(
    nodes: list[Node], clock: StillClock
) -> None:
    fleet = alive(nodes, clock)
    fleet.saw_head(nodes[2], 10**9)
    fleet.saw_head(nodes[0], 101)
    assert state_of(nodes[0]) is NodeState.LAGGING
    nodes[2].named(1, CHAIN)
    fleet.saw_head(nodes[0], 101)
    assert state_of(nodes[0]) is NodeState.ALIVE


def test_fleet__one_node_holds_an_old_finalized_block__lags(nodes: list[Node], clock: StillClock) -> None:
    fleet = alive(nodes, clock)
    fleet.saw_head(nodes[1], 100, 99)
    fleet.saw_head(nodes[0], 100)
    assert state_of(nodes[0]) is NodeState.ALIVE, "not said is not behind"
    fleet.saw_head(nodes[1], 300, 299)
    fleet.saw_head(nodes[0], 300, 150)
    assert state_of(nodes[0]) is NodeState.LAGGING
