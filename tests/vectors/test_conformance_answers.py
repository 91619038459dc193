"""What every protocol has to answer rightly: audits, plans and the screen, on its recorded runs."""

from collections.abc import Sequence
from pathlib import Path
from random import Random

import pytest

from keeper.protocols.base import LiquidationEvent, Opportunity, Settlement
from keeper.sim.replay import Record, logs_of
from keeper.types import Call, borrower
from tests.conformance import OTHER_TERMS, Tape, contents, drive, each_run, shaken, wrong_legs

MONTH = 30 * 86_400


@each_run
def test_comparison__leg_of_the_book_corrupted__is_found_or_mended_or_harmless(path: Path) -> None:
    tape = Tape(path)
    last = max(place for place, scene in enumerate(tape.scenes) if scene.checkpoints)
    tape.forward_to(last + 1)
    checkpoint = tape.scenes[last].checkpoints[-1]
    named = {name.lower() for name in checkpoint["accounts"]}
    wrong = [
        leg
        for account in tape.holders()
        if borrower(account) in named
        for leg in wrong_legs(tape.book, account)
    ]
    truth, healths = contents(tape.book), tape.healths()
    found = 0
    for leg in Random(path.name).sample(wrong, min(25, len(wrong))):
        tape.book.journal.open_block(tape.block())
        leg.put(tape.book)
        checks = list(tape.recording.checkpoint(tape.market, checkpoint))
        noticed = any(check.expected != check.actual for check in checks)
        found += noticed
        assert noticed or contents(tape.book) == truth or tape.healths() == healths, leg
        tape.book.journal.undo_last()
        assert contents(tape.book) == truth
    assert found > 10


@pytest.mark.parametrize("answer", [None, b"\x01\x02\x03"], ids=["nothing", "nonsense"])
@each_run
def test_audit__node_without_an_answer__proves_nothing_and_takes_no_leg_away(
    path: Path, answer: bytes | None
) -> None:
    def said(_: Call) -> bytes | None:
        return answer

    tape = Tape(path)
    tape.forward_to(len(tape.scenes))
    market, accounts, truth = tape.market, tape.holders(), contents(tape.book)
    assert drive(market.audit_accounts(accounts, tape.frame()), said) == []
    assert drive(market.audit_reserves(), said) == []
    assert contents(tape.book) == truth
    for subject in (*accounts, *(asset.address for asset in market.assets())):
        drive(market.heal(subject), said)
    assert contents(tape.book)[:2] == truth[:2]


@each_run
def test_audit__node_that_says_something_else__is_heard_and_changes_nothing(path: Path) -> None:
    random, tape = Random(path.name), Tape(path)
    tape.forward_to(len(tape.scenes))
    market, accounts, truth = tape.market, tape.holders(), contents(tape.book)
    differences = drive(market.audit_accounts(accounts, tape.frame()), lambda _: random.randbytes(640))
    assert {difference.subject for difference in differences} == set(accounts)
    assert drive(market.audit_reserves(), lambda _: random.randbytes(640))
    assert contents(tape.book) == truth


@each_run
def test_plan__recorded_liquidation__was_seen_and_settles_as_emitted(path: Path) -> None:
    tape, exact, settled = Tape(path), 0, 0
    blocks = {scene.block["number"]: scene.block for scene in tape.scenes}
    while tape.place < len(tape.scenes):
        scene = tape.forward()
        for attempt in scene.attempts:
            for event in _emitted(tape, attempt, blocks) if attempt["status"] == "ok" else ():
                frame = tape.frame_of(attempt)
                pair = _pair(tape.market.opportunities(event.account, frame), event)
                outcomes = [
                    tape.market.settle(pair, size, frame) for size in (event.repaid, pair.ranges[-1][1])
                ]
                amounts = [(each.repay, each.seize) for each in outcomes if isinstance(each, Settlement)]
                assert max(seize for _, seize in amounts) >= event.seized
                settled += 1
                exact += (event.repaid, event.seized) in amounts
    assert settled
    assert (exact == settled) != (tape.adapter.protocol in OTHER_TERMS)


def _emitted(tape: Tape, attempt: Record, blocks: dict[str, Record]) -> list[LiquidationEvent]:
    logs = [log for log in logs_of(blocks[attempt["block"]]) if log.tx_hash == attempt["tx_hash"]]
    return tape.market.liquidation_events(logs)


def _pair(offered: Sequence[Opportunity], event: LiquidationEvent) -> Opportunity:
    wanted = event.debt, event.collateral
    (pair,) = (each for each in offered if (each.debt.address, each.collateral.address) == wanted)
    return pair


@each_run
def test_screen__prices_and_time_anywhere__never_misses_a_liquidatable_account(path: Path) -> None:
    random, tape, caught = Random(path.name), Tape(path), 0
    points = {place for place, scene in enumerate(tape.scenes) if scene.checkpoints and random.random() < 0.3}
    readings: dict[tuple[str, str], Record] = {}
    for place in range(len(tape.scenes)):
        scene = tape.forward()
        readings |= {(reading["contract"], str(reading["args"])): reading for reading in scene.readings}
        if place in points:
            tape.book.journal.open_block(tape.block())
            caught += _screened(tape, random, list(readings.values()))
            tape.book.journal.undo_last()
    assert caught


def _screened(tape: Tape, random: Random, readings: list[Record]) -> int:
    """Shake what was read and what can be priced, let time pass, and count who can be liquidated."""
    market = tape.market
    for reading in readings:
        tape.recording.read(market, shaken(reading, random.uniform(0.5, 1.5)))
    prices = {
        asset.address: max(1, int(asset.price * random.uniform(0.5, 1.5)))
        for asset in market.assets()
        if asset.price and random.random() < 0.7
    }
    frame = market.frame(
        int(tape.scenes[tape.place - 1].block["timestamp"]) + random.randrange(MONTH), prices
    )
    screened = market.screen(frame)
    liquidatable = [account for account in tape.holders() if market.health(account, frame).liquidatable]
    for account in liquidatable:
        row = tape.book.row(account)
        assert row is not None
        assert screened[row] < 1 + market.screen_margin, account
    return len(liquidatable)
