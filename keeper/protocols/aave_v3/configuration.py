"""The reserve configuration bitmap of DataTypes.ReserveConfigurationMap."""

from functools import lru_cache
from typing import NamedTuple


class Field(NamedTuple):
    """A run of bits."""

    shift: int
    width: int

    def read(self, bitmap: int) -> int:
        """Value of this field in `bitmap`."""
        return bitmap >> self.shift & (1 << self.width) - 1

    def write(self, bitmap: int, value: int) -> int:
        """`bitmap` with this field set to `value`."""
        mask = (1 << self.width) - 1 << self.shift
        return bitmap & ~mask | value << self.shift & mask


LTV = Field(0, 16)
THRESHOLD = Field(16, 16)
BONUS = Field(32, 16)
DECIMALS = Field(48, 8)
ACTIVE = Field(56, 1)
FROZEN = Field(57, 1)
BORROWING = Field(58, 1)
STABLE_BORROWING = Field(59, 1)
PAUSED = Field(60, 1)
BORROWABLE_IN_ISOLATION = Field(61, 1)
SILOED = Field(62, 1)
FLASH_LOANS = Field(63, 1)
RESERVE_FACTOR = Field(64, 16)
BORROW_CAP = Field(80, 36)
SUPPLY_CAP = Field(116, 36)
PROTOCOL_FEE = Field(152, 16)
EMODE = Field(168, 8)
UNBACKED_MINT_CAP = Field(176, 36)
DEBT_CEILING = Field(212, 40)
VIRTUAL_ACCOUNTING = Field(252, 1)


class Configuration(NamedTuple):
    """The fields that health and liquidations depend on; percentages in bps, `protocol_fee` of the bonus.

    `emode` is the category up to v3.1; later the categories name their members.
    """

    ltv: int
    threshold: int
    bonus: int
    active: bool
    paused: bool
    flash_loans: bool
    protocol_fee: int
    emode: int

    @staticmethod
    @lru_cache(maxsize=1024)
    def of(bitmap: int) -> "Configuration":
        """Parse a bitmap. Frames are built far more often than configurations change, hence the cache."""
        return Configuration(
            ltv=LTV.read(bitmap),
            threshold=THRESHOLD.read(bitmap),
            bonus=BONUS.read(bitmap),
            active=bool(ACTIVE.read(bitmap)),
            paused=bool(PAUSED.read(bitmap)),
            flash_loans=bool(FLASH_LOANS.read(bitmap)),
            protocol_fee=PROTOCOL_FEE.read(bitmap),
            emode=EMODE.read(bitmap),
        )


def initial(decimals: int, *, virtual_accounting: bool) -> int:
    """Bitmap of a reserve just listed: ConfiguratorLogic.executeInitReserve. Virtual since v3.1."""
    bitmap = ACTIVE.write(DECIMALS.write(0, decimals), 1)
    return VIRTUAL_ACCOUNTING.write(bitmap, virtual_accounting)
