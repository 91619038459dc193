"""The range splitter: nothing lost, nothing twice, whatever the endpoint refuses."""

from collections.abc import Sequence

import pytest

from keeper.chain.faults import DeadlineExceeded, TooLarge
from keeper.chain.logs import LogScanner, Span, check_scope, in_chain_order
from keeper.errors import Transient
from keeper.types import Address, Log
from tests.logs import mined

A, B, C = (Address("0x" + digit * 40) for digit in "abc")


def log(address: Address, block: int, index: int, fork: str = "") -> Log:
    return mined(address, block=block, block_hash=f"0xb{block}{fork}", log_index=index)


class Ledger:
    """An endpoint that refuses more than `most` logs."""

    def __init__(self, logs: list[Log], most: int = 10**9) -> None:
        self.entries = logs
        self.most = most
        self.asked: list[tuple[int, int]] = []

    async def fetch(self, addresses: Sequence[Address], first: int, last: int) -> list[Log]:
        self.asked.append((first, last))
        found = [
            entry for entry in self.entries if entry.address in addresses and first <= entry.block <= last
        ]
        if len(found) > self.most:
            raise TooLarge("results")
        return found[::-1]


async def test_ranges__any_limits__join_without_gap_or_overlap() -> None:
    scanner = LogScanner(Ledger([log(A, block, 0) for block in range(200)], most=9).fetch, blocks=64)
    ends = [end async for end, _ in scanner.ranges([A, B, C], 5, 180)]
    assert ends == sorted(set(ends))
    assert ends[-1] == 180


async def test_logs__no_address__asks_nothing() -> None:
    ledger = Ledger([log(A, 1, 0)])
    assert await LogScanner(ledger.fetch).logs([], 0, 10) == []
    assert ledger.asked == []


async def test_logs__empty_range__asks_nothing() -> None:
    ledger = Ledger([log(A, 1, 0)])
    assert await LogScanner(ledger.fetch).logs([A], 5, 4) == []
    assert ledger.asked == []


async def test_logs__one_block_too_large__divides_the_addresses() -> None:
    entries = [log(address, 7, index) for index, address in enumerate((A, B, C))]
    assert await LogScanner(Ledger(entries, most=1).fetch).logs([A, B, C], 7, 7) == entries


async def test_logs__one_block_of_one_address_too_large__is_transient() -> None:
    with pytest.raises(Transient):
        await LogScanner(Ledger([log(A, 7, 0), log(A, 7, 1)], most=1).fetch).logs([A], 7, 7)


async def test_logs__deadline_missed__asks_for_less() -> None:
    async def slow(_: Sequence[Address], first: int, last: int) -> list[Log]:
        if last > first:
            raise DeadlineExceeded("slow")
        return [log(A, first, 0)]

    assert len(await LogScanner(slow, blocks=8).logs([A], 0, 9)) == 10


async def test_logs__progress_given__hears_every_piece() -> None:
    heard: list[tuple[int, int]] = []
    scanner = LogScanner(Ledger([log(A, block, 0) for block in range(10)]).fetch, blocks=2, maximum=4)
    await scanner.logs([A], 0, 9, lambda last, count: heard.append((last, count)))
    assert heard == [(1, 2), (5, 6), (9, 10)]


def test_span__answered_and_refused__doubles_and_halves_with_patience() -> None:
    span = Span(100, 1_000, patience=2)
    span.answered(100)
    assert span.blocks == 200
    span.answered(10)
    assert span.blocks == 200, "a short range proves nothing about longer ones"
    span.refused(200)
    assert span.blocks == 100
    for _ in range(2):
        span.answered(100)
        assert span.blocks == 100
    for _ in range(10):
        span.answered(span.blocks)
    assert span.blocks == 1_000
    span.refused(1)
    assert span.blocks == 1


def test_in_chain_order__same_log_twice__is_transient() -> None:
    with pytest.raises(Transient, match="contradict"):
        in_chain_order([log(A, 1, 0), log(B, 1, 0)])


def test_in_chain_order__block_with_two_hashes__is_transient() -> None:
    with pytest.raises(Transient, match="contradict"):
        in_chain_order([log(A, 1, 0), log(A, 1, 1, fork="f")])


@pytest.mark.parametrize("stray", [log(B, 5, 0), log(A, 4, 0), log(A, 8, 0)])
def test_check_scope__log_nobody_asked_for__is_transient(stray: Log) -> None:
    check_scope([log(A, 5, 0), log(A, 7, 0)], [A], 5, 7)
    with pytest.raises(Transient):
        check_scope([stray], [A], 5, 7)
