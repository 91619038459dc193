"""Reverts that blame the size: it no longer suits the account, which nobody else has liquidated.

They say nothing about competition. The words are those that revert data comes down to: the selector of an
error without arguments, or the sentence.
"""

from eth_utils.crypto import keccak

_TYPED = (
    "MustNotLeaveDust()",  # Aave v3.4 and later, v4
    "E_ExcessiveRepayAmount()",  # Euler v2
)

MISJUDGED = frozenset({f"0x{keccak(text=error)[:4].hex()}" for error in _TYPED} | {"103"})
"""103 is what Aave v3.3 says for dust."""
