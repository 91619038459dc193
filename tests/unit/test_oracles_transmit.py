"""Pending oracle transactions: which aggregator will answer what."""

import pytest
from eth_abi.abi import encode
from eth_utils.crypto import keccak

from keeper.protocols.oracles.transmit import (
    FORWARD,
    TRANSMIT,
    TRANSMIT_OCR1,
    TRANSMIT_PLAIN,
    TRANSMIT_SECONDARY,
    TRANSMIT_SECONDARY_PLAIN,
    Transmission,
    decode,
)
from tests.aave_v3_world import address

FORWARDER, AGGREGATOR, STRANGER = address(0xF0), address(0xA6), address(0x57)
ARGUMENTS = "(bytes32[3],bytes,bytes32[],bytes32[],bytes32)"
OBSERVED, EPOCH_AND_ROUND = 1_750_000_000, 0x1234_56


def transmission(*observations: int, selector: bytes = TRANSMIT) -> bytes:
    report = encode(
        ["uint32", "bytes32", "int192[]", "int192"], [OBSERVED, b"\1" * 32, list(observations), 7]
    )
    context = [b"\2" * 32, EPOCH_AND_ROUND.to_bytes(32, "big"), b"\3" * 32]
    signatures = [[b"\4" * 32] * 3, [b"\5" * 32] * 3, b"\6" * 32]
    types = ["bytes32[3]", "bytes", "bytes32[]", "bytes32[]", "bytes32"]
    return selector + encode(types, [context, report, *signatures])


def forwarded(to: str, data: bytes) -> bytes:
    return FORWARD + encode(["address", "bytes"], [to, data])


@pytest.mark.parametrize(
    ("signature", "selector"),
    [
        ("forward(address,bytes)", FORWARD),
        (f"transmit{ARGUMENTS}", TRANSMIT),
        (f"transmitSecondary{ARGUMENTS}", TRANSMIT_SECONDARY),
        ("transmit(bytes,bytes32[],bytes32[],bytes32)", TRANSMIT_OCR1),
        ("transmit(int256)", TRANSMIT_PLAIN),
        ("transmit_secondary(int256)", TRANSMIT_SECONDARY_PLAIN),
    ],
)
def test_selectors__from_signatures__are_these(signature: str, selector: bytes) -> None:
    assert keccak(text=signature)[:4] == selector


@pytest.mark.parametrize(
    ("observations", "price"), [([5], 5), ([1, 9], 9), ([1, 2, 9], 2), ([-9, -3, -1], -3), ([1, 2, 3, 4], 3)]
)
def test_decode__transmit__takes_the_observation_in_the_middle(observations: list[int], price: int) -> None:
    expected = Transmission(AGGREGATOR, price, OBSERVED, EPOCH_AND_ROUND, secondary=False)
    assert decode(AGGREGATOR, transmission(*observations)) == expected


def test_decode__secondary_transmit_in_a_forwarder__names_the_aggregator_inside() -> None:
    data = forwarded(AGGREGATOR, transmission(1, 2, 3, selector=TRANSMIT_SECONDARY))
    expected = Transmission(AGGREGATOR, 2, OBSERVED, EPOCH_AND_ROUND, secondary=True)
    assert decode(FORWARDER, data) == expected
    assert decode(STRANGER, forwarded(FORWARDER, data)) == expected


def test_decode__transmit_of_the_older_aggregators__takes_the_observation_in_the_middle() -> None:
    context = EPOCH_AND_ROUND.to_bytes(32, "big")
    report = encode(["bytes32", "bytes32", "int192[]"], [context, b"\1" * 32, [-7, 5, 9]])
    types = ["bytes", "bytes32[]", "bytes32[]", "bytes32"]
    data = TRANSMIT_OCR1 + encode(types, [report, [b"\4" * 32], [b"\5" * 32], b"\6" * 32])
    expected = Transmission(AGGREGATOR, 5, 0, EPOCH_AND_ROUND, secondary=False)
    assert decode(AGGREGATOR, data) == expected
    assert decode(FORWARDER, forwarded(AGGREGATOR, data)) == expected
    assert {decode(AGGREGATOR, data[:length]) for length in range(len(data))} <= {None, expected}


@pytest.mark.parametrize(
    ("selector", "secondary"), [(TRANSMIT_PLAIN, False), (TRANSMIT_SECONDARY_PLAIN, True)]
)
def test_decode__settable_feed__says_the_price_itself(selector: bytes, secondary: bool) -> None:
    data = selector + encode(["int256"], [-5])
    assert decode(AGGREGATOR, data) == Transmission(AGGREGATOR, -5, 0, 0, secondary)
    assert decode(AGGREGATOR, data[:-1]) is None


@pytest.mark.parametrize(
    "data",
    [
        b"",
        bytes(4),
        transmission(),
        TRANSMIT,
        FORWARD + bytes(64),
        FORWARD + b"\xff" * 96,
        TRANSMIT + b"\xff" * 640,
        forwarded(AGGREGATOR, b"\1\2\3\4"),
    ],
    ids=range(8),
)
def test_decode__anything_else__is_no_transmission(data: bytes) -> None:
    assert decode(AGGREGATOR, data) is None


def test_decode__every_truncation__neither_fails_nor_invents_a_price() -> None:
    data = forwarded(AGGREGATOR, transmission(1, 2, 3))
    whole = decode(FORWARDER, data)
    assert whole is not None
    assert {decode(FORWARDER, data[:length]) for length in range(len(data))} <= {None, whole}
