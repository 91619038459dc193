"""The operator's numbers for the plan stage."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from keeper.plan.model import Loan, Route
from keeper.protocols.base import FlashKind, Settlement


@dataclass(frozen=True, slots=True)
class GasModel:
    """Gas units of a liquidation, besides its swaps whose gas the quoter measures.

    `liquidation`: transaction, flash loan and liquidation call through the executor. `hop`: the
    executor's own work around each swap (pool lookup, balances, callback). Measured on the devnet's
    first market: nine in ten liquidations need less, the rest up to 10 % more (accounts with many legs).
    `bad_debt`: each further debt reserve that the protocol writes off in the call (about 75k where a
    pool writes off every debt of the account at once). `no_loan`: what of `liquidation` is not needed without
    a flash loan, by who pays instead (measured: 56,000 and 30,000 to 47,000).
    """

    liquidation: int = 470_000
    hop: int = 20_000
    bad_debt: int = 75_000
    no_loan: Mapping[FlashKind, int] = field(
        default_factory=lambda: {FlashKind.NONE: 55_000, FlashKind.FLASH_SWAP: 30_000}
    )

    @property
    def least(self) -> int:
        """Gas of the cheapest liquidation before its swaps."""
        return self.liquidation - max(self.no_loan.values(), default=0)

    def swap(self, quoted: int, hops: int) -> int:
        """Gas of selling the collateral over `hops` pools that the quoter measured at `quoted`."""
        return quoted + self.hop * hops

    def total(self, settlement: Settlement, route: Route, loan: Loan | None = None) -> int:
        """Gas of a transaction with this one liquidation in it, which `loan` pays for."""
        written_off = max(len(settlement.bad_debt) - 1, 0)
        spared = self.no_loan.get(loan.kind, 0) if loan else 0
        own = self.liquidation - spared
        return own + self.swap(route.gas, len(route.hops)) + self.bad_debt * written_off


@dataclass(frozen=True, slots=True)
class Strategy:
    """What is worth doing: USD with 8 decimals, gas price in wei.

    Without `flash_loan` the executor's owner pays the debt asset (by allowance) and no premium is due. With
    `two_steps` a burst liquidates an account twice where the close factor makes that pay more.
    """

    min_profit_usd: int
    max_gas_price: int
    flash_loan: bool = True
    two_steps: bool = True
    gas: GasModel = field(default_factory=GasModel)
