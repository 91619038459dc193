"""How the contracts say no: the Failure event or the revert data that stands behind a refusal.

Source: Utils/ErrorReporter.sol of Venus 10.3.0 (the numbers are those of Compound v2 as well), and the
require statements of VToken.sol and the facets.
"""

from typing import NamedTuple

from eth_abi.abi import encode
from eth_utils.crypto import keccak

from keeper.protocols.base import Refusal

_COMPTROLLER_REJECTION = 3
_LIQUIDATE_COMPTROLLER_REJECTION = 18

_COMPTROLLER = {
    "UNAUTHORIZED": 1,
    "INSUFFICIENT_SHORTFALL": 3,
    "MARKET_NOT_LISTED": 9,
    "PRICE_ERROR": 13,
    "TOO_MUCH_REPAY": 17,
}
"""ComptrollerErrorReporter.Error."""

_TOKEN = {
    "INVALID_ACCOUNT_PAIR": (6, 23),
    "INVALID_CLOSE_AMOUNT_REQUESTED": (7, 21),
}
"""TokenErrorReporter.Error and FailureInfo."""


class Failure(NamedTuple):
    """The Failure event of a call that changed nothing."""

    error: int
    info: int
    detail: int


def soft_failure(refusal: Refusal) -> Failure | None:
    """The event of a market called directly, None where it reverts instead."""
    if refusal.code in _COMPTROLLER:
        return Failure(_COMPTROLLER_REJECTION, _LIQUIDATE_COMPTROLLER_REJECTION, _COMPTROLLER[refusal.code])
    if refusal.code in _TOKEN:
        return Failure(*_TOKEN[refusal.code], 0)
    return None


def revert_data(refusal: Refusal) -> bytes:
    """What the call reverts with: the reason as text, which is the refusal's code."""
    return keccak(text="Error(string)")[:4] + encode(["string"], [refusal.code])
