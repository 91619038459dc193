"""The ledger on disk: idempotent, exact, and queryable."""

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from keeper.execute.dispatch import Papered
from keeper.ledger.entries import paper_entries
from keeper.ledger.model import LedgerEntry, Outcome, Realised
from keeper.ledger.store import Ledger
from keeper.types import Hash
from tests.execute_samples import block_ref, fresh_database, sample_step


@pytest.fixture
async def ledger(tmp_path: Path) -> AsyncIterator[Ledger]:
    async with fresh_database(tmp_path) as database:
        yield Ledger(database)


def entries(number: int, outcome: Outcome = Outcome.PENDING) -> list[LedgerEntry]:
    papered = Papered(f"batch {number}", block_ref(number), (sample_step(1), sample_step(2)))
    return [replace(entry, outcome=outcome) for entry in paper_entries(papered)]


async def test_record__same_entries_twice__one_row_each(ledger: Ledger) -> None:
    await ledger.record(entries(1))
    await ledger.record(entries(1))
    assert await ledger.entries() == entries(1)


async def test_record__outcome_arrives_later__row_is_brought_up_to_date_and_back(ledger: Ledger) -> None:
    pending = entries(1)
    huge = 10**30
    done = [
        replace(
            entry,
            outcome=Outcome.SUCCESS,
            realised=Realised(Hash("0xab"), 5, huge, huge + 1, -3, 4, 5, 6, 7, -8),
        )
        for entry in pending
    ]
    await ledger.record(pending)
    await ledger.record(done)
    assert await ledger.entries() == done
    await ledger.record(pending)
    assert await ledger.entries() == pending


async def test_entries__time_and_outcome_asked__only_those_newest_first(ledger: Ledger) -> None:
    for number, outcome in ((1, Outcome.SUCCESS), (2, Outcome.REVERTED), (3, Outcome.SUCCESS)):
        await ledger.record(entries(number, outcome))

    async def blocks(**query: Any) -> list[int]:
        return [entry.block for entry in await ledger.entries(**query)]

    start = block_ref(2).timestamp
    assert await blocks() == [3, 3, 2, 2, 1, 1]
    assert await blocks(since=start) == [3, 3, 2, 2]
    assert await blocks(until=start) == [1, 1]
    assert await blocks(outcomes=[Outcome.SUCCESS]) == [3, 3, 1, 1]
    assert await blocks(limit=3) == [3, 3, 2]
