"""Many calls at one block through the keeper's transport, against AsyncWeb3 calls one after the other."""

from typing import Any

from eth_utils.address import to_checksum_address
from web3 import AsyncHTTPProvider, AsyncWeb3

from benchmarks.measure import Measurement, rate
from keeper.chain.pool import Pool
from keeper.chain.rpc import Rpc
from keeper.devnet.anvil import Anvil
from keeper.devnet.node import Node
from keeper.types import Address, Call

CALLS = 2_000
SEQUENTIAL = 200
ECHO = Address("0x" + "e3" * 20)
ECHO_CODE = "0x60003560005260206000f3"
"""Returns the first word of calldata."""


async def rpc_batched() -> Measurement:
    """eth_calls a second answered by the same local Anvil."""
    async with Anvil.start() as anvil, Node(anvil.http) as node:
        await node.request("anvil_setCode", ECHO, ECHO_CODE)
        async with Pool([Rpc(anvil.http)], anvil.chain_id) as pool:
            calls = [Call(ECHO, number.to_bytes(32, "big")) for number in range(CALLS)]

            async def batched() -> None:
                assert await pool.call_many(calls) == [call.data for call in calls]

            value = await rate(CALLS, batched)
        return Measurement(
            "rpc_batched", value, "calls/s", "sequential AsyncWeb3 eth_call", await _one_by_one(anvil.http)
        )


async def _one_by_one(url: str) -> float:
    provider = AsyncHTTPProvider(url)
    web3: AsyncWeb3[Any] = AsyncWeb3(provider)
    to = to_checksum_address(ECHO)

    async def sequential() -> None:
        for number in range(SEQUENTIAL):
            data = number.to_bytes(32, "big")
            assert await web3.eth.call({"to": to, "data": data}) == data

    try:
        return await rate(SEQUENTIAL, sequential)
    finally:
        await provider.disconnect()
