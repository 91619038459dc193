"""Blocks as builders make them: bundles first, whole or not at all, then the public mempool by fee.

The Anvil underneath must not mine by itself and must mine first come, first served (`order="fifo"`).
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from keeper.devnet.node import Node
from keeper.devnet.raw import RawTx, read
from keeper.devnet.reverts import DevnetError
from keeper.types import Address, Hash

COINBASE = Address("0x" + "b1d" * 13 + "b")
"""Whose blocks they are: what it earns is easy to see."""

_TELLER = Address("0x" + "ca11" * 10)
_TELL_COINBASE = "0x41315f5260205ff3"  # return(balance(coinbase))


@dataclass(frozen=True, slots=True)
class Parcel:
    """Transactions that go in together, in this order. One of `may_revert` may fail."""

    transactions: tuple[RawTx, ...]
    may_revert: frozenset[Hash] = frozenset()


class Trial(NamedTuple):
    """What one transaction did: `tip` and `to_coinbase` (beside it) in wei; `error` empty on success."""

    tx: RawTx
    gas_used: int
    tip: int
    to_coinbase: int
    error: str


class BlockBuilder:
    """Builds the blocks of `node`, `seconds` of chain time apart."""

    def __init__(self, node: Node, seconds: int) -> None:
        self._node = node
        self._seconds = seconds

    async def take_over(self) -> None:
        """From now on blocks are only built here."""
        await self._node.batch([("evm_setAutomine", [False]), ("anvil_setCoinbase", [COINBASE])])

    async def simulate(self, transactions: Sequence[RawTx]) -> list[Trial]:
        """What `transactions` would do as the first of the next block, up to the one that cannot be there."""
        base_fee, number, time = await self._next()
        if not transactions:
            return []
        fault = await self._misplaced(transactions, base_fee)
        told = {"to": _TELLER, "gas": "0x10000"}
        calls: list[Mapping[str, str]] = [told]
        for tx in transactions:
            calls += [tx.call(), told]
        block = {
            "blockOverrides": {
                "number": hex(number),
                "time": hex(time),
                "baseFeePerGas": hex(base_fee),
                "feeRecipient": COINBASE,
            },
            "stateOverrides": {_TELLER: {"code": _TELL_COINBASE}},
            "calls": calls,
        }
        if fault:
            return [Trial(transactions[0], 0, 0, 0, fault)]
        try:
            asked = {"blockStateCalls": [block], "validation": False}
            [answer] = await self._node.request("eth_simulateV1", asked, "latest")
        except DevnetError as error:
            return [Trial(transactions[0], 0, 0, 0, str(error))]
        return _trials(transactions, answer["calls"], base_fee)

    async def build(self, parcels: Iterable[Parcel]) -> list[Parcel]:
        """Mine the next block with the parcels that fit, the ones that pay most first; return those.

        A parcel that fails behind the ones before it stays out as a whole.
        """
        chosen: list[Parcel] = []
        ranked = await self._ranked(parcels)
        while (fitting := await self._fitting(chosen, ranked)) is not None:
            chosen.append(fitting)
            ranked = [parcel for parcel in ranked if parcel is not fitting]
        await self._mine([tx for parcel in chosen for tx in parcel.transactions])
        return chosen

    async def public(self) -> list[dict[str, Any]]:
        """The public mempool, as the node tells it."""
        content = await self._node.request("txpool_content")
        return [
            tx for kind in ("pending", "queued") for those in content[kind].values() for tx in those.values()
        ]

    async def _fitting(self, chosen: Sequence[Parcel], parcels: Iterable[Parcel]) -> Parcel | None:
        """The first of `parcels` that succeeds behind `chosen`."""
        for parcel in parcels:
            together = [tx for each in (*chosen, parcel) for tx in each.transactions]
            if len({tx.hash for tx in together}) < len(together):
                continue
            trials = await self.simulate(together)
            may_revert = frozenset().union(parcel.may_revert, *(each.may_revert for each in chosen))
            if len(trials) == len(together) and _sound(trials, may_revert):
                return parcel
        return None

    async def _ranked(self, parcels: Iterable[Parcel]) -> list[Parcel]:
        worth: list[tuple[int, int, Parcel]] = []
        for place, parcel in enumerate(parcels):
            trials = await self.simulate(parcel.transactions)
            value = sum(trial.tip + trial.to_coinbase for trial in trials)
            worth.append((-value, place, parcel))
        return [parcel for _, _, parcel in sorted(worth, key=lambda each: each[:2])]

    async def _mine(self, first: Sequence[RawTx]) -> None:
        """Empty the mempool and fill it again in the order wanted; the node takes it from the front."""
        base_fee, _, time = await self._next()
        taken = {tx.hash for tx in first}
        nonces = {tx.sender: tx.nonce for tx in first}
        rest = [
            tx
            for tx in await self.public()
            if tx["hash"] not in taken and int(tx["nonce"], 16) > nonces.get(Address(tx["from"].lower()), -1)
        ]
        sends = [await self._again(tx) for tx in _by_fee(rest, base_fee)]
        await self._node.request("anvil_dropAllTransactions")
        for tx in first:
            await self._node.request("eth_sendRawTransaction", "0x" + tx.raw.hex())
        for method, parameters in sends:
            await self._node.request(method, *parameters)
        await self._node.batch([("evm_setNextBlockTimestamp", [hex(time)]), ("evm_mine", [])])

    async def _again(self, tx: Mapping[str, Any]) -> tuple[str, list[Any]]:
        """How to send what waits once more; what Anvil signed for somebody else has no signature to keep."""
        raw = bytes.fromhex((await self._node.request("eth_getRawTransactionByHash", tx["hash"]))[2:])
        if read(raw).sender == tx["from"].lower():
            return "eth_sendRawTransaction", ["0x" + raw.hex()]
        names = ("from", "to", "nonce", "gas", "value", "input", "maxFeePerGas", "maxPriorityFeePerGas")
        return "eth_sendTransaction", [{name: tx[name] for name in names if tx.get(name) is not None}]

    async def _misplaced(self, transactions: Sequence[RawTx], base_fee: int) -> str:
        """Why some transaction cannot be in the next block at all; empty when each can."""
        senders = list(dict.fromkeys(tx.sender for tx in transactions))
        counts = await self._node.batch(
            [("eth_getTransactionCount", [sender, "latest"]) for sender in senders]
        )
        nonces = {sender: int(count, 16) for sender, count in zip(senders, counts, strict=True)}
        for tx in transactions:
            if tx.nonce != nonces[tx.sender]:
                return f"nonce too {'low' if tx.nonce < nonces[tx.sender] else 'high'}"
            if tx.cap < base_fee:
                return "max fee per gas less than block base fee"
            nonces[tx.sender] += 1
        return ""

    async def _next(self) -> tuple[int, int, int]:
        """Base fee, number and time of the next block."""
        history, head = await self._node.batch(
            [("eth_feeHistory", ["0x1", "latest", []]), ("eth_getBlockByNumber", ["latest", False])]
        )
        time = int(head["timestamp"], 16) + self._seconds
        return int(history["baseFeePerGas"][-1], 16), int(head["number"], 16) + 1, time


def _trials(transactions: Sequence[RawTx], calls: Sequence[Mapping[str, Any]], base_fee: int) -> list[Trial]:
    balances = [int(call["returnData"], 16) for call in calls[::2]]
    trials = []
    for place, (tx, call) in enumerate(zip(transactions, calls[1::2], strict=True)):
        gas_used = int(call["gasUsed"], 16)
        tip = gas_used * tx.paid_tip(base_fee)
        earned = balances[place + 1] - balances[place]
        error = "" if call["status"] == "0x1" else str(call.get("error", {}).get("message", "reverted"))
        trials.append(Trial(tx, gas_used, tip, max(earned - tip, 0), error))
    return trials


def _sound(trials: Sequence[Trial], may_revert: frozenset[Hash]) -> bool:
    return all(not trial.error or trial.tx.hash in may_revert for trial in trials)


def _by_fee(waiting: Iterable[Mapping[str, Any]], base_fee: int) -> list[Mapping[str, Any]]:
    """The best paid first; each sender's in the order of their nonces."""
    queues: dict[str, list[Mapping[str, Any]]] = {}
    for tx in sorted(waiting, key=lambda each: int(each["nonce"], 16)):
        queues.setdefault(tx["from"], []).append(tx)
    ordered = []
    while queues:
        sender = max(queues, key=lambda each: _paid(queues[each][0], base_fee))
        ordered.append(queues[sender].pop(0))
        if not queues[sender]:
            del queues[sender]
    return ordered


def _paid(tx: Mapping[str, Any], base_fee: int) -> int:
    if tx.get("maxFeePerGas") is None:
        return int(tx["gasPrice"], 16) - base_fee
    return min(int(tx["maxPriorityFeePerGas"], 16), int(tx["maxFeePerGas"], 16) - base_fee)
