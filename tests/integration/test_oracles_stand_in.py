"""The code that stands in for an aggregator, on a node: new answers, everything else as before."""

from collections.abc import AsyncIterator

import pytest
from eth_abi.abi import decode
from eth_utils.crypto import keccak

from keeper.devnet.anvil import Anvil
from keeper.devnet.feeds import DECIMALS, aggregator_code
from keeper.devnet.node import Node
from keeper.devnet.reverts import DevnetError
from keeper.protocols.oracles.stand_in import stand_ins
from keeper.protocols.oracles.transmit import Transmission
from keeper.types import Address

PRICE = 2_345 * 10**8
BEFORE = 2_500 * 10**8
NOW = 1_800_000_000
ADMIN = Address("0x" + "ad" * 20)


@pytest.fixture
async def node() -> AsyncIterator[Node]:
    async with Anvil.start() as anvil, Node(anvil.http) as node:
        await node.fund([ADMIN])
        yield node


def selector(signature: str) -> bytes:
    return keccak(text=signature)[:4]


async def test_stand_in__asked_anything__the_price_or_what_the_aggregator_says(node: Node) -> None:
    [feed] = await node.deploy(ADMIN, aggregator_code("ETH / USD", DECIMALS, BEFORE))
    original = bytes.fromhex((await node.request("eth_getCode", feed, "latest"))[2:])
    transmission = Transmission(feed, PRICE, 0, 0, secondary=False)
    codes = stand_ins([transmission], {feed: original}, NOW)
    overrides = {address: {"code": "0x" + code.hex()} for address, code in codes.items()}

    async def ask(data: bytes) -> bytes:
        call = {"to": feed, "data": "0x" + data.hex()}
        return bytes.fromhex((await node.request("eth_call", call, "latest", overrides))[2:])

    assert decode(["int256"], await ask(selector("latestAnswer()"))) == (PRICE,)
    words = decode(
        ["uint80", "int256", "uint256", "uint256", "uint80"], await ask(selector("latestRoundData()"))
    )
    assert words == (1, PRICE, NOW, NOW, 1)
    assert decode(["string"], await ask(selector("description()"))) == ("ETH / USD",)
    assert decode(["uint8"], await ask(selector("decimals()"))) == (DECIMALS,)
    assert decode(["uint256"], await ask(selector("latestRound()"))) == (1,)
    for unknown in (b"", b"\1\2", selector("nothing()")):
        with pytest.raises(DevnetError, match="revert"):
            await ask(unknown)
    assert decode(["int256"], await node.call(feed, selector("latestAnswer()"))) == (BEFORE,)
