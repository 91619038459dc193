"""Prices in a relay's hints."""

import pytest
from eth_abi.abi import encode
from eth_utils.crypto import keccak

from keeper.protocols.oracles.hinted import ANSWERED, SECONDARY, Contradiction, transmissions
from keeper.protocols.oracles.transmit import FORWARD, TRANSMIT_PLAIN, TRANSMIT_SECONDARY, Transmission
from keeper.relay_ports import Hint
from keeper.types import Address, Call, Hash

FEED, OTHER = Address("0x" + "f1" * 20), Address("0x" + "f2" * 20)
NEW_TRANSMISSION = keccak(
    text="NewTransmission(uint32,int192,address,uint32,int192[],bytes,int192,bytes32,uint40)"
)

Logs = tuple[tuple[Address, tuple[str, ...], bytes], ...]


def plain(price: int, feed: Address = FEED) -> Call:
    return Call(feed, TRANSMIT_PLAIN + price.to_bytes(32, signed=True))


def answered(price: int, feed: Address = FEED) -> tuple[Address, tuple[str, ...], bytes]:
    return feed, (ANSWERED, f"0x{price % (1 << 256):064x}", f"0x{7:064x}"), bytes(32)


def told(*calls: Call, logs: Logs = ()) -> Hint:
    return Hint(Hash("0x" + "77" * 32), calls, logs, max(len(calls), 1))


def simple(price: int, feed: Address = FEED) -> Transmission:
    return Transmission(feed, price, 0, 0, secondary=False)


def test_transmissions__calldata__as_of_a_pending_transaction() -> None:
    report = encode(["uint32", "bytes32", "int192[]", "int192"], [1_750_000_000, bytes(32), [8, 9, 11], 0])
    types = ["bytes32[3]", "bytes", "bytes32[]", "bytes32[]", "bytes32"]
    context = [bytes(32), (258).to_bytes(32), bytes(32)]
    inner = TRANSMIT_SECONDARY + encode(types, [context, report, [], [], bytes(32)])
    call = Call(OTHER, FORWARD + encode(["address", "bytes"], [FEED, inner]))
    assert transmissions(told(call)) == [Transmission(FEED, 9, 1_750_000_000, 258, secondary=True)]


def test_transmissions__logs__the_answer_of_either_event() -> None:
    assert transmissions(told(logs=(answered(5),))) == [simple(5)]
    data = encode(["int192", "address", "uint32"], [6, OTHER, 1])
    other = (OTHER, ("0x" + NEW_TRANSMISSION.hex(), f"0x{1:064x}"), data)
    assert transmissions(told(logs=(answered(5), other))) == [simple(5), simple(6, OTHER)]


def test_transmissions__logs_of_the_second_route__are_secondary() -> None:
    logs = ((FEED, (SECONDARY, f"0x{3:064x}"), b""), answered(5))
    assert transmissions(told(logs=logs)) == [simple(5)._replace(secondary=True)]


def test_transmissions__several__the_last_of_each_aggregator() -> None:
    hint = told(plain(5), plain(7, OTHER), plain(6))
    assert transmissions(hint) == [simple(6), simple(7, OTHER)]


def test_transmissions__both_told__calldata_says_more() -> None:
    assert transmissions(told(plain(5), logs=(answered(5), answered(8, OTHER)))) == [
        simple(5),
        simple(8, OTHER),
    ]


def test_transmissions__calldata_and_logs_disagree__contradiction() -> None:
    with pytest.raises(Contradiction):
        transmissions(told(plain(5), logs=(answered(6),)))


@pytest.mark.parametrize("price", [0, -1, -(1 << 255)])
def test_transmissions__blanked_or_negative__no_price(price: int) -> None:
    assert transmissions(told(plain(price), logs=(answered(price),))) == []


@pytest.mark.parametrize(
    "log",
    [
        (FEED, (), b""),
        (FEED, (ANSWERED,), b""),
        (FEED, ("0x" + NEW_TRANSMISSION.hex(),), bytes(31)),
        (FEED, ("0x" + "12" * 32, f"0x{5:064x}"), bytes(64)),
    ],
)
def test_transmissions__other_or_cut_logs__tell_nothing(
    log: tuple[Address, tuple[str, ...], bytes],
) -> None:
    assert transmissions(told(Call(FEED, b"\1\2"), logs=(log,))) == []
