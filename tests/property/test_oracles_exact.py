"""Prices derived from records against the contracts that compute them, on a local EVM: exact integers."""

from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import boa
import pytest
from boa.util.abi import Address as EvmAddress
from hypothesis import given, settings
from hypothesis import strategies as st

from keeper.index.book import ColumnarBook
from keeper.protocols.base import Book
from keeper.protocols.oracles import conversation, kinds, tree
from keeper.protocols.oracles.dual import DualAggregator, Seat
from keeper.protocols.oracles.feed import FeedProxy
from keeper.types import Address, Call
from tests.logs import mined

CONTRACTS = Path(__file__).parents[2] / "contracts"
START = 1_750_000_000

ANSWERS = st.one_of(
    st.integers(1, 10**14), st.integers(-(10**12), 0), st.sampled_from([0, 1, -1, 10**8, 10**30])
)
LATER = st.integers(0, 10**9)


@pytest.fixture(autouse=True)
def _evm() -> Iterator[None]:
    with boa.swap_env(boa.Env()):
        yield


@cache
def deployer(name: str) -> Any:
    return boa.load_partial(str(CONTRACTS / f"{name}.vy"))


def deploy(name: str, *args: Any) -> Any:
    return deployer(name).deploy(*args)


def address_of(contract: Any) -> Address:
    return Address(str(contract.address).lower())


def at(timestamp: int) -> None:
    boa.env.evm.patch.timestamp = timestamp


def asked(call: Call) -> bytes | None:
    """What an eth_call returns, None where it reverts."""
    result = boa.env.execute_code(to_address=EvmAddress(call.to), data=call.data, is_modifying=False)
    return None if result.is_error else bytes(result.output)


def learnt(*contracts: Any) -> Book:
    """A book that knows what the contracts answer now, by asking them as the keeper asks a node."""
    book = ColumnarBook()
    reads = conversation.learn(book, [address_of(contract) for contract in contracts])
    try:
        calls = next(reads)
        while True:
            calls = reads.send([asked(call) for call in calls])
    except StopIteration:
        return book


def derived(book: Book, contract: Any, timestamp: int) -> int | None:
    return tree.answer_at(book, address_of(contract), timestamp)


def assert_exact(build: Callable[[], Any], later: int) -> None:
    """Learnt now, the answer is exact now and `later` seconds on."""
    at(START)
    contract = build()
    book = learnt(contract)
    for timestamp in (START, START + later):
        at(timestamp)
        assert derived(book, contract, timestamp) == contract.latestAnswer()


def feed(answer: int) -> Any:
    return deploy("price_feed_proxy", deploy("price_feed", "X / USD", 8, answer).address)


@settings(max_examples=60, deadline=None)
@given(
    base=ANSWERS,
    ratio=st.one_of(st.integers(-5, 2 * 10**18), st.integers(10**17, 10**28)),
    decimals=st.sampled_from([8, 18, 24]),
    snapshot=st.integers(1, 2**103),
    age=st.integers(0, 180 * 86_400),
    yearly=st.integers(0, 65_535),
    later=LATER,
    by_feed=st.booleans(),
)
def test_ratio_cap__any_parameters_and_time__is_exact(
    *, base: int, ratio: int, decimals: int, snapshot: int, age: int, yearly: int, later: int, by_feed: bool
) -> None:
    def build() -> Any:
        provider = feed(ratio) if by_feed else deploy("token_rate", ratio)
        terms = (snapshot, START - age, yearly)
        return deploy(
            "price_cap_ratio", "X / USD", feed(base).address, provider.address, by_feed, decimals, *terms
        )

    assert_exact(build, later)


@settings(max_examples=40, deadline=None)
@given(asset=ANSWERS, cap=ANSWERS, later=LATER)
def test_stable_cap__any_parameters__is_exact(asset: int, cap: int, later: int) -> None:
    assert_exact(lambda: deploy("price_cap_stable", "X / USD", feed(asset).address, cap), later)


@settings(max_examples=40, deadline=None)
@given(asset=ANSWERS, peg=ANSWERS, ratio=ANSWERS, decimals=st.integers(0, 18), later=LATER)
def test_peg_cap__any_parameters__is_exact(
    asset: int, peg: int, ratio: int, decimals: int, later: int
) -> None:
    def build() -> Any:
        return deploy("price_cap_peg", "X / USD", feed(asset).address, feed(peg).address, decimals, ratio)

    assert_exact(build, later)


@settings(max_examples=40, deadline=None)
@given(asset=ANSWERS, to_maturity=st.integers(-(10**6), 31_536_000), rate=st.integers(0, 10**18), later=LATER)
def test_discount__any_parameters_and_time__is_exact(
    asset: int, to_maturity: int, rate: int, later: int
) -> None:
    def build() -> Any:
        return deploy("price_discount", "X / USD", feed(asset).address, START + to_maturity, rate)

    assert_exact(build, later)


@settings(max_examples=20, deadline=None)
@given(price=ANSWERS, later=LATER)
def test_fixed_price__any_price__is_exact(price: int, later: int) -> None:
    assert_exact(lambda: deploy("price_settable", "X / USD", price), later)


@settings(max_examples=20, deadline=None)
@given(base=ANSWERS, ratio=st.integers(1, 2 * 10**18), cap=ANSWERS, rate=st.integers(0, 10**18), later=LATER)
def test_adapters_over_adapters__any_parameters__are_exact(
    base: int, ratio: int, cap: int, rate: int, later: int
) -> None:
    def build() -> Any:
        capped = deploy("price_cap_stable", "X / USD", feed(base).address, cap)
        provider = deploy("token_rate", ratio)
        terms = (18, 10**18, START - 86_400, 900)
        grown = deploy("price_cap_ratio", "Y / USD", capped.address, provider.address, False, *terms)
        return deploy("price_discount", "Z / USD", grown.address, START + 10**7, rate)

    assert_exact(build, later)


def follow(book: Book, contract: Any) -> None:
    """Fold the logs of the last call to `contract`."""
    for _, emitter, topics, data in contract._computation.get_raw_log_entries():
        address = Address("0x" + emitter.hex())
        log = mined(address, [f"0x{topic:064x}" for topic in topics], "0x" + data.hex())
        tree.put(book, address, kinds.fold(tree.record_of(book, address), log))


class Svr:
    """A dual aggregator with its two proxies, learnt at START and followed by its logs."""

    def __init__(self, cutoff: int, iterations: int) -> None:
        at(START)
        self.aggregator = deploy("price_feed_dual", "X / USD", 10**8, 0, 1)
        self.secondary = deploy("price_feed_proxy", self.aggregator.address)
        self.public = deploy("price_feed_proxy", self.aggregator.address)
        self.aggregator.set_secondary_proxy(self.secondary.address)
        self.book = learnt(self.secondary, self.public)
        for proxy, seat in ((self.secondary, Seat.SECONDARY), (self.public, Seat.PUBLIC)):
            known = FeedProxy(address_of(self.aggregator), int(seat))
            tree.put(self.book, address_of(proxy), known)
        self.do("setCutoffTime", cutoff)
        self.do("setMaxSyncIterations", iterations)

    def do(self, name: str, *args: int) -> None:
        getattr(self.aggregator, name)(*args)
        follow(self.book, self.aggregator)

    def step(self, name: str, answer: int) -> None:
        """One report, or one copy of a report where there is one to copy."""
        record = tree.record_of(self.book, address_of(self.aggregator))
        assert isinstance(record, DualAggregator)
        newest = record.rounds[-1].id
        if name == "transmit_again":
            if record.alone:
                self.do(name)
        elif name == "transmit_secondary_again":
            if record.secondary < newest:
                self.do(name, record.secondary + 1 + answer % (newest - record.secondary))
        else:
            self.do(name, answer)

    def assert_exact(self, timestamp: int) -> None:
        at(timestamp)
        for contract in (self.secondary, self.public, self.aggregator):
            assert derived(self.book, contract, timestamp) == contract.latestAnswer()


ROUTES = ("transmit", "transmit_secondary", "transmit_again", "transmit_secondary_again")
PAUSES = st.sampled_from([0, 1, 12, 29, 30, 31, 60, 600])
STEPS = st.lists(st.tuples(st.sampled_from(ROUTES), st.integers(0, 10**12), PAUSES), max_size=12)


@settings(max_examples=60, deadline=None)
@given(steps=STEPS, cutoff=st.sampled_from([0, 1, 30, 100]), iterations=st.sampled_from([1, 3, 20, 40]))
def test_dual_aggregator__any_reports_by_either_route__are_exact_for_both_proxies_at_any_time(
    steps: list[tuple[str, int, int]], cutoff: int, iterations: int
) -> None:
    svr, now = Svr(cutoff, iterations), START
    for name, answer, pause in steps:
        at(now)
        svr.step(name, answer)
        for later in (0, 1, cutoff, cutoff + 1, 1000):
            svr.assert_exact(now + later)
        now += pause


@settings(max_examples=40, deadline=None)
@given(steps=STEPS, cutoff=st.sampled_from([1, 30]), pause=PAUSES)
def test_dual_aggregator__learnt_in_the_middle__is_exact_from_then_on(
    steps: list[tuple[str, int, int]], cutoff: int, pause: int
) -> None:
    svr, now = Svr(cutoff, 20), START
    for name, answer, seconds in steps:
        at(now)
        svr.step(name, answer)
        now += seconds
    at(now)
    fresh = learnt(svr.secondary, svr.public)
    for proxy in (svr.secondary, svr.public):
        seated = tree.record_of(svr.book, address_of(proxy))
        tree.put(fresh, address_of(proxy), seated)
    met = tree.record_of(fresh, address_of(svr.aggregator))
    assert isinstance(met, DualAggregator)
    tree.put(fresh, address_of(svr.aggregator), met._replace(cutoff=cutoff))
    svr.book = fresh
    svr.assert_exact(now + pause)
    at(now + pause)
    svr.step("transmit", 77)
    svr.assert_exact(now + pause)
    svr.assert_exact(now + pause + cutoff + 1)
