"""How the pool says no: the revert data that stands behind a refusal.

Source: libraries/helpers/Errors.sol. Up to v3.3 errors are numbers as text, since v3.4 they have types.
"""

from eth_abi.abi import encode
from eth_utils.crypto import keccak

from keeper.protocols.aave_v3.model import Rules
from keeper.protocols.base import Refusal

_NUMBERS = {
    "InvalidBurnAmount": "25",
    "ReserveInactive": "27",
    "ReservePaused": "29",
    "HealthFactorNotBelowThreshold": "45",
    "CollateralCannotBeLiquidated": "46",
    "SpecifiedCurrencyNotBorrowedByUser": "47",
    "PriceOracleSentinelCheckFailed": "59",
    "LiquidationGraceSentinelCheckFailed": "97",
    "MustNotLeaveDust": "103",
}

_UNDERFLOW = 0x11


def revert_data(refusal: Refusal, rules: Rules) -> bytes:
    """What the call reverts with; empty where the token of the collateral, not the pool, says no."""
    if refusal.code == "InsufficientLiquidity":
        return (
            _selector("Panic(uint256)") + encode(["uint256"], [_UNDERFLOW]) if rules.virtual_balance else b""
        )
    if rules.typed_errors:
        return _selector(f"{refusal.code}()")
    return _selector("Error(string)") + encode(["string"], [_NUMBERS[refusal.code]])


def _selector(signature: str) -> bytes:
    return keccak(text=signature)[:4]
