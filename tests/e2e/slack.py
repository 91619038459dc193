"""What flash swaps leave the executor's owner, told by calldata and events."""

from collections import Counter

from eth_abi.abi import decode
from eth_utils.abi import filter_abi_by_name, get_abi_input_types

from keeper.artifacts import load_artifact
from keeper.chain.rpc import Rpc
from keeper.execute.executor import Executor, Liquidated
from keeper.protocols.base import FlashKind
from keeper.types import Hash, checksum
from tests.e2e.world import World

SOURCE, LEGS = 6, 11
"""Fields of a liquidation in the executor's calldata."""


async def unsold(world: World, hashes: set[str]) -> Counter[str]:
    """What flash swaps in these transactions seized beyond what they sold, by token."""
    artifact, kept = load_artifact("executor"), Counter[str]()
    executor = Executor(world.site.executor, artifact.abi)
    [entry] = filter_abi_by_name("execute", artifact.abi)  # type: ignore[arg-type]
    async with Rpc(world.network.anvil.http) as rpc:
        for tx_hash in hashes:
            sent = await world.network.node.request("eth_getTransactionByHash", tx_hash)
            liquidations, _ = decode(get_abi_input_types(entry), bytes.fromhex(sent["input"][10:]))
            receipt = await rpc.receipt(Hash(tx_hash))
            assert receipt
            for liquidation, event in zip(liquidations, executor.events(receipt.logs), strict=True):
                assert isinstance(event, Liquidated)
                source, legs = liquidation[SOURCE], liquidation[LEGS]
                if source == FlashKind.FLASH_SWAP:
                    [(_, amount, _)] = legs
                    kept[checksum(event.collateral)] += event.seized - amount
                    assert 0 < event.seized - amount <= event.seized // 500_000 + 1
    return kept
