"""Telling the kind of a price source from what it answers, and following the logs of each kind."""

from typing import Any

import pytest
from eth_utils.crypto import keccak

from keeper.index.book import ColumnarBook
from keeper.protocols.base import Reads
from keeper.protocols.decode import topic
from keeper.protocols.oracles import conversation, kinds, tree
from keeper.protocols.oracles.constant import Fixed, Polled
from keeper.protocols.oracles.discount import Discount
from keeper.protocols.oracles.dual import DualAggregator, Round, Seat
from keeper.protocols.oracles.feed import Feed, FeedProxy
from keeper.protocols.oracles.price_cap import PegCap, StableCap
from keeper.protocols.oracles.ratio_cap import RatioCap, growth
from keeper.types import USD, WAD, ZERO_ADDRESS, Address
from tests.aave_v3_world import START, address, make_log

SOURCE, PROXY, AGGREGATOR, TOKEN = (address(number) for number in (0x51, 0x52, 0x53, 0x54))

Chain = dict[tuple[Address, str], list[int | str]]

FEED: Chain = {(PROXY, "aggregator()"): [AGGREGATOR], (PROXY, "latestAnswer()"): [3 * USD]}
CAPPED: Chain = {
    (SOURCE, "latestAnswer()"): [4 * USD],
    (SOURCE, "BASE_TO_USD_AGGREGATOR()"): [PROXY],
    (SOURCE, "RATIO_PROVIDER()"): [TOKEN],
    (SOURCE, "RATIO_DECIMALS()"): [18],
    (SOURCE, "getRatio()"): [WAD + 5],
    (SOURCE, "getSnapshotRatio()"): [WAD],
    (SOURCE, "getSnapshotTimestamp()"): [START],
    (SOURCE, "getMaxRatioGrowthPerSecond()"): [7],
}


def learnt(chain: Chain, source: Address = SOURCE) -> ColumnarBook:
    """A book after asking contracts that answer as in `chain`; everything else reverts."""
    known = {
        (to, keccak(text=function)[:4]): b"".join(
            (word if isinstance(word, int) else int(word, 16)).to_bytes(
                32, "big", signed=word_is_signed(word)
            )
            for word in words
        )
        for (to, function), words in chain.items()
    }
    book = ColumnarBook()
    drive(conversation.learn(book, [source]), known)
    return book


def word_is_signed(word: int | str) -> bool:
    return isinstance(word, int) and word < 0


def drive(reads: Reads[Any], known: dict[tuple[Address, bytes], bytes]) -> None:
    try:
        calls = next(reads)
        while True:
            calls = reads.send([known.get((call.to, call.data[:4])) for call in calls])
    except StopIteration:
        return


@pytest.mark.parametrize(
    ("answers", "record"),
    [
        ({"latestAnswer()": [5], "latestRound()": [9]}, Feed(5)),
        ({"latestAnswer()": [5]}, Polled(5)),
        ({}, Polled(None)),
        ({"latestAnswer()": [5], "price()": [5], "ACL_MANAGER()": [TOKEN]}, Fixed(5)),
        ({"latestAnswer()": [5], "PRICE()": [5], "ACL_MANAGER()": [TOKEN]}, Fixed(5)),
        ({"latestAnswer()": [5], "price()": [6], "ACL_MANAGER()": [TOKEN]}, Polled(5)),
        ({"latestAnswer()": [5], "price()": [5]}, Polled(5)),
        (
            {"latestAnswer()": [5], "ASSET_TO_USD_AGGREGATOR()": [PROXY], "getPriceCap()": [7]},
            StableCap(PROXY, 7),
        ),
        (
            {
                "latestAnswer()": [5],
                "ASSET_TO_USD_AGGREGATOR()": [PROXY],
                "BASE_TO_USD_AGGREGATOR()": [TOKEN],
                "getPriceCapRatio()": [7],
                "RATIO_DECIMALS()": [8],
            },
            PegCap(PROXY, TOKEN, 7, 8),
        ),
        (
            {
                "latestAnswer()": [5],
                "ASSET_TO_USD_AGGREGATOR()": [PROXY],
                "MATURITY()": [START],
                "discountRatePerYear()": [9],
                "PERCENTAGE_FACTOR()": [WAD],
            },
            Discount(PROXY, START, 9),
        ),
        (
            {
                "latestAnswer()": [5],
                "ASSET_TO_USD_AGGREGATOR()": [PROXY],
                "MATURITY()": [START],
                "discountRatePerYear()": [9],
                "PERCENTAGE_FACTOR()": [10**4],
            },
            Polled(5),
        ),
    ],
    ids=range(11),
)
def test_learn__one_contract__has_the_kind_its_getters_show(
    answers: dict[str, list[int | str]], record: Any
) -> None:
    book = learnt({(SOURCE, getter): words for getter, words in answers.items()})
    assert tree.record_of(book, SOURCE) == record


def test_learn__proxy__tells_the_answer_of_an_aggregator_that_tells_nobody() -> None:
    book = learnt(FEED, PROXY)
    assert tree.record_of(book, AGGREGATOR) == Feed(3 * USD)
    assert tree.members(book, PROXY) == [PROXY, AGGREGATOR]
    assert tree.answer_at(book, PROXY, START) == 3 * USD


def test_learn__ratio_from_a_token__is_read_and_the_token_is_no_source() -> None:
    book = learnt(CAPPED | FEED)
    record = tree.record_of(book, SOURCE)
    assert isinstance(record, RatioCap)
    assert record.feed == ZERO_ADDRESS
    assert record.reading(SOURCE) is not None
    assert tree.members(book, SOURCE) == [SOURCE, PROXY, AGGREGATOR]
    assert tree.record_of(book, TOKEN) is None
    assert tree.answer_at(book, SOURCE, START) == 3 * USD * WAD // WAD


def test_learn__ratio_from_a_feed__needs_no_reads() -> None:
    chain = CAPPED | FEED | {(TOKEN, "latestAnswer()"): [WAD + 5], (TOKEN, "latestRound()"): [3]}
    book = learnt(chain)
    assert not tree.needs_reads(book, SOURCE)
    assert TOKEN in tree.members(book, SOURCE)


@pytest.mark.parametrize(
    ("extra", "expected"), [({}, 7), ({"getMaxRatioGrowthPerSecondScaled()": [7_654_321]}, 7.654321)]
)
def test_ratio_cap__growth_by_the_second__is_as_fine_as_the_contract_keeps_it(
    extra: dict[str, list[int | str]], expected: float
) -> None:
    book = learnt(CAPPED | FEED | {(SOURCE, getter): words for getter, words in extra.items()})
    record = tree.record_of(book, SOURCE)
    assert isinstance(record, RatioCap)
    assert record.growth == round(expected * 10**6)
    log = make_log(
        SOURCE, "CapParametersUpdated(uint256,uint256,uint256,uint16)", [], [2 * WAD, START + 1, 11, 500]
    )
    after = kinds.fold(record, log)
    assert isinstance(after, RatioCap)
    assert (after.snapshot, after.since) == (2 * WAD, START + 1)
    assert after.growth == (growth(2 * WAD, 500) if extra else 11 * 10**6)


def test_fold__log_of_another_kind__changes_nothing() -> None:
    log = make_log(SOURCE, "PriceCapUpdated(int256)", [], [5])
    for record in (None, Feed(1), FeedProxy(AGGREGATOR), Fixed(3), Polled(4)):
        assert kinds.fold(record, log) == record


def test_fold__answer_of_a_contract_nobody_named__makes_it_a_feed() -> None:
    log = make_log(SOURCE, "AnswerUpdated(int256,uint256,uint256)", [-4, 1], [START])
    assert kinds.fold(None, log) == Feed(-4)


def test_tree__sources_in_a_circle__have_no_answer() -> None:
    book = ColumnarBook()
    tree.put(book, SOURCE, FeedProxy(PROXY))
    tree.put(book, PROXY, FeedProxy(SOURCE))
    assert tree.answer_at(book, SOURCE, START) is None
    assert tree.members(book, SOURCE) == [SOURCE, PROXY]


DUAL: Chain = {
    (PROXY, "aggregator()"): [AGGREGATOR],
    (PROXY, "latestAnswer()"): [70],
    (PROXY, "latestRoundData()"): [2 << 64 | 1, 70, START - 9, START, 1],
    (AGGREGATOR, "typeAndVersion()"): [32, 20, (b"DualAggregator 1.0.0".ljust(32, b"\0")).hex()],
    (AGGREGATOR, "latestRoundData()"): [2, 80, START, START + 9, 2],
    (AGGREGATOR, "getRoundData(uint80)"): [1, 70, START - 9, START, 1],
}


def test_learn__dual_aggregator__knows_the_secondary_proxy_by_its_round() -> None:
    book = learnt(DUAL, PROXY)
    dual = tree.record_of(book, AGGREGATOR)
    rounds = (Round(1, 70, START), Round(2, 80, START + 9))
    assert dual == DualAggregator(rounds, secondary=1)
    assert tree.answer_at(book, PROXY, START + 10) is None, "nothing tells the cutoff"
    data = bytes.fromhex(
        "".join(f"{int(word):064x}" for word in DUAL[PROXY, "latestRoundData()"] if isinstance(word, int))
    )
    drive(
        conversation.take_seats(book, [PROXY], START + 10),
        {(PROXY, keccak(text="latestRoundData()")[:4]): data},
    )
    assert tree.record_of(book, PROXY) == FeedProxy(AGGREGATOR, Seat.SECONDARY)
    tree.put(book, AGGREGATOR, kinds.fold(dual, make_log(AGGREGATOR, "CutoffTimeSet(uint32)", [], [30])))
    assert [tree.answer_at(book, PROXY, START + later) for later in (39, 40)] == [70, 80]


def test_signatures__every_event_of_a_kind__has_a_topic_of_its_own() -> None:
    assert len({topic(signature) for signature in kinds.SIGNATURES}) == len(kinds.SIGNATURES)
