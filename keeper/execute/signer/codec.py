"""EIP-1559 transactions as bytes: type 2 of EIP-2718, fields in the order of EIP-1559, in RLP."""

import rlp
from coincurve import PublicKey
from eth_utils.crypto import keccak

from keeper.execute.signer.model import UnsignedTx
from keeper.types import Address

TYPE = b"\x02"

Signature = bytes
"""r and s, 32 bytes each, and the parity of y."""


def digest(tx: UnsignedTx) -> bytes:
    """What is signed: the Keccak hash of the fields."""
    return bytes(keccak(TYPE + _encode(_fields(tx))))


def assemble(tx: UnsignedTx, signature: Signature) -> bytes:
    """The transaction with its signature, as it is broadcast."""
    r, s, parity = signature[:32], signature[32:64], signature[64:]
    signed = [each.lstrip(b"\0") for each in (parity, r, s)]
    return TYPE + _encode([*_fields(tx), *signed])


def signature_of(tx: UnsignedTx, raw: bytes) -> Signature:
    """The signature in `raw`.

    Raises:
        ValueError: `raw` is not `tx` with a signature.
    """
    try:
        *fields, parity, r, s = rlp.decode(raw[1:])
    except rlp.DecodingError as error:
        raise ValueError(str(error)) from None
    if raw[:1] != TYPE or fields != _fields(tx):
        raise ValueError("these are the bytes of another transaction")
    return bytes(r.rjust(32, b"\0") + s.rjust(32, b"\0") + parity.rjust(1, b"\0"))


def sender_of(tx: UnsignedTx, signature: Signature) -> Address:
    """Whose `signature` of `tx` it is.

    Raises:
        Exception: nobody's; what coincurve raises differs.
    """
    return address_of(PublicKey.from_signature_and_message(signature, digest(tx), hasher=None))


def address_of(key: PublicKey) -> Address:
    """The last 20 bytes of the hash of the point."""
    return Address("0x" + keccak(key.format(compressed=False)[1:])[-20:].hex())


def _fields(tx: UnsignedTx) -> list[bytes | list[bytes]]:
    numbers = (tx.chain_id, tx.nonce, tx.tip, tx.cap, tx.gas)
    to = bytes.fromhex((tx.to or "").removeprefix("0x"))
    nothing: list[bytes] = []
    return [*map(_number, numbers), to, _number(0), tx.data, nothing]


def _number(value: int) -> bytes:
    """Big-endian, without zeros in front."""
    return value.to_bytes((value.bit_length() + 7) // 8, "big")


def _encode(fields: list[bytes | list[bytes]]) -> bytes:
    return bytes(rlp.encode(fields, infer_serializer=False))
