"""A plain JSON-RPC client of an Anvil with auto-impersonation: anyone may send. For the devnet only."""

import asyncio
import itertools
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any, NamedTuple, Self

import aiohttp

from keeper.devnet.contract import Contract
from keeper.devnet.reverts import DevnetError, revert_data, revert_reason
from keeper.errors import Unreachable
from keeper.types import WAD, Address

DEADLINE = 120.0
"""Seconds for one HTTP request; mining thousands of transactions takes a while."""

TX_GAS = 16_000_000
"""Gas limit of every transaction: enough to deploy the largest contract, below the limit of EIP-7825."""

BLOCK_TXS = 200
"""Transactions that one block gets. Anvil takes quadratic time to tell the receipts of a block."""

_TIP = 10**9
_CHUNK = 500


class Tx(NamedTuple):
    """A transaction from any account; `to` None deploys. `value` in wei."""

    sender: Address
    to: Address | None
    data: bytes
    value: int = 0


class Node:
    """One Anvil. Sends are one at a time (a lock); reads run side by side."""

    def __init__(self, url: str) -> None:
        self.url = url
        self._session: aiohttp.ClientSession | None = None
        self._ids = itertools.count(1)
        self._sending = asyncio.Lock()
        self._errors: dict[bytes, dict[str, Any]] = {}

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def close(self) -> None:
        """Close the connection."""
        if self._session is not None:
            await self._session.close()
            self._session = None

    def learn(self, *contracts: Contract) -> None:
        """Remember the custom errors of `contracts`, so that reverts are told by name."""
        for contract in contracts:
            self._errors |= contract.errors()

    async def request(self, method: str, *params: Any) -> Any:
        """The result of one call.

        Raises:
            DevnetError: Anvil answered with an error; revert data is decoded.
            Unreachable: no answer before the deadline.
        """
        return (await self.batch([(method, list(params))]))[0]

    async def batch(self, requests: Sequence[tuple[str, list[Any]]]) -> list[Any]:
        """Results of many calls in the order asked, a few hundred to an HTTP request.

        Raises:
            DevnetError: Anvil answered one of them with an error.
            Unreachable: no answer before the deadline.
        """
        results: list[Any] = []
        for start in range(0, len(requests), _CHUNK):
            results += await self._post(requests[start : start + _CHUNK])
        return results

    async def call(self, to: Address, data: bytes, block: int | str = "latest") -> bytes:
        """What an eth_call returns at `block`; raises DevnetError when it reverts."""
        tag = hex(block) if isinstance(block, int) else block
        result = await self.request("eth_call", {"to": to, "data": "0x" + data.hex()}, tag)
        return bytes.fromhex(result[2:])

    async def call_many(
        self, calls: Sequence[tuple[Address, bytes]], block: int | str = "latest"
    ) -> list[bytes]:
        """What many eth_calls return at `block`; raises DevnetError when one reverts."""
        tag = hex(block) if isinstance(block, int) else block
        requests = [("eth_call", [{"to": to, "data": "0x" + data.hex()}, tag]) for to, data in calls]
        return [bytes.fromhex(result[2:]) for result in await self.batch(requests)]

    async def send(self, tx: Tx) -> dict[str, Any]:
        """Mine `tx` and return its receipt; raises DevnetError with the reason when it reverts."""
        return (await self.send_many([tx]))[0]

    async def send_many(self, txs: Sequence[Tx]) -> list[dict[str, Any]]:
        """Mine `txs` in the order given, BLOCK_TXS to a block; return their receipts.

        Raises:
            DevnetError: one reverted (those in its block are mined all the same) or was refused.
        """
        receipts: list[dict[str, Any]] = []
        async with self._sending, self._own_blocks():
            for start in range(0, len(txs), BLOCK_TXS):
                receipts += await self._mine_together(txs[start : start + BLOCK_TXS])
        return receipts

    async def deploy(self, sender: Address, *codes: bytes) -> list[Address]:
        """Deploy contracts from their creation code in one block; return their addresses in order."""
        receipts = await self.send_many([Tx(sender, None, code) for code in codes])
        return [Address(receipt["contractAddress"].lower()) for receipt in receipts]

    async def fund(self, accounts: Sequence[Address], wei: int = 1000 * WAD) -> None:
        """Set the native balance of `accounts`."""
        await self.batch([("anvil_setBalance", [account, hex(wei)]) for account in accounts])

    async def accounts(self) -> list[Address]:
        """Anvil's own funded accounts."""
        return [Address(account.lower()) for account in await self.request("eth_accounts")]

    async def block_number(self) -> int:
        """Number of the newest block."""
        return int(await self.request("eth_blockNumber"), 16)

    async def timestamp(self) -> int:
        """Seconds, of the newest block."""
        return int((await self.request("eth_getBlockByNumber", "latest", False))["timestamp"], 16)

    async def mine(self, blocks: int = 1, interval: int = 1) -> None:
        """Mine empty blocks, `interval` seconds of chain time apart."""
        await self.request("anvil_mine", hex(blocks), hex(interval))

    async def advance(self, seconds: int) -> None:
        """Let chain time pass and mine one block, so that interest accrues."""
        await self.batch([("evm_increaseTime", [hex(seconds)]), ("evm_mine", [])])

    async def _post(self, requests: Sequence[tuple[str, list[Any]]]) -> list[Any]:
        body = [
            {"jsonrpc": "2.0", "id": next(self._ids), "method": method, "params": params}
            for method, params in requests
        ]
        if self._session is None:
            self._session = aiohttp.ClientSession()
        try:
            async with asyncio.timeout(DEADLINE), self._session.post(self.url, json=body) as response:
                answers = await response.json(content_type=None)
        except (aiohttp.ClientError, TimeoutError, ValueError) as error:
            raise Unreachable(f"Anvil gave no answer to {requests[0][0]}: {error!r}") from error
        by_id = {answer["id"]: answer for answer in answers}
        return [
            self._result(by_id[call["id"]], method) for call, (method, _) in zip(body, requests, strict=True)
        ]

    def _result(self, answer: dict[str, Any], method: str) -> Any:
        if "error" not in answer:
            return answer["result"]
        data = revert_data(answer["error"])
        reason = revert_reason(data, self._errors) if data else answer["error"]["message"]
        raise DevnetError(f"{method}: {reason}", data)

    async def _mine_together(self, txs: Sequence[Tx]) -> list[dict[str, Any]]:
        hashes = await self.batch(await self._send_requests(txs))
        await self.request("evm_mine")
        mined = {
            each["transactionHash"]: each for each in await self.request("eth_getBlockReceipts", "latest")
        }
        for tx, tx_hash in zip(txs, hashes, strict=True):
            if tx_hash not in mined:
                raise DevnetError(f"transaction {tx_hash} to {tx.to} was not mined")
            if mined[tx_hash]["status"] != "0x1":
                raise await self._failure(tx, tx_hash)
        return [mined[tx_hash] for tx_hash in hashes]

    async def _send_requests(self, txs: Sequence[Tx]) -> list[tuple[str, list[Any]]]:
        senders = list(dict.fromkeys(tx.sender for tx in txs))
        asked = [("eth_getTransactionCount", [sender, "pending"]) for sender in senders]
        head, *counts = await self.batch([("eth_getBlockByNumber", ["latest", False]), *asked])
        nonces = {sender: int(count, 16) for sender, count in zip(senders, counts, strict=True)}
        fee_cap = 10 * int(head["baseFeePerGas"], 16) + _TIP
        requests: list[tuple[str, list[Any]]] = []
        for place, tx in enumerate(txs):
            # Anvil takes a batch in any order and mines by fee: one wei less each keeps the order.
            rank = len(txs) - place
            fields = {
                "from": tx.sender,
                "data": "0x" + tx.data.hex(),
                "value": hex(tx.value),
                "nonce": hex(nonces[tx.sender]),
                "gas": hex(TX_GAS),
                "maxFeePerGas": hex(fee_cap + rank),
                "maxPriorityFeePerGas": hex(_TIP + rank),
            }
            requests.append(("eth_sendTransaction", [fields if tx.to is None else fields | {"to": tx.to}]))
            nonces[tx.sender] += 1
        return requests

    @asynccontextmanager
    async def _own_blocks(self) -> AsyncIterator[None]:
        """Stop Anvil's own mining and lift its gas limit; put both back afterwards."""
        info, automine, interval = await self.batch(
            [("anvil_nodeInfo", []), ("anvil_getAutomine", []), ("anvil_getIntervalMining", [])]
        )
        limit = int(info["environment"]["gasLimit"], 16)
        resume = ("evm_setIntervalMining", [interval]) if interval else ("evm_setAutomine", [automine])
        pause = ("evm_setIntervalMining", [0]) if interval else ("evm_setAutomine", [False])
        await self.batch([pause, ("evm_setBlockGasLimit", [hex(limit + TX_GAS * BLOCK_TXS)])])
        try:
            yield
        finally:
            await self.batch([resume, ("evm_setBlockGasLimit", [hex(limit)])])

    async def _failure(self, tx: Tx, tx_hash: str) -> DevnetError:
        trace = await self.request("debug_traceTransaction", tx_hash, {"tracer": "callTracer"})
        data = bytes.fromhex(trace.get("output", "0x")[2:])
        reason = revert_reason(data, self._errors) if data else trace.get("error", "no reason given")
        return DevnetError(f"transaction {tx_hash} to {tx.to} reverted: {reason}", data)
