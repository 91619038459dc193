"""What is signed, what comes back, and who does it."""

from typing import NamedTuple, Protocol

from keeper.types import Address, Hash


class UnsignedTx(NamedTuple):
    """An EIP-1559 transaction without value; `to` None creates a contract.

    `gas` in units, `tip` and `cap` in wei per gas.
    """

    chain_id: int
    nonce: int
    to: Address | None
    data: bytes
    gas: int
    tip: int
    cap: int


class SignedTx(NamedTuple):
    """Bytes ready to broadcast, and the hash the chain will know them by."""

    raw: bytes
    hash: Hash


class Signer(Protocol):
    """Holder of one key."""

    @property
    def address(self) -> Address: ...

    async def sign(self, tx: UnsignedTx) -> SignedTx:
        """Sign `tx`.

        Raises:
            Halt: policy forbids this transaction, or the signature is not this key's.
            Transient: the holder of the key did not answer.
        """
        ...


class HeldSigner(Signer, Protocol):
    """A signer that whoever opened it has to close."""

    async def close(self) -> None: ...
