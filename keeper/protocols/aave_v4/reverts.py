"""How spoke and hub say no: the selector of the error that stands behind a refusal."""

from eth_utils.crypto import keccak

from keeper.protocols.base import Refusal

_ARGUMENTS = {"InsufficientLiquidity": "uint256"}


def selector(refusal: Refusal) -> str:
    """First four bytes of what the call reverts with, 0x-hex."""
    signature = f"{refusal.code}({_ARGUMENTS.get(refusal.code, '')})"
    return "0x" + keccak(text=signature)[:4].hex()
