"""Calldata as eth_abi encodes it."""

from random import Random
from typing import Any

import pytest
from eth_abi.abi import encode as reference

from keeper.execute.abi import encode

LEG = "(address,uint256,(address,uint24)[3])"
ADDRESS = "0x" + "ab" * 20


def leg(random: Random) -> tuple[Any, ...]:
    hops = tuple((ADDRESS, random.randrange(2**24)) for _ in range(3))
    return (ADDRESS, random.randrange(2**256), hops)


@pytest.mark.parametrize("seed", range(20))
def test_encode__structs_arrays_and_bytes_in_each_other__as_eth_abi(seed: int) -> None:
    random = Random(seed)
    plans = [
        (
            random.randrange(2**256),
            ADDRESS,
            random.randbytes(seed * 7 % 70),
            [leg(random)] * random.randrange(3),
        )
        for _ in range(random.randrange(4))
    ]
    tail = random.randbytes(random.randrange(65))
    assert encode(plans, tail) == reference([f"(uint256,address,bytes,{LEG}[])[]", "bytes"], [plans, tail])


@pytest.mark.parametrize("number", [-1, 2**256])
def test_encode__number_without_a_word__overflows(number: int) -> None:
    with pytest.raises(OverflowError):
        encode(number)
