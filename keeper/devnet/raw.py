"""Signed bytes read back: who sends what. For the devnet only."""

from typing import Any, NamedTuple

import rlp
from eth_account import Account
from eth_account.typed_transactions.typed_transaction import TypedTransaction
from eth_utils.crypto import keccak
from hexbytes import HexBytes

from keeper.types import Address, Hash

_LEGACY = ("nonce", "gasPrice", "gas", "to", "value", "data")


class RawTx(NamedTuple):
    """A signed transaction. `cap` and `tip` in wei per gas; a legacy one has its price in both."""

    raw: bytes
    hash: Hash
    sender: Address
    nonce: int
    to: Address | None
    value: int
    gas: int
    cap: int
    tip: int
    data: bytes

    def paid_tip(self, base_fee: int) -> int:
        """Wei per gas that the builder gets."""
        return min(self.tip, self.cap - base_fee)

    def call(self) -> dict[str, str]:
        """The transaction as a node takes it unsigned."""
        fields = {
            "from": self.sender,
            "nonce": hex(self.nonce),
            "value": hex(self.value),
            "gas": hex(self.gas),
            "maxFeePerGas": hex(self.cap),
            "maxPriorityFeePerGas": hex(self.tip),
            "input": "0x" + self.data.hex(),
        }
        return fields if self.to is None else fields | {"to": self.to}


def read(raw: bytes) -> RawTx:
    """What `raw` says; its sender is recovered from the signature.

    Raises:
        ValueError: no signed transaction.
    """
    try:
        fields = _fields(raw)
        sender = Account.recover_transaction(raw)
        price = fields.get("gasPrice", 0)
        return RawTx(
            raw,
            Hash("0x" + keccak(raw).hex()),
            Address(sender.lower()),
            fields["nonce"],
            Address("0x" + bytes(fields["to"]).hex()) if fields["to"] else None,
            fields["value"],
            fields["gas"],
            fields.get("maxFeePerGas", price),
            fields.get("maxPriorityFeePerGas", price),
            bytes(fields["data"]),
        )
    except Exception as error:  # noqa: BLE001 - whatever a stranger's bytes make a decoder say
        raise ValueError(f"not a signed transaction: {type(error).__name__}") from None


def _fields(raw: bytes) -> dict[str, Any]:
    if raw[0] <= 0x7F:  # EIP-2718
        return dict(TypedTransaction.from_bytes(HexBytes(raw)).as_dict())
    items = rlp.decode(raw)
    fields: dict[str, Any] = dict(zip(_LEGACY, items, strict=False))
    return fields | {name: int.from_bytes(fields[name]) for name in _LEGACY if name not in {"to", "data"}}
