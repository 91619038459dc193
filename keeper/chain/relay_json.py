"""What relays are asked, in the JSON that Flashbots documents (docs.flashbots.net) and others follow."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple
from uuid import UUID

from eth_utils.crypto import keccak

from keeper.config.relay import RelayMethod
from keeper.errors import Degraded, Unreachable
from keeper.relay_ports import Bundle, BundleSimulation, BundleStep
from keeper.types import Hash


class Request(NamedTuple):
    """One JSON-RPC request: its method and its parameters."""

    method: str
    params: list[Any]


def transaction_requests(
    method: RelayMethod,
    raw: bytes,
    *,
    head: int,
    until: int,
    ahead: Sequence[bytes] = (),
    builders: Sequence[str] = (),
) -> list[Request]:
    """How `method` offers signed bytes for the blocks after `head` up to `until`.

    Bundles carry `ahead` in front: a builder looks at each bundle on its own, where a nonce that is not
    the next one fails.
    """
    match method:
        case RelayMethod.RAW:
            return [Request("eth_sendRawTransaction", [_hex(raw)])]
        case RelayMethod.PRIVATE_RAW:
            return [Request("eth_sendPrivateRawTransaction", [_hex(raw)])]
        case RelayMethod.PRIVATE:
            asked: dict[str, Any] = {"tx": _hex(raw), "maxBlockNumber": hex(until)}
            if builders:
                asked["preferences"] = {"privacy": {"builders": list(builders)}}
            return [Request("eth_sendPrivateTransaction", [asked])]
    return bundle_requests(method, Bundle((*ahead, raw), head + 1, until), builders=builders)


def bundle_requests(method: RelayMethod, bundle: Bundle, *, builders: Sequence[str] = ()) -> list[Request]:
    """How `method` offers a bundle: eth_sendBundle names one block, so it takes one request a block.

    Raises:
        Degraded: the method takes no bundles, or none with a transaction known by its hash only.
    """
    if not method.forgets:
        raise Degraded("a private RPC takes no bundles; set relay.method to bundle or mev-bundle")
    if method is RelayMethod.MEV_BUNDLE:
        return [Request("mev_sendBundle", [_mev_bundle(bundle, builders)])]
    fields: dict[str, Any] = {"txs": _raws(bundle)}
    if bundle.may_revert:
        fields["revertingTxHashes"] = sorted(bundle.may_revert)
    if builders:
        fields["builders"] = list(builders)
    blocks = range(bundle.block, bundle.last + 1)
    return [Request("eth_sendBundle", [fields | _target(bundle, block)]) for block in blocks]


def simulation_request(bundle: Bundle) -> Request:
    """How a bundle is tried (eth_callBundle).

    Raises:
        Degraded: a transaction is known by its hash only.
    """
    asked = {"txs": _raws(bundle), "blockNumber": hex(bundle.block), "stateBlockNumber": "latest"}
    return Request("eth_callBundle", [asked])


def simulation(answer: Any) -> BundleSimulation:
    """What an answer to eth_callBundle says.

    Raises:
        Unreachable: it is not the documented answer.
    """
    try:
        steps = tuple(
            BundleStep(Hash(each["txHash"]), int(each.get("gasUsed") or 0), _error(each))
            for each in answer["results"]
        )
        return BundleSimulation(
            _number(answer["stateBlockNumber"]),
            _number(answer["totalGasUsed"]),
            _number(answer["ethSentToCoinbase"]),
            steps,
        )
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise Unreachable(f"not the documented answer to eth_callBundle ({type(error).__name__})") from None


def bundle_hash(bundle: Bundle) -> Hash:
    """keccak256 of the transactions' hashes, one after the other: what relays call a bundle."""
    return Hash("0x" + keccak(b"".join(map(_hash, bundle.transactions))).hex())


def replacement_uuid(raw: bytes, block: int) -> str:
    """The name of the bundle that ends with `raw` in `block`, by which builders replace and cancel it.

    The same again when it is offered again, and by nobody to be guessed who has not seen `raw`: some builders
    cancel for whoever knows it.
    """
    return str(UUID(bytes=keccak(raw + block.to_bytes(8))[:16], version=4))


def _target(bundle: Bundle, block: int) -> dict[str, str]:
    """What a bundle says of one of its blocks."""
    last = bundle.transactions[-1]
    named = {"replacementUuid": replacement_uuid(last, block)} if isinstance(last, bytes) else {}
    return {"blockNumber": hex(block)} | named


def _mev_bundle(bundle: Bundle, builders: Sequence[str]) -> dict[str, Any]:
    asked: dict[str, Any] = {
        "version": "v0.1",
        "inclusion": {"block": hex(bundle.block), "maxBlock": hex(bundle.last)},
        "body": [
            {"hash": each}
            if isinstance(each, str)
            else {"tx": _hex(each), "canRevert": _name(each) in bundle.may_revert}
            for each in bundle.transactions
        ],
    }
    return asked | {"privacy": {"builders": list(builders)}} if builders else asked


def _raws(bundle: Bundle) -> list[str]:
    raws = [_hex(each) for each in bundle.transactions if isinstance(each, bytes)]
    if len(raws) < len(bundle.transactions):
        raise Degraded("only mev_sendBundle takes a transaction by its hash; set relay.method to mev-bundle")
    return raws


def _error(result: Mapping[str, Any]) -> str:
    """`error` is the client's word, `revert` the contract's."""
    said = [str(result[name]) for name in ("error", "revert") if result.get(name)]
    return ": ".join(said)


def _hash(transaction: bytes | Hash) -> bytes:
    return keccak(transaction) if isinstance(transaction, bytes) else bytes.fromhex(transaction[2:])


def _name(raw: bytes) -> str:
    return "0x" + keccak(raw).hex()


def _number(value: Any) -> int:
    return int(value, 0) if isinstance(value, str) else int(value)


def _hex(raw: bytes) -> str:
    return "0x" + raw.hex()
