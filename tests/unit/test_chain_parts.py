"""Small pure parts of the transport: addresses, throttle, head slot, decoding."""

import asyncio
import time

import pytest

from keeper.chain.decode import answers, block_param, block_ref, logs, octets, receipt
from keeper.chain.heads import HeadSlot
from keeper.chain.throttle import Throttle
from keeper.chain.url import EndpointUrl
from keeper.errors import ConfigError, Unreachable
from keeper.types import BlockRef, Hash

TOKEN = "s3cr3t-t0k3n-abcdef"


@pytest.mark.parametrize(
    ("url", "host"),
    [
        (f"https://node.example/v2/{TOKEN}", "https://node.example"),
        (f"https://user:{TOKEN}@node.example:8545/rpc", "https://node.example:8545"),
        (f"http://127.0.0.1:8545/?apikey={TOKEN}", "http://127.0.0.1:8545"),
    ],
)
def test_endpoint_url__any_place_for_a_token__shows_only_the_host(url: str, host: str) -> None:
    endpoint = EndpointUrl(url)
    assert endpoint.host == host
    assert endpoint.reveal() == url
    for shown in (repr(endpoint), str(endpoint), f"{endpoint}", endpoint.scrub(f"at {url}: bad key {TOKEN}")):
        assert TOKEN not in shown


def test_scrub__text_from_a_node__becomes_one_short_line() -> None:
    assert EndpointUrl("http://h").scrub("a\nb\x00c\t" + "x" * 1_000) == "a b c " + "x" * 294


@pytest.mark.parametrize(
    "url", [f"ftp://h/{TOKEN}", TOKEN, f"https:///{TOKEN}", f"http://h:99999999/{TOKEN}", ""]
)
def test_endpoint_url__not_an_address__is_a_config_error_without_it(url: str) -> None:
    with pytest.raises(ConfigError) as raised:
        EndpointUrl(url)
    assert TOKEN not in str(raised.value)


async def test_throttle__rate_set__spreads_requests() -> None:
    throttle = Throttle(rate=20)

    async def one() -> float:
        async with throttle.admit():
            return time.monotonic()

    times = await asyncio.gather(*(one() for _ in range(45)))
    assert times == sorted(times), "first come, first served"
    for earlier, later in zip(times, times[20:], strict=False):
        assert later - earlier > 0.99


async def test_throttle__weight__counts_as_that_many_requests() -> None:
    throttle = Throttle(rate=10)
    started = time.monotonic()
    for _ in range(2):
        async with throttle.admit(weight=10):
            pass
    assert 0.99 < time.monotonic() - started < 2


async def test_throttle__rate_below_one__is_one_in_several_seconds() -> None:
    throttle = Throttle(rate=2)
    throttle.rate = 0.8
    assert throttle.burst == 1
    started = time.monotonic()
    for _ in range(2):
        async with throttle.admit():
            pass
    assert time.monotonic() - started > 1.24


async def test_throttle__no_rate__limits_only_concurrency() -> None:
    throttle = Throttle(concurrency=3)
    running = peak = 0

    async def one() -> None:
        nonlocal running, peak
        async with throttle.admit():
            running += 1
            peak = max(peak, running)
            await asyncio.sleep(0)
            running -= 1

    await asyncio.gather(*(one() for _ in range(50)))
    assert peak == 3
    assert throttle.burst is None


def test_throttle__rate_not_positive__is_refused() -> None:
    with pytest.raises(ValueError, match="positive"):
        Throttle(rate=0)


def head(number: int, fork: str = "") -> BlockRef:
    return BlockRef(number, Hash(f"0x{number}{fork}"), Hash(f"0x{number - 1}"), number * 12, 0)


async def given(slot: HeadSlot) -> BlockRef | None:
    try:
        async with asyncio.timeout(0.02):
            return await anext(slot)
    except TimeoutError:
        return None


async def test_slot__reader_is_slow__gets_only_the_newest() -> None:
    slot = HeadSlot()
    for number in range(1, 1_000):
        slot.offer(head(number))
    assert await given(slot) == head(999)
    assert await given(slot) is None


async def test_slot__same_head_again__is_not_given_twice() -> None:
    slot = HeadSlot()
    slot.offer(head(5))
    assert await given(slot) == head(5)
    slot.offer(head(5))
    assert await given(slot) is None


async def test_slot__late_head_of_a_slow_node__is_dropped() -> None:
    slot = HeadSlot()
    for number in (5, 6):
        slot.offer(head(number))
        assert await given(slot) == head(number)
    slot.offer(head(5))
    assert await given(slot) is None


async def test_slot__reorg_to_same_or_lower_height__is_given() -> None:
    slot = HeadSlot()
    for offered in (head(6), head(6, "f"), head(6), head(5, "g")):
        slot.offer(offered)
        assert await given(slot) == offered


def test_block_ref__chain_without_base_fee__has_zero() -> None:
    header = {"number": "0x10", "hash": "0xaa", "parentHash": "0xbb", "timestamp": "0x64"}
    assert block_ref(header) == BlockRef(16, Hash("0xaa"), Hash("0xbb"), 100, 0)
    assert block_ref({**header, "baseFeePerGas": "0x7"}).base_fee == 7


LOG = {
    "address": "0x" + "AB" * 20,
    "topics": ["0x01"],
    "data": "0x",
    "blockNumber": "0x2",
    "blockHash": "0xaa",
    "transactionHash": "0xbb",
    "transactionIndex": "0x3",
    "logIndex": "0x4",
}


def test_receipt__failed_transaction__is_told_with_its_logs() -> None:
    told = receipt(
        {
            "transactionHash": "0xbb",
            "blockNumber": "0x2",
            "blockHash": "0xaa",
            "status": "0x0",
            "gasUsed": "0x5208",
            "effectiveGasPrice": "0x3b9aca00",
            "l1Fee": "0x2a",
            "logs": [LOG],
        }
    )
    assert told.data_fee == 42
    assert (told.succeeded, told.gas_used, told.gas_price, told.block) == (False, 21_000, 10**9, 2)
    assert told.logs[0].address == "0x" + "ab" * 20
    assert (told.logs[0].tx_index, told.logs[0].log_index) == (3, 4)


@pytest.mark.parametrize(
    "entry",
    [{}, None, {**LOG, "address": None}, {**LOG, "topics": [None]}, {**LOG, "blockNumber": None}, [], "0x"],
)
def test_answers__malformed_entry__is_unreachable(entry: object) -> None:
    with pytest.raises(Unreachable, match="malformed"), answers("http://h", "eth_getLogs"):
        logs([entry])  # type: ignore[list-item]


def test_logs__numbers_that_are_none__are_unreachable_when_they_are_read() -> None:
    [log] = logs([{**LOG, "blockNumber": "2x", "transactionIndex": "0x", "logIndex": "four"}])
    for number in ("block", "tx_index", "log_index"):
        with pytest.raises(Unreachable, match="malformed"):
            getattr(log, number)


def test_octets__not_hex__is_refused() -> None:
    assert octets("0x") == b""
    assert octets("0x00ff") == b"\x00\xff"
    for text in ("00ff", "0x0", "0xzz"):
        with pytest.raises(ValueError, match=r"0x|hexadecimal"):
            octets(text)


def test_block_param__number_or_tag__is_hex_or_the_tag() -> None:
    assert [block_param(block) for block in (0, 255, "latest")] == ["0x0", "0xff", "latest"]
