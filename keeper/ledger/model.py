"""What the ledger holds: one entry a liquidation that was tried, promised against realised."""

from dataclasses import dataclass
from enum import StrEnum

from keeper.types import Address, Hash, Mode


class Outcome(StrEnum):
    """How a liquidation ended, as far as is known now."""

    PAPER = "paper"  # simulated only
    PENDING = "pending"  # on its way
    SUCCESS = "success"  # the protocol itself reported it
    SKIPPED = "skipped"  # the executor undid it and went on
    REVERTED = "reverted"  # its transaction failed
    UNPROVEN = "unproven"  # mined, but no event says that it happened
    LOST = "lost"  # its transaction can no longer be mined
    DROPPED = "dropped"  # given up before anything was sent, or taken
    CANCELLED = "cancelled"  # a no-op took the place of its transaction


@dataclass(frozen=True, slots=True)
class Realised:
    """What the chain says. `repaid`, `profit`, `bid` in debt-token units, `seized` in collateral-token units.

    `profit` is what the bid, which went to the block's builder, left.

    `gas_used` is this liquidation's share of its transaction in units, `gas_price` in wei,
    `_usd` with 8 decimals; `gas_usd` has its share of an L2's data fee in it;
    `net_usd` = profit_usd - gas_usd = bonus_usd + swap_usd - gas_usd - bid_usd.
    """

    tx_hash: Hash
    block: int
    repaid: int
    seized: int
    profit: int
    profit_usd: int
    gas_used: int
    gas_price: int
    gas_usd: int
    net_usd: int
    bid: int = 0
    bonus_usd: int = 0
    bid_usd: int = 0

    @property
    def swap_usd(self) -> int:
        """What the sale and the flash loan brought beside the bonus: negative for what they cost."""
        return self.net_usd + self.gas_usd + self.bid_usd - self.bonus_usd


@dataclass(frozen=True, slots=True)
class Expected:
    """What the plan promised, in the units of Realised. `simulated` is the profit of the last look.

    `bonus_usd` is what the protocol gives at its own prices, `bid_usd` goes to the block's builder.
    `debt_symbol` is empty in entries made before it was kept.
    """

    repay: int
    seize: int
    protocol_fee: int
    simulated: int
    gross_usd: int
    gas: int
    gas_usd: int
    net_usd: int
    bid: int = 0
    bonus_usd: int = 0
    bid_usd: int = 0
    debt_symbol: str = ""

    @property
    def swap_usd(self) -> int:
        """As in Realised."""
        return self.net_usd + self.gas_usd + self.bid_usd - self.bonus_usd


@dataclass(frozen=True, slots=True)
class LedgerEntry:
    """One liquidation of one batch. `batch` and `step` identify it for ever.

    `time` (seconds) and `block` are those of the head that it was decided on.
    """

    batch: str
    step: int
    mode: Mode
    time: int
    block: int
    deployment: str
    account: Address
    debt: Address
    collateral: Address
    expected: Expected
    outcome: Outcome
    realised: Realised | None = None
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Difference:
    """Realised less expected, in the same units."""

    repaid: int
    seized: int
    profit: int
    gas_used: int
    net_usd: int


def difference(entry: LedgerEntry) -> Difference | None:
    """How far reality was from the plan, None while nothing is realised."""
    expected, realised = entry.expected, entry.realised
    if realised is None:
        return None
    return Difference(
        repaid=realised.repaid - expected.repay,
        seized=realised.seized - expected.seize,
        profit=realised.profit - expected.simulated,
        gas_used=realised.gas_used - expected.gas,
        net_usd=realised.net_usd - expected.net_usd,
    )
