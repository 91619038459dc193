"""Hints: the documented event, what is none, and what is kept of them."""

import json
from typing import Any

import pytest

from keeper.chain.hint_json import MOST, hint
from keeper.chain.hints import CAPACITY, HintResult, HintSlot, Told
from keeper.chain.sse import OVERSIZED
from keeper.relay_ports import Hint
from keeper.types import Address, Call, Hash

HASH = "0xc7dc06c994400830054ab815732d91275bc1241f9be62b62b687b7882f19b8d4"
CALLEE = "0x0000c335bc9d5d1af0402cad63fa7f258363d71a"
EVENT: dict[str, Any] = {
    "hash": HASH,
    "logs": [{"address": CALLEE.upper().replace("X", "x"), "topics": ["0x" + "AB" * 32], "data": "0x0102"}],
    "txs": [{"to": CALLEE, "functionSelector": "0x696d2073", "callData": "0x696d207368"}],
    "mevGasPrice": "0x3b9aca00",
    "gasUsed": "0x5208",
}


def encoded(**changes: Any) -> bytes:
    return json.dumps(EVENT | changes).encode()


def test_hint__documented_event__read_and_in_lower_case() -> None:
    assert hint(encoded()) == Hint(
        Hash(HASH),
        (Call(Address(CALLEE), bytes.fromhex("696d207368")),),
        ((Address(CALLEE), ("0x" + "ab" * 32,), b"\1\2"),),
        1,
        10**9,
        21_000,
    )


@pytest.mark.parametrize("absent", [None, []])
def test_hint__what_the_sender_keeps_secret__is_absent(absent: Any) -> None:
    assert hint(json.dumps({"hash": HASH}).encode()) == Hint(Hash(HASH), (), (), 1)
    assert hint(encoded(logs=absent, txs=absent, mevGasPrice=None)).calls == ()
    assert hint(encoded(txs=[{"functionSelector": "0x696d2073"}, {"to": CALLEE}])).size == 2


@pytest.mark.parametrize(
    ("event", "words"),
    [
        (b"", "no JSON"),
        (b"{", "no JSON"),
        (b"[" * 100_000, "lists and objects"),
        (b"\xff", "no JSON"),
        (b"[]", "no object"),
        (b"5", "no object"),
        (b"{}", "hash"),
        (encoded(hash=7), "hash"),
        (encoded(hash=HASH[:-1]), "hash"),
        (encoded(txs={}), None),
        (encoded(txs="x"), "txs"),
        (encoded(txs=[1]), "txs"),
        (encoded(txs=[{}] * (MOST + 1)), "txs"),
        (encoded(txs=[{"to": "0x12", "callData": "0x00"}]), "to"),
        (encoded(txs=[{"to": CALLEE, "callData": "0xzz"}]), "callData"),
        (encoded(txs=[{"to": CALLEE, "callData": 5}]), "callData"),
        (encoded(logs=[{"address": CALLEE, "topics": [1]}]), "topics"),
        (encoded(logs=[{"address": CALLEE, "topics": ["0x1"]}]), "topic"),
        (encoded(logs=[{"topics": []}]), "address"),
        (encoded(gasUsed="many"), "gasUsed"),
        (encoded(mevGasPrice=[]), "mevGasPrice"),
    ],
)
def test_hint__malformed__value_error_that_says_where(event: bytes, words: str | None) -> None:
    if words is None:
        assert hint(event).calls == ()
        return
    with pytest.raises(ValueError, match=words):
        hint(event)


class Counted:
    """Counts what it is told."""

    def __init__(self) -> None:
        self.told: list[HintResult] = []

    def on_hint(self, host: str, result: HintResult, reason: str = "") -> None:
        assert bool(reason) == (result in {HintResult.MALFORMED, HintResult.TOO_LARGE})
        self.told.append(result)

    def on_subscription_lost(self, host: str) -> None:
        raise AssertionError(host)


async def test_slot__every_event__is_counted_and_each_hint_given_once() -> None:
    counted = Counted()
    found = HintResult.TAKEN
    slot = HintSlot(lambda hint: found, counted)
    other = encoded(hash=HASH.replace("c", "d"))
    for event in (encoded(), encoded(), b"{", OVERSIZED):
        slot.offer(0, "host", event)
    found = HintResult.NO_PRICE
    slot.offer(0, "host", other)
    found = HintResult.TAKEN
    slot.offer(1, "host", other)
    expected = ["taken", "repeated", "malformed", "too_large", "no_price", "taken"]
    assert [each.value for each in counted.told] == expected
    told = [Told(0, "host", hint(encoded())), Told(1, "host", hint(other))]
    assert [await anext(slot), await anext(slot)] == told


async def test_slot__reader_is_busy__the_oldest_are_dropped_and_counted() -> None:
    counted = Counted()
    slot = HintSlot(lambda hint: HintResult.TAKEN, counted)
    for number in range(CAPACITY + 2):
        slot.offer(0, "host", encoded(hash=f"0x{number:064x}"))
    assert counted.told.count(HintResult.DROPPED) == 2
    assert (await anext(slot)).hint.hash == f"0x{2:064x}"
