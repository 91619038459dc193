"""Numbers that the contracts fix: operations, flags, scales (EVK, shared/Constants.sol)."""

from keeper.types import Address

SHIFT = 31
"""Debt is kept in units of 2^-31 assets."""

OWED_UNIT = 1 << SHIFT
VIRTUAL_DEPOSIT = 10**6
SCALE = 10**4
"""100 % of a LTV, a fee or a discount."""

MAX_AMOUNT = 2**112 - 1
MAX_OWED = MAX_AMOUNT << SHIFT

OP_REDEEM = 1 << 3
OP_TRANSFER = 1 << 4
OP_LIQUIDATE = 1 << 11
ALL_OPERATIONS = (1 << 15) - 1
"""All are hooked, to nobody, in a new vault: it is switched off."""

DONT_SOCIALIZE_DEBT = 1 << 0
MIN_SOCIALIZED_VALUE = 10**6
"""Debt worth less, in the unit of account, is never written off."""

DEFAULT_INTEREST_FEE = 1_000

USD_UNIT = Address(f"0x{840:040x}")
"""The unit of account "US dollar": addresses up to 0xffffffff are ISO 4217 numbers, with 18 decimals."""

RESERVED_RANGE = 0xFFFF_FFFF
