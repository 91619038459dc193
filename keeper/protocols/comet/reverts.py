"""How a comet says no: the revert data that stands behind a refusal (CometMainInterface.sol:12-35)."""

from eth_utils.crypto import keccak

from keeper.protocols.base import Refusal


def revert_data(refusal: Refusal) -> bytes:
    """Selector of the error without arguments that a refusal is named after."""
    return keccak(text=f"{refusal.code}()")[:4]
