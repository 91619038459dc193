"""What a node says of a key, all in one exchange."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from keeper.chain.faults import MethodMissing
from keeper.chain.rpc import Rpc
from keeper.ports import KeyState
from keeper.types import Address, Hash
from tests.integration.chain_server import RpcError, Server

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


async def test_key_state__of_transactions_sent__has_the_receipts_of_those_mined(
    server: Server, rpc: Rpc
) -> None:
    mined, failed, waiting = (Hash(f"0x{number:064x}") for number in range(3))
    entry = {
        "transactionHash": mined,
        "blockNumber": "0x9",
        "blockHash": "0x" + "bb" * 32,
        "status": "0x1",
        "gasUsed": "0x5208",
        "effectiveGasPrice": "0x7",
        "logs": [],
    }

    def receipt(params: list[Any]) -> Any:
        if params[0] == failed:
            raise RpcError(-32000, "database error")
        return entry if params[0] == mined else None

    server.answers |= {
        "eth_getTransactionCount": lambda _: "0x5",
        "eth_getBalance": lambda _: "0x64",
        "eth_getBlockByNumber": lambda _: None,
        "eth_maxPriorityFeePerGas": lambda _: "0x1",
        "eth_getTransactionReceipt": receipt,
    }
    before = server.posts
    seen = await rpc.key_state(ADDRESS, [mined, failed, waiting])
    assert {tx_hash: found.gas_used for tx_hash, found in seen.receipts.items()} == {mined: 21_000}
    assert server.posts == before + 1


async def test_key_state__a_nonce_is_not_to_be_had__raises(server: Server, rpc: Rpc) -> None:
    server.answers |= {"eth_getBalance": lambda _: "0x64", "eth_getBlockByNumber": lambda _: None}
    with pytest.raises(MethodMissing, match="eth_getTransactionCount"):
        await rpc.key_state(ADDRESS)
