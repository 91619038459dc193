"""One endpoint as a `Chain`: the Ethereum methods the stages need, decoded."""

from collections.abc import Collection, Sequence
from contextlib import AbstractAsyncContextManager
from functools import cached_property
from statistics import median_low
from typing import Any

from eth_utils.crypto import keccak
from web3.types import RPCEndpoint

from keeper.chain.decode import (
    Header,
    answers,
    block_param,
    block_ref,
    header,
    logs,
    octets,
    quantity,
    receipt,
    timestamps,
)
from keeper.chain.endpoint import MIXED
from keeper.chain.faults import Behind, BlockMissing, MethodMissing, Throttled, TooLarge
from keeper.chain.logs import Found, LogScanner, Progress, check_scope, in_chain_order
from keeper.chain.pinned import PinnedEndpoint
from keeper.chain.ranges import RangeReader
from keeper.chain.send_errors import send_outcome
from keeper.chain.simulate import SimulatingEndpoint
from keeper.errors import CallReverted, Degraded, KeeperError, Transient
from keeper.ports import BlockFees, BlockId, KeyState, LogRanges, LogsIn, Receipt, SendError, SendOutcome
from keeper.types import Address, BlockRef, Call, Hash, Log

_FEE_HISTORY_BLOCKS = 10
_DEFAULT_TIP = 10**9
"""1 gwei: what an Ethereum node suggests when blocks are empty, and the last resort here."""

_REMEMBERED = 256
"""Headers kept: what was read as a head need not be read again to check its logs."""


class Rpc(PinnedEndpoint, SimulatingEndpoint):
    """`keeper.ports.Chain` on a single endpoint. Nothing is retried here; see `Pool`."""

    _height = -1
    """The highest block this endpoint has shown."""

    @cached_property
    def _scanner(self) -> LogScanner:
        return LogScanner(self.logs_at_once)

    @property
    def head_seen(self) -> int:
        """The highest block this endpoint has shown, -1 before any."""
        return self._height

    @cached_property
    def _headers(self) -> dict[int, Header]:
        return {}

    async def chain_id(self) -> int:
        """The chain the endpoint serves."""
        return await self._quantity("eth_chainId")

    async def client_version(self) -> str:
        """What the node calls itself."""
        return str(await self.request("web3_clientVersion"))

    async def syncing(self) -> bool:
        """Whether the node says that it is still catching up."""
        return await self.request("eth_syncing") is not False

    async def block(self, block: BlockId = "latest") -> BlockRef:
        return (await self.header(block)).block

    async def blocks(self, numbers: Sequence[int]) -> list[BlockRef]:
        return [found.block for found in await self.headers(numbers)]

    async def header(self, block: BlockId = "latest") -> Header:
        """As `block`, with the bloom filter."""
        number = block.number if isinstance(block, BlockRef) else block
        found = await self.request("eth_getBlockByNumber", (block_param(number), False))
        return self._same(block, found) if isinstance(block, BlockRef) else self._header(number, found)

    async def headers(self, numbers: Sequence[int]) -> list[Header]:
        """As `blocks`, with the bloom filters."""
        found = await self.batch("eth_getBlockByNumber", [(hex(number), False) for number in numbers])
        return [self._header(number, item) for number, item in zip(numbers, found, strict=True)]

    async def recent_headers(self, numbers: Sequence[int]) -> list[Header]:
        """As `headers`, without asking for those read before; a reorg may have replaced one since."""
        missing = [number for number in numbers if number not in self._headers]
        read = {found.block.number: found for found in await self.headers(missing)} if missing else {}
        return [read.get(number) or self._headers[number] for number in numbers]

    async def logs(
        self, addresses: Collection[Address], first: int, last: int, progress: Progress | None = None
    ) -> list[Log]:
        return await self._scanner.logs(addresses, first, last, progress)

    async def logs_at_once(self, addresses: Sequence[Address], first: int, last: int) -> list[Log]:
        """Logs in one request, unsorted.

        Raises:
            TooLarge: the endpoint wants a smaller range.
            Transient: it has not seen `last` yet (nodes answer that with an empty list), or its
                answer does not fit the question.
        """
        return (await self.found_logs(addresses, first, last)).logs

    async def found_logs(self, addresses: Sequence[Address], first: int, last: int) -> Found:
        """As `logs_at_once`, with the timestamps of the blocks where the node says them."""
        await self._reach(last)
        query = {"address": list(addresses), "fromBlock": hex(first), "toBlock": hex(last)}
        found = await self._logs(query)
        check_scope(found.logs, addresses, first, last)
        return found

    async def logs_in(
        self, block: BlockRef, addresses: Collection[Address], calls: Sequence[Call] = ()
    ) -> LogsIn:
        found, results = await self.found_logs_in(block, sorted(addresses), calls)
        return LogsIn(found.logs, results)

    async def found_logs_in(
        self, block: BlockRef, addresses: Sequence[Address], calls: Sequence[Call] = ()
    ) -> tuple[Found, list[bytes | None] | None]:
        """The logs of `block`, asked for together with its header, see `header`, and as a rule with `calls`.

        Raises:
            TooLarge: the endpoint wants to be asked for less.
            Transient: it has no such block, or its answer does not fit the question.
        """
        new = block.number > self._height
        calls = calls if self.pins_by_hash and self._fits(len(calls) + 2) else ()
        query = {"blockHash": block.hash, "address": list(addresses)}
        questions: list[tuple[str, Sequence[Any]]] = [
            ("eth_getBlockByNumber", (hex(block.number), False)),
            ("eth_getLogs", (query,)),
            *(("eth_call", (_transaction(call, None), block_param(block))) for call in calls),
        ]
        try:
            looked, answer, *results = await self.together(questions)
        except TooLarge:
            if calls:
                self._batch_size = len(calls) + 1  # next time they come later, by themselves
            raise
        for failure in (looked, answer):
            if isinstance(failure, KeeperError):
                raise failure
        head = self._same(block, looked)
        found = self._found(answer)
        if new and not found.logs and head.bloom == 0:
            # The block may have come between the two answers, and no filter would tell.
            found = Found(await self.block_logs(block.hash, addresses), {})
        check_scope(found.logs, addresses, block.number, block.number)
        if any(log.block_hash != block.hash for log in found.logs):
            raise Transient(f"{self.host}: logs of another block than {block.hash}")
        return Found(in_chain_order(found.logs), found.timestamps), self._called(results) if calls else None

    async def block_logs(self, block: Hash, addresses: Sequence[Address] | None = None) -> list[Log]:
        """Logs of one block by its hash, of all contracts if `addresses` is None.

        Raises:
            Transient: the endpoint has no such block.
        """
        chosen = {} if addresses is None else {"address": list(addresses)}
        return (await self._logs({"blockHash": block, **chosen})).logs

    def log_ranges(
        self, addresses: Collection[Address], first: int, last: int
    ) -> AbstractAsyncContextManager[LogRanges]:
        span = self._scanner.span
        return RangeReader(self.found_logs, self.blocks, lambda: span).open(addresses, first, last)

    async def call(self, call: Call, block: BlockId = "latest", sender: Address | None = None) -> bytes:
        transaction = _transaction(call, sender)
        result = await self.pinned(block, lambda param: self.request("eth_call", (transaction, param)))
        with answers(self.host, "eth_call"):
            return octets(result)

    async def call_many(self, calls: Sequence[Call], block: BlockId = "latest") -> list[bytes | None]:
        if len(calls) > 1 and isinstance(block, str) and block != "pending":
            # Between two requests, or two entries of one, a tag may move on to another block.
            block = (await self.block(block)).number
        transactions = [_transaction(call, None) for call in calls]
        results = await self.pinned(
            block,
            lambda param: self.batch("eth_call", [(transaction, param) for transaction in transactions]),
        )
        return self._returned(results)

    async def code(self, address: Address, block: BlockId = "latest") -> bytes:
        result = await self.pinned(block, lambda param: self.request("eth_getCode", (address, param)))
        with answers(self.host, "eth_getCode"):
            return octets(result)

    async def nonce(self, address: Address, block: BlockId = "latest") -> int:
        return await self.pinned(
            block, lambda param: self._quantity("eth_getTransactionCount", address, param)
        )

    async def balance(self, address: Address, block: BlockId = "latest") -> int:
        return await self.pinned(block, lambda param: self._quantity("eth_getBalance", address, param))

    async def key_state(self, address: Address, sent: Sequence[Hash] = ()) -> KeyState:
        """See `keeper.ports.ChainWriter`. Raises as `nonce`; a receipt that fails is not there."""
        nonce, pending, balance, final, tip, *found = await self.together(
            [
                ("eth_getTransactionCount", (address, "latest")),
                ("eth_getTransactionCount", (address, "pending")),
                ("eth_getBalance", (address, "pending")),
                ("eth_getBlockByNumber", ("finalized", False)),
                ("eth_maxPriorityFeePerGas", ()),
                *(("eth_getTransactionReceipt", (tx_hash,)) for tx_hash in sent),
            ]
        )
        for failure in (nonce, pending, balance):
            if isinstance(failure, KeeperError):
                raise failure
        with answers(self.host, MIXED):
            return KeyState(
                quantity(nonce),
                quantity(pending),
                quantity(balance),
                self._finalized(final),
                # Who does not suggest a tip is asked for what shows it.
                await self.priority_fee() if isinstance(tip, KeeperError) else quantity(tip),
                {each.tx_hash: each for each in map(receipt, filter(_is_there, found))},
            )

    async def priority_fee(self) -> int:
        """The node's suggestion; else the median tip of recent blocks; else 1 gwei."""
        try:
            return await self._quantity("eth_maxPriorityFeePerGas")
        except MethodMissing:
            return await self._tip_of_recent_blocks()

    async def block_fees(self, blocks: int, percentile: int) -> list[BlockFees]:
        history = await self.request("eth_feeHistory", (hex(blocks), "latest", [percentile]))
        with answers(self.host, "eth_feeHistory"):
            # The list of base fees has one entry more: the block to come.
            tips = [quantity(block[0]) for block in history.get("reward") or []]
            bases = [quantity(fee) for fee in history["baseFeePerGas"]]
            return [BlockFees(base, tip) for base, tip in zip(bases, tips, strict=False)]

    async def knows(self, tx_hash: Hash) -> bool:
        return await self.request("eth_getTransactionByHash", (tx_hash,)) is not None

    async def estimate_gas(self, call: Call, sender: Address) -> int:
        # Without a block some nodes estimate on top of what waits: our own transactions among it.
        return await self._quantity("eth_estimateGas", _transaction(call, sender), "latest")

    @staticmethod
    def hash_of(raw: bytes) -> Hash:
        """The hash by which the chain knows signed bytes."""
        return Hash("0x" + keccak(raw).hex())

    async def send_raw(self, raw: bytes) -> Hash:
        expected = self.hash_of(raw)

        async def ask() -> Hash:
            answer: Any = await self._provider.make_request(
                RPCEndpoint("eth_sendRawTransaction"), ["0x" + raw.hex()]
            )
            with answers(self.host, "eth_sendRawTransaction"):
                error = answer.get("error")
                said = self._url.scrub(error["message"]) if error else ""
                result = None if error else answer["result"]
            if error:
                raise SendError(send_outcome(said), f"{self.host}: {said}")
            if result != expected:
                raise SendError(SendOutcome.UNKNOWN, f"{self.host}: the hash is not of the bytes sent")
            return expected

        try:
            return await self._observed("eth_sendRawTransaction", 1, ask)
        except Throttled as refusal:
            raise SendError(SendOutcome.RETRYABLE, str(refusal)) from None
        except TooLarge as refusal:
            raise SendError(SendOutcome.FATAL, str(refusal)) from None

    async def receipt(self, tx_hash: Hash) -> Receipt | None:
        found = await self.request("eth_getTransactionReceipt", (tx_hash,))
        with answers(self.host, "eth_getTransactionReceipt"):
            return None if found is None else receipt(found)

    async def height(self) -> int:
        """The number of the newest block."""
        self._height = await self._quantity("eth_blockNumber")
        return self._height

    async def _logs(self, query: dict[str, Any]) -> Found:
        return self._found(await self.request("eth_getLogs", (query,)))

    def _called(self, results: Sequence[Any]) -> list[bytes | None] | None:
        """What calls made along with something else returned; None where one failed."""
        failed = any(isinstance(r, KeeperError) and not isinstance(r, CallReverted) for r in results)
        return None if failed else self._returned(results)

    def _returned(self, results: Sequence[Any]) -> list[bytes | None]:
        with answers(self.host, "eth_call"):
            return [None if isinstance(result, CallReverted) else octets(result) for result in results]

    def _found(self, answer: Any) -> Found:
        with answers(self.host, "eth_getLogs"):
            mined = logs([entry for entry in answer if not entry.get("removed")])
            return Found(mined, timestamps(answer))

    async def _tip_of_recent_blocks(self) -> int:
        try:
            history = await self.request("eth_feeHistory", (hex(_FEE_HISTORY_BLOCKS), "latest", [50]))
        except MethodMissing:
            return _DEFAULT_TIP
        with answers(self.host, "eth_feeHistory"):
            # Empty blocks report 0, which says nothing about what a full one would take.
            tips = [tip for block in history.get("reward") or [] if (tip := quantity(block[0]))]
        return median_low(tips) if tips else _DEFAULT_TIP

    async def _quantity(self, method: str, *params: Any) -> int:
        result = await self.request(method, params)
        with answers(self.host, method):
            return quantity(result)

    def _finalized(self, found: Any) -> int:
        """A young chain has finalized nothing, and nodes have many words for that."""
        if found is None or isinstance(found, Degraded | CallReverted):
            return -1
        if isinstance(found, KeeperError):
            raise found
        return block_ref(found).number

    def _same(self, block: BlockRef, found: Any) -> Header:
        head = self._header(block.number, found) if found is not None else None
        if head is None or head.block.hash != block.hash:
            raise Behind(f"{self.host}: block {block.number} is not {block.hash} here")
        return head

    def _header(self, block: int | str, found: Any) -> Header:
        if found is None:
            missing = Transient if block == "latest" else BlockMissing
            raise missing(f"{self.host}: there is no block {block}")
        with answers(self.host, "eth_getBlockByNumber"):
            read = header(found)
        number = read.block.number
        self._height = max(self._height, number)
        self._headers.pop(number, None)
        self._headers[number] = read
        if len(self._headers) > _REMEMBERED:
            del self._headers[next(iter(self._headers))]
        return read

    async def _reach(self, number: int) -> None:
        if number > self._height and number > await self.height():
            raise Behind(f"{self.host}: at block {self._height}, not yet at {number}")


def _is_there(found: Any) -> bool:
    return found is not None and not isinstance(found, KeeperError)


def _transaction(call: Call, sender: Address | None) -> dict[str, str]:
    # "data" is the name every client knows; "input" came later.
    transaction = {"to": call.to, "data": "0x" + call.data.hex()}
    return transaction if sender is None else {"from": sender, **transaction}
