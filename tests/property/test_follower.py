"""The follower on a simulated chain that forks at random: the book always equals a fresh rebuild."""

import asyncio
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from keeper.errors import Degraded, Transient
from keeper.index.book import ColumnarBook
from keeper.index.follower import Follower
from keeper.index.journal import DEPTH
from keeper.ports import BlockId, LogsIn
from keeper.protocols.base import Book, LiquidationEvent, Reads, Side
from keeper.protocols.coverage import EventTable
from keeper.types import Address, BlockRef, Call, Hash, Log
from tests.logs import mined

TOKEN = Address("0x" + "aa" * 20)
LATER = Address("0x" + "bb" * 20)
GENESIS = BlockRef(0, Hash("0x" + "00" * 32), Hash("0x" + "00" * 32), 0, 0)


class SimulatedChain:
    """Headers and logs of one branch at a time. Each log adds its data to an account's quantity."""

    def __init__(self) -> None:
        self.headers = [GENESIS]
        self.entries: list[list[tuple[Address, int, int]]] = [[]]
        self.salt = 0
        self.asked = 0

    def extend(self, entries: list[tuple[Address, int, int]]) -> BlockRef:
        self.salt += 1
        number, parent = len(self.headers), self.headers[-1]
        self.headers.append(BlockRef(number, Hash(f"0x{self.salt:064x}"), parent.hash, number * 12, 7))
        self.entries.append(entries)
        return self.headers[-1]

    def cut(self, depth: int) -> None:
        keep = max(1, len(self.headers) - depth)
        del self.headers[keep:]
        del self.entries[keep:]

    async def block(self, block: BlockId = "latest") -> BlockRef:
        newest = len(self.headers) - 1
        number = newest if isinstance(block, str) else block if isinstance(block, int) else block.number
        if number >= len(self.headers):
            raise Degraded(f"no block {number}")
        return self.headers[number]

    async def blocks(self, numbers: Sequence[int]) -> list[BlockRef]:
        return [await self.block(number) for number in numbers]

    async def logs(self, addresses: Collection[Address], first: int, last: int) -> list[Log]:
        return [
            mined(
                address,
                (f"0x{account:040x}",),
                hex(amount),
                block=n,
                block_hash=self.headers[n].hash,
                log_index=place,
            )
            for n in range(first, last + 1)
            for place, (address, account, amount) in enumerate(self.entries[n])
            if address in addresses
        ]

    async def logs_in(
        self, block: BlockRef, addresses: Collection[Address], calls: Sequence[Call] = ()
    ) -> LogsIn:
        if self.headers[block.number : block.number + 1] != [block]:
            raise Transient(f"no block {block.hash}")
        logs = await self.logs(addresses, block.number, block.number)
        return LogsIn(logs, self.results(calls, block) if self.salt % 3 else None)

    async def call(self, call: Call, block: BlockId = "latest", sender: Address | None = None) -> bytes:
        raise AssertionError("nothing calls")

    async def call_many(self, calls: Sequence[Call], block: BlockId = "latest") -> list[bytes | None]:
        self.asked += len(calls)
        return self.results(calls, block)

    def results(self, calls: Sequence[Call], block: BlockId) -> list[bytes | None]:
        return [f"{block} {call.data.decode()}".encode() for call in calls]

    async def code(self, address: Address, block: BlockId = "latest") -> bytes:
        return b""


class SumMarket:
    """A toy protocol: quantities are sums; the contract LATER is found in TOKEN's first log."""

    screen_margin = 0.0

    def __init__(self, deployment: str, book: Book) -> None:
        self.deployment = self.name = deployment
        self.unit = "unit"
        self.book = book

    def addresses(self) -> frozenset[Address]:
        return frozenset({TOKEN, LATER} if self.book.get(("found",)) else {TOKEN})

    def discovered(self, logs: Iterable[Log]) -> frozenset[Address]:
        return frozenset({LATER} if any(log.address == TOKEN for log in logs) else ())

    def prepare(self, logs: Iterable[Log]) -> Reads[None]:
        yield from ()

    def liquidation_events(self, _: Iterable[Log]) -> list[LiquidationEvent]:
        return []

    def fold(self, log: Log, timestamp: int) -> None:
        if log.address == LATER and not self.book.get(("found",)):
            return  # not part of the deployment yet
        account = Address(log.topics[0])
        self.book.put(("found",), 1)
        self.book.put(("time", account), timestamp)
        total = self.book.quantity(account, 0, Side.DEBT) + int(log.data, 16)
        self.book.set_quantity(account, 0, Side.DEBT, total)

    def refresh(self, block: BlockRef) -> Reads[None]:
        told = yield [Call(TOKEN, b"same"), Call(TOKEN, str(block.number).encode())]
        self.book.put(("told",), tuple(told))


class SumAdapter:
    protocol = "sum"
    record_types: tuple[type, ...] = ()
    recording = None
    events = EventTable("toy.md", "", {}, ())

    def open(self, deployment: str, settings: Mapping[str, Any], book: Book) -> Reads[Any]:
        yield [Call(TOKEN, b"")]
        return SumMarket(deployment, book)


def contents(follower: Follower) -> dict[Any, Any]:
    book = follower.market.book
    assert isinstance(book, ColumnarBook)
    legs = {account: list(book.legs(account)) for account in book.accounts()}
    return {
        "legs": {account: found for account, found in legs.items() if found},
        "records": dict(book.records()),
    }


async def rebuilt(chain: SimulatedChain) -> dict[Any, Any]:
    fresh = Follower(chain, SumAdapter(), "toy", {})
    head = await chain.block("latest")
    await fresh.start(head)
    await fresh.follow(head)
    return contents(fresh)


entries = st.lists(
    st.tuples(st.sampled_from([TOKEN, LATER]), st.integers(1, 3), st.integers(1, 9)), max_size=3
)
moves = st.one_of(
    st.tuples(st.just("extend"), st.lists(entries, min_size=1, max_size=4)),
    st.tuples(st.just("fork"), st.integers(1, 6), st.lists(entries, min_size=1, max_size=8)),
)


@given(st.lists(moves, max_size=15))
def test_follower__through_random_forks__equals_a_fresh_rebuild(script: list[Any]) -> None:
    async def scenario() -> None:
        chain = SimulatedChain()
        follower = Follower(chain, SumAdapter(), "toy", {})
        await follower.start(GENESIS)
        for move in script:
            if move[0] == "fork":
                chain.cut(move[1])
            for block_entries in move[-1]:
                chain.extend(block_entries)
            head = await chain.block("latest")
            await follower.follow(head)
            assert follower.cursor == head
            assert contents(follower) == await rebuilt(chain)

    asyncio.run(scenario())


async def test_follower__what_is_asked_at_every_head__comes_with_the_logs() -> None:
    chain = SimulatedChain()
    follower = Follower(chain, SumAdapter(), "toy", {})
    await follower.start(GENESIS)
    asked = []
    for _ in range(6):
        before = chain.asked
        await follower.follow(chain.extend([]))
        asked.append(chain.asked - before)
    assert asked == [2, 2, 2, 1, 1, 2]  # usual after two heads; every third block the node only has logs


async def test_follower__when_the_fork_is_deeper_than_the_journal__starts_again() -> None:
    chain = SimulatedChain()
    follower = Follower(chain, SumAdapter(), "toy", {})
    await follower.start(GENESIS)
    for number in range(DEPTH + 40):
        await follower.follow(chain.extend([(TOKEN, 1, number + 1)]))
    chain.cut(DEPTH + 20)
    for number in range(DEPTH + 30):
        chain.extend([(LATER, 2, number + 1)])
    head = await chain.block("latest")
    await follower.follow(head)
    assert follower.cursor == head
    assert contents(follower) == await rebuilt(chain)


async def test_follower__when_a_head_is_older_than_the_book__stays() -> None:
    chain = SimulatedChain()
    follower = Follower(chain, SumAdapter(), "toy", {})
    await follower.start(GENESIS)
    old = chain.extend([(TOKEN, 1, 5)])
    new = chain.extend([(TOKEN, 1, 6)])
    await follower.follow(new)
    before = contents(follower)
    await follower.follow(old)
    assert follower.cursor == new
    assert contents(follower) == before
