"""What a node says of a key, all in one exchange."""

from collections.abc import AsyncIterator

import pytest

from keeper.chain.faults import MethodMissing
from keeper.chain.rpc import Rpc
from keeper.ports import KeyState
from keeper.types import Address
from tests.integration.chain_server import Server

ADDRESS = Address("0x" + "ab" * 20)


@pytest.fixture
async def rpc(server: Server) -> AsyncIterator[Rpc]:
    async with Rpc(server.http, deadline=0.3) as rpc:
        yield rpc


async def test_key_state__no_finalized_block_and_no_tip__the_rest_counts(server: Server, rpc: Rpc) -> None:
    server.answers |= {
        "eth_getTransactionCount": lambda params: {"latest": "0x5", "pending": "0x7"}[params[1]],
        "eth_getBalance": lambda _: "0x64",
        "eth_getBlockByNumber": lambda _: None,
    }
    assert await rpc.key_state(ADDRESS) == KeyState(5, 7, 100, final=-1, tip=10**9)


async def test_key_state__a_nonce_is_not_to_be_had__raises(server: Server, rpc: Rpc) -> None:
    server.answers |= {"eth_getBalance": lambda _: "0x64", "eth_getBlockByNumber": lambda _: None}
    with pytest.raises(MethodMissing, match="eth_getTransactionCount"):
        await rpc.key_state(ADDRESS)
