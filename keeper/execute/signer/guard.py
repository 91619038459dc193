"""The signing boundary: what a key may sign at all, checked before and after it signs."""

from collections.abc import Mapping
from typing import NamedTuple

from eth_utils.crypto import keccak

from keeper.errors import Halt
from keeper.execute.signer.codec import sender_of, signature_of
from keeper.execute.signer.model import SignedTx, Signer, UnsignedTx
from keeper.types import Address


class Policy(NamedTuple):
    """What may be signed: `targets` maps a contract to its allowed selectors.

    `max_fee` and `max_cancel_fee` (of empty calls to ourselves; None: the same) in wei per gas.
    """

    chain_id: int
    targets: Mapping[Address, frozenset[bytes]]
    max_fee: int
    max_cancel_fee: int | None = None


class GuardedSigner:
    """A signer that refuses what `policy` does not allow and hands out no signature it has not verified.

    An empty call to the key's own address is always allowed: it frees a nonce and can do nothing else.
    """

    def __init__(self, signer: Signer, policy: Policy) -> None:
        self._signer = signer
        self._policy = policy

    @property
    def address(self) -> Address:
        return self._signer.address

    async def sign(self, tx: UnsignedTx) -> SignedTx:
        """Sign `tx`.

        Raises:
            Halt: policy forbids it, or what came back is not this key's signature of it.
            Transient: the holder of the key did not answer.
        """
        objection = self._objection(tx)
        if objection:
            raise Halt(f"the signing policy forbids transaction {tx.nonce}: {objection}")
        signed = await self._signer.sign(tx)
        if not self._genuine(tx, signed):
            raise Halt(
                f"the signer returned something else than transaction {tx.nonce} signed by {self.address}"
            )
        return signed

    def _objection(self, tx: UnsignedTx) -> str | None:
        policy = self._policy
        allowed = policy.targets.get(tx.to) if tx.to else None
        frees_nonce = tx.to == self.address and not tx.data
        cancel_fee = policy.max_fee if policy.max_cancel_fee is None else policy.max_cancel_fee
        highest = cancel_fee if frees_nonce else policy.max_fee
        checks = (
            (tx.chain_id == policy.chain_id, f"chain {tx.chain_id} instead of {policy.chain_id}"),
            (tx.cap <= highest, f"fee cap {tx.cap} above the maximum {highest} wei"),
            (tx.tip <= tx.cap, f"tip {tx.tip} above the fee cap {tx.cap}"),
            (frees_nonce or allowed is not None, f"{tx.to} is not an allowed contract"),
            (frees_nonce or tx.data[:4] in (allowed or ()), f"selector 0x{tx.data[:4].hex()} is not allowed"),
        )
        return next((objection for holds, objection in checks if not holds), None)

    def _genuine(self, tx: UnsignedTx, signed: SignedTx) -> bool:
        if "0x" + keccak(signed.raw).hex() != signed.hash:
            return False
        try:
            return sender_of(tx, signature_of(tx, signed.raw)) == self.address
        except Exception:  # noqa: BLE001 - bytes that cannot be read are not our transaction
            return False
