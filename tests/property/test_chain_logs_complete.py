"""Whatever an endpoint refuses, the scanner returns what one unlimited answer would."""

import asyncio
from collections.abc import Collection, Sequence
from typing import NamedTuple

from hypothesis import given
from hypothesis import strategies as st

from keeper.chain.faults import TooLarge
from keeper.chain.logs import LogScanner
from keeper.types import Address, Log
from tests.logs import mined

ADDRESSES = tuple(Address("0x" + digit * 40) for digit in "abc")


@st.composite
def histories(draw: st.DrawFn) -> list[Log]:
    blocks = draw(st.lists(st.lists(st.sampled_from(ADDRESSES), max_size=4), max_size=60))
    return [
        mined(address, block=number, block_hash=f"0xb{number}", log_index=index)
        for number, block in enumerate(blocks)
        for index, address in enumerate(block)
    ]


class Case(NamedTuple):
    """`most` logs and `widest` blocks is what the endpoint gives; the rest is what is asked of it."""

    history: list[Log]
    wanted: set[Address]
    first: int
    length: int
    most: int
    widest: int
    blocks: int
    chunk: int


cases = st.builds(
    Case,
    history=histories(),
    wanted=st.sets(st.sampled_from(ADDRESSES), min_size=1),
    first=st.integers(0, 30),
    length=st.integers(0, 60),
    most=st.integers(4, 30),
    widest=st.integers(1, 80),
    blocks=st.integers(1, 100),
    chunk=st.integers(1, 3),
)


@given(cases)
def test_logs__endpoint_with_limits__equal_one_unlimited_answer(case: Case) -> None:
    def found(addresses: Collection[Address], start: int, end: int) -> list[Log]:
        return [log for log in case.history if log.address in addresses and start <= log.block <= end]

    async def fetch(addresses: Sequence[Address], start: int, end: int) -> list[Log]:
        logs = found(addresses, start, end)
        if end - start + 1 > case.widest or len(logs) > case.most:
            raise TooLarge("refused")
        return logs[::-1]

    scanner = LogScanner(fetch, blocks=case.blocks, maximum=100, addresses_per_request=case.chunk)
    last = case.first + case.length

    answer = asyncio.run(scanner.logs(case.wanted, case.first, last))

    assert answer == found(case.wanted, case.first, last)
