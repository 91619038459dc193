"""Everything that those who run a market do to it, and which version of Aave has what."""

from enum import StrEnum

from keeper.devnet.aave.dialect import Version


class AdminKind(StrEnum):
    """What admins, guardians, feed operators and sequencers do."""

    PAUSE_POOL = "pause pool"
    PAUSE = "pause reserve"
    END_GRACE = "end grace period"
    FREEZE = "freeze"
    ACTIVE = "active"
    COLLATERAL = "collateral limits"
    LTV_ZERO = "LTV zero"
    BORROWING = "borrowing"
    STABLE = "stable borrowing"
    FLASH_LOANING = "flash loaning"
    SILOED = "siloed"
    ISOLATION = "borrowable in isolation"
    RESERVE_FACTOR = "reserve factor"
    LIQUIDATION_FEE = "liquidation protocol fee"
    SUPPLY_CAP = "supply cap"
    BORROW_CAP = "borrow cap"
    UNBACKED_CAP = "unbacked mint cap"
    DEBT_CEILING = "debt ceiling"
    FLASH_PREMIUM = "flash loan premium"
    BRIDGE_FEE = "bridge fee"
    EMODE_LIMITS = "eMode limits"
    EMODE_NEW = "new eMode"
    EMODE_SOURCE = "eMode price source"
    EMODE_MEMBER = "eMode member"
    EMODE_LTV_ZERO = "eMode LTV zero"
    RATES = "interest rates"
    MARKET_RATE = "market's stable rate"
    LIST = "new reserve"
    DROP = "drop reserve"
    LIST_AGAIN = "dropped reserve again"
    SOURCE = "new price source"
    AGGREGATOR = "new aggregator"
    FIXED_SOURCE = "fixed price source"
    ORACLE = "new oracle"
    SEQUENCER = "sequencer"
    BAD_DEBT = "bad debt"
    COVER_DEFICIT = "cover deficit"


_V3 = {
    AdminKind.PAUSE,
    AdminKind.FLASH_LOANING,
    AdminKind.SILOED,
    AdminKind.ISOLATION,
    AdminKind.LIQUIDATION_FEE,
    AdminKind.SUPPLY_CAP,
    AdminKind.BORROW_CAP,
    AdminKind.DEBT_CEILING,
    AdminKind.FLASH_PREMIUM,
    AdminKind.EMODE_LIMITS,
    AdminKind.EMODE_NEW,
    AdminKind.EMODE_MEMBER,
    AdminKind.DROP,
    AdminKind.LIST_AGAIN,
    AdminKind.SEQUENCER,
}
_V30_ONLY = {AdminKind.UNBACKED_CAP, AdminKind.BRIDGE_FEE, AdminKind.EMODE_SOURCE}
_V36_ONLY = {
    AdminKind.END_GRACE,
    AdminKind.LTV_ZERO,
    AdminKind.EMODE_LTV_ZERO,
    AdminKind.COVER_DEFICIT,
}

_ABSENT = {
    Version.V2: _V3 | _V30_ONLY | _V36_ONLY,
    Version.V30: _V36_ONLY | {AdminKind.MARKET_RATE},
    Version.V36: _V30_ONLY | {AdminKind.STABLE, AdminKind.MARKET_RATE},
}

ADMIN_KINDS = {
    version: tuple(kind for kind in AdminKind if kind not in absent) for version, absent in _ABSENT.items()
}
