"""What every protocol has to pass, by being registered: nothing here names one.

The chain of these tests is a recorded run of the protocol's own contracts. See docs/adding-a-protocol.md.
"""

from pathlib import Path
from random import Random
from typing import Any

from keeper.index.journal import DEPTH
from keeper.protocols.adapter import Adapter
from keeper.protocols.coverage import Coverage
from keeper.protocols.decode import topic
from keeper.sim.replay import logs_of, replay
from tests.conformance import NO_RUN, Tape, contents, each_adapter, each_run, runs

ROOT = Path(__file__).parents[2]


@each_adapter
def test_registered__protocol__brings_recorded_runs_or_a_reason(adapter: Adapter) -> None:
    name = adapter.protocol
    missing = f"{name} has no recorded run: put one into tests/vectors/data, or say why not in NO_RUN"
    assert bool(runs(name)) != (name in NO_RUN), missing
    assert adapter.recording is not None or name in NO_RUN, f"{name} cannot replay runs: no Recording"


@each_adapter
def test_events__every_row__has_a_handler_or_a_reason_and_is_the_only_one(adapter: Adapter) -> None:
    def undecided(row: Coverage[Any]) -> bool:
        return (row.handler is None) != bool(row.reason)

    rows = adapter.events.rows
    assert rows
    assert [row.signature for row in rows if undecided(row)] == []
    assert len({(row.role, row.signature) for row in rows}) == len(rows)
    assert {row.role for row in rows} == set(adapter.events.titles)


@each_adapter
def test_events__page_in_the_documentation__is_the_table_in_the_code(adapter: Adapter) -> None:
    page = ROOT / "docs" / adapter.events.page
    assert page.read_text() == adapter.events.markdown(), "scripts/build_docs writes it again"


@each_run
def test_events__every_log_of_a_watched_contract__is_in_the_table(path: Path) -> None:
    tape, seen = Tape(path), 0
    known = {topic(row.signature) for row in tape.adapter.events.rows}
    while tape.place < len(tape.scenes):
        scene = tape.forward()
        watched = tape.market.addresses()
        emitted = [log for log in logs_of(scene.block) if log.address in watched and log.topics]
        assert {log.topics[0] for log in emitted} <= known
        seen += len(emitted)
    assert seen > 100


@each_run
def test_replay__recorded_run__has_no_mismatch(path: Path) -> None:
    result = replay(path)
    assert (result.mismatches, result.first_mismatch) == (0, None)
    assert result.snapshots
    assert result.liquidations


@each_run
def test_reorg__blocks_undone_anywhere__leave_no_trace(path: Path) -> None:
    random, tape, straight = Random(path.name), Tape(path), Tape(path)
    end = len(tape.scenes)
    straight.forward_to(end)
    before: list[Any] = []
    furthest = 0
    while tape.place < end:
        before.append(contents(tape.book))
        tape.forward()
        furthest = max(furthest, tape.place)
        if random.random() < 0.05:
            depth = random.randint(1, min(30, len(before), tape.place + DEPTH - furthest))
            tape.back(depth)
            assert contents(tape.book) == before[-depth]
            del before[-depth:]
    assert contents(tape.book) == contents(straight.book)
    assert tape.healths() == straight.healths()


@each_run
def test_restart__from_a_snapshot_anywhere__goes_on_as_if_nothing_had_happened(path: Path) -> None:
    random, tape, straight = Random(path.name), Tape(path), Tape(path)
    end = len(tape.scenes)
    straight.forward_to(end)
    while tape.place < end:
        tape.forward_to(min(end, tape.place + random.randint(1, end // 4)))
        restarted = tape.restarted()
        assert contents(restarted.book) == contents(tape.book), "opened over a restored book, it changed it"
        tape = restarted
    assert contents(tape.book) == contents(straight.book)
    assert tape.healths() == straight.healths()
