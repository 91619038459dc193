"""Keys held by this process. The key never leaves the object: not in its repr, not in an error."""

import json
from contextlib import suppress
from typing import NoReturn, Protocol

from coincurve import PrivateKey
from eth_account import Account
from eth_utils.crypto import keccak

from keeper.errors import ConfigError
from keeper.execute.signer.codec import address_of, assemble, digest
from keeper.execute.signer.model import SignedTx, UnsignedTx
from keeper.types import Hash

KEY_LENGTH = 32


class Secret(Protocol):
    """A string that hides itself, as pydantic's SecretStr."""

    def get_secret_value(self) -> str: ...


class LocalSigner:
    """Signs with a key in memory. Wrap it in a GuardedSigner: it signs whatever it is given."""

    __slots__ = ("_key", "address")

    def __init__(self, key: bytes) -> None:
        self._key = PrivateKey(key)
        self.address = address_of(self._key.public_key)

    @classmethod
    def from_key(cls, secret: Secret) -> "LocalSigner":
        """Take a private key in hex.

        Raises:
            ConfigError: it is not 32 bytes of hex in the curve's range. The message never shows it.
        """
        with suppress(Exception):  # whatever went wrong, its text may quote the key
            key = bytes.fromhex(secret.get_secret_value().strip().removeprefix("0x"))
            if len(key) == KEY_LENGTH:
                return cls(key)
        raise ConfigError("the private key is not 0x and 64 hex digits of a valid key; paste it again")

    @classmethod
    def from_keystore(cls, document: str, password: Secret) -> "LocalSigner":
        """Decrypt a keystore file (Web3 Secret Storage, version 3).

        Raises:
            ConfigError: not a keystore, or the password is wrong. The message shows neither.
        """
        with suppress(Exception):  # whatever went wrong, its text may quote the secrets
            return cls(bytes(Account.decrypt(json.loads(document), password.get_secret_value())))
        raise ConfigError(
            "the keystore cannot be opened; check that it is a version 3 keystore and its password"
        )

    async def sign(self, tx: UnsignedTx) -> SignedTx:
        """Sign `tx` with deterministic ECDSA: the same transaction always gives the same bytes."""
        raw = assemble(tx, self._key.sign_recoverable(digest(tx), hasher=None))
        return SignedTx(raw, Hash("0x" + keccak(raw).hex()))

    async def close(self) -> None:
        """Nothing to close."""

    def __repr__(self) -> str:
        return f"<LocalSigner {self.address}>"

    def __reduce__(self) -> NoReturn:
        raise TypeError("a signer cannot be copied or stored")
