"""The same figures of accounts and reserves of Aave v2 twice: from the contracts, and from the keeper."""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from keeper.devnet.aave.market import Market, Reserve
from keeper.types import Address
from tests.aave_v3_figures import AaveV3Figures
from tests.figures import Named, Question

_BORROWING = int("01" * 128, 2)
_BITS, _EMODE = "configuration bits", "eMode"
_HUNDRED_PERCENT = 10_000


class AaveV2Figures(AaveV3Figures):
    """Implements `tests.figures.Figures`: v3.0's without eModes, with amounts in wei."""

    reserve_data: ClassVar[tuple[str, ...]] = (
        "configuration",
        "liquidityIndex",
        "variableBorrowIndex",
        "currentLiquidityRate",
        "currentVariableBorrowRate",
        "",
        "lastUpdateTimestamp",
        *[""] * 4,
        "id",
    )
    parts: ClassVar[Mapping[str, str]] = {
        "getLendingPool": "pool",
        "getLendingPoolConfigurator": "configurator",
        "getPriceOracle": "oracle",
    }

    def account(self, deployed: Market, user: Address, listed: Sequence[Reserve]) -> list[Question]:
        return [each for each in super().account(deployed, user, listed) if each.names != (_EMODE,)]

    def common(self, deployed: Market) -> dict[str, list[Question]]:
        asked = super().common(deployed)
        return {subject: asked[subject] for subject in ("premium", "provider")}

    def meant(self, actual: Named, derived: Named) -> Named:
        """A liquidation of all that is owed leaves the bit of a debt behind: LendingPoolCollateralManager."""
        return {**actual, _BITS: actual[_BITS] & ~(_BORROWING & ~derived[_BITS])}

    def derived_account(self, market: Any, user: Address, frame: Any) -> Named:
        figures = super().derived_account(market, user, frame)
        return {name: value for name, value in figures.items() if name != _EMODE}

    def derived_common(self, market: Any, subject: str) -> Named:
        if subject == "premium":
            return {subject: _premium(market)}
        return super().derived_common(market, subject)


def _premium(market: Any) -> int:
    [lender] = market.flash_sources()
    fee: int = lender.fee(lender.lender, _HUNDRED_PERCENT)
    return fee
