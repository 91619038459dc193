"""Who we are to a relay: the X-Flashbots-Signature header, by a key that never holds money."""

from contextlib import suppress
from typing import NoReturn

from eth_account import Account
from eth_account.messages import encode_defunct
from eth_utils.crypto import keccak

from keeper.errors import ConfigError
from keeper.types import Address

SIGNATURE_HEADER = "X-Flashbots-Signature"


class ReputationKey:
    """Signs requests. The key never leaves the object: not in its repr, not in an error."""

    __slots__ = ("_account", "address")

    def __init__(self, key: str) -> None:
        """Take a private key in hex.

        Raises:
            ConfigError: it is not 32 bytes of hex in the curve's range. The message never shows it.
        """
        account = None
        with suppress(Exception):  # whatever went wrong, its text may quote the key
            account = Account.from_key(bytes.fromhex(key.strip().removeprefix("0x")))
        if account is None:
            raise ConfigError("the relay's key is not 0x and 64 hex digits of a valid key; paste it again")
        self._account = account
        self.address = Address(account.address.lower())

    def header(self, body: bytes) -> str:
        """The header for `body`: address:signature of the body's keccak in hex, signed as text (EIP-191)."""
        digest = "0x" + keccak(body).hex()
        signed = self._account.sign_message(encode_defunct(text=digest))
        return f"{self._account.address}:0x{bytes(signed.signature).hex()}"

    def __repr__(self) -> str:
        return f"<ReputationKey {self.address}>"

    def __reduce__(self) -> NoReturn:
        raise TypeError("a key cannot be copied or stored")


def recovered(header: str, body: bytes) -> Address | None:
    """Who signed `body`, None when `header` is no such signature or claims another address."""
    claimed, _, signature = header.partition(":")
    digest = "0x" + keccak(body).hex()
    try:
        found = Account.recover_message(
            encode_defunct(text=digest), signature=bytes.fromhex(signature.removeprefix("0x"))
        )
    except Exception:  # noqa: BLE001 - of a stranger's bytes any library may complain in its own way
        return None
    return Address(found.lower()) if found.lower() == claimed.lower() else None
