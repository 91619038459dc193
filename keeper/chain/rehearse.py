"""eth_simulateV1: several transactions in a block that is never mined."""

from collections.abc import Mapping, Sequence
from typing import Any

from keeper.chain.decode import answers, octets, ran
from keeper.chain.faults import MethodMissing
from keeper.chain.rpc import Rpc
from keeper.errors import Degraded, Unreachable
from keeper.ports import PendingTransaction, Ran
from keeper.types import Address, BlockRef, Hash

_SIMULATE, _RAW = "eth_simulateV1", "eth_getRawTransactionByHash"


async def rehearse(
    rpc: Rpc,
    transactions: Sequence[PendingTransaction],
    block: BlockRef,
    timestamp: int,
    codes: Mapping[Address, bytes] | None = None,
) -> list[Ran]:
    """See `keeper.ports.AlteredRehearsal`.

    The node validates as a block would (nonces, fees, balances), as far as it does: Anvil does not.
    """
    overrides = {"number": hex(block.number + 1), "time": hex(timestamp)}
    calls = [_call(transaction) for transaction in transactions]
    state: dict[str, Any] = {"blockOverrides": overrides, "calls": calls}
    if codes:
        state["stateOverrides"] = {address: {"code": "0x" + code.hex()} for address, code in codes.items()}
    question = {"blockStateCalls": [state], "validation": True}
    found = await rpc.pinned(block, lambda param: rpc.request(_SIMULATE, (question, param)))
    with answers(rpc.host, _SIMULATE):
        results = [ran(entry) for entry in found[0]["calls"]]
    if len(results) != len(transactions):
        raise Unreachable(f"{rpc.host}: {_SIMULATE}: {len(results)} results of {len(transactions)} calls")
    return results


async def raw_transaction(rpc: Rpc, tx_hash: Hash) -> bytes | None:
    """See `keeper.ports.Rehearsal`."""
    try:
        found = await rpc.request(_RAW, (tx_hash,))
    except (MethodMissing, Degraded):
        return None
    if found in (None, "0x"):
        return None
    with answers(rpc.host, _RAW):
        raw = octets(found)
    return raw if Rpc.hash_of(raw) == tx_hash else None


def _call(transaction: PendingTransaction) -> dict[str, Any]:
    return {
        "from": transaction.sender,
        "to": transaction.call.to,
        "input": "0x" + transaction.call.data.hex(),
        "value": hex(transaction.value),
        "nonce": hex(transaction.nonce),
        "gas": hex(transaction.gas),
        "maxFeePerGas": hex(transaction.cap),
        "maxPriorityFeePerGas": hex(transaction.tip),
    }
