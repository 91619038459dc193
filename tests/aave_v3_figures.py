"""The same figures of accounts and reserves twice: where the contracts give them, and what the keeper has."""

from collections.abc import Mapping, Sequence
from functools import cache
from typing import ClassVar

from eth_utils.crypto import keccak

from keeper.devnet.aave.dialect import Version
from keeper.devnet.aave.market import Market, Reserve
from keeper.protocols.aave_v3.fold_oracle import derive
from keeper.protocols.aave_v3.market import AaveV3Market
from keeper.protocols.aave_v3.model import AaveFrame
from keeper.protocols.aave_v3.records import Accrual, EModeCategory, StableLoan, deployment, reserve_id
from keeper.protocols.base import Side
from keeper.types import ZERO_ADDRESS, Address
from tests.figures import Named, Question, argument

ACCOUNT_DATA = (
    "totalCollateralBase",
    "totalDebtBase",
    "availableBorrowsBase",
    "currentLiquidationThreshold",
    "ltv",
    "healthFactor",
)
RESERVE_DATA = (
    "configuration",
    "liquidityIndex",
    "currentLiquidityRate",
    "variableBorrowIndex",
    "currentVariableBorrowRate",
    "",  # the rate of new loans at stable rates: no position depends on it
    "lastUpdateTimestamp",
    "id",
)
RESERVE_VIEWS = ("getReserveNormalizedIncome", "getReserveNormalizedVariableDebt")
RESERVE_VIEWS_V36 = ("getReserveDeficit", "getVirtualUnderlyingBalance", "getLiquidationGracePeriod")
LOAN_VIEWS = {
    "principal": "principalBalanceOf",
    "rate": "getUserStableRate",
    "updated": "getUserLastUpdated",
    "balance": "balanceOf",
}
EMODE_V30 = ("", "ltv", "threshold", "bonus", "price_source")
EMODE_V36 = {
    "getEModeCategoryCollateralConfig": ("ltv", "threshold", "bonus"),
    "getEModeCategoryCollateralBitmap": ("collateral",),
    "getEModeCategoryBorrowableBitmap": ("borrowable",),
    "getEModeCategoryLtvzeroBitmap": ("ltvzero",),
}
PARTS = {
    "getPool": "pool",
    "getPoolConfigurator": "configurator",
    "getPriceOracle": "oracle",
    "getPriceOracleSentinel": "sentinel",
}
_EMODES = range(1, 9)


class AaveV3Figures:
    """Implements `tests.figures.Figures` for the releases that the devnet has."""

    reserve_data: ClassVar[tuple[str, ...]] = RESERVE_DATA
    parts: ClassVar[Mapping[str, str]] = PARTS

    def __init__(self, version: Version) -> None:
        self._v30 = version is Version.V30
        self.stable = version in {Version.V2, Version.V30}
        """Whether debts have stable rates, and the pool does not count what it can pay out."""

    def tokens(self, reserve: Reserve) -> list[Address]:
        tokens = (reserve.a_token, reserve.v_token, reserve.s_token)
        return [token for token in tokens if token != ZERO_ADDRESS]

    def health(self, deployed: Market, user: Address) -> list[Question]:
        return [_about(deployed.pool, "getUserAccountData(address)", user, *ACCOUNT_DATA)]

    def account(self, deployed: Market, user: Address, listed: Sequence[Reserve]) -> list[Question]:
        questions = self.health(deployed, user)
        questions += [
            _about(deployed.pool, "getUserConfiguration(address)", user, "configuration bits"),
            _about(deployed.pool, "getUserEMode(address)", user, "eMode"),
        ]
        for reserve in listed:
            scaled = "scaledBalanceOf(address)"
            questions += [
                _about(reserve.a_token, scaled, user, f"scaled {reserve.symbol} supply"),
                _about(reserve.v_token, scaled, user, f"scaled {reserve.symbol} debt"),
            ]
            if self.stable:
                questions += [
                    _about(reserve.s_token, f"{view}(address)", user, f"stable {reserve.symbol} {name}")
                    for name, view in LOAN_VIEWS.items()
                ]
        return questions

    def reserve(self, deployed: Market, reserve: Reserve) -> list[Question]:
        pool, token = deployed.pool, reserve.token
        views = RESERVE_VIEWS if self.stable else (*RESERVE_VIEWS, *RESERVE_VIEWS_V36)
        questions = [
            _about(pool, "getReserveData(address)", token, *self.reserve_data),
            *(_about(pool, f"{view}(address)", token, view) for view in views),
            _about(deployed.oracle, "getAssetPrice(address)", token, "price"),
            _about(deployed.oracle, "getAssetPrice(address)", token, "price derived from logs"),
            Question(reserve.v_token, _selector("scaledTotalSupply()"), ("total debt",)),
        ]
        if self.stable:
            questions.append(_about(token, "balanceOf(address)", reserve.a_token, "liquidity"))
        return questions

    def common(self, deployed: Market) -> dict[str, list[Question]]:
        pool = deployed.pool
        modes = {
            f"eMode {category}": [
                Question(pool, _selector(f"{view}(uint8)") + category.to_bytes(32), names)
                for view, names in self._emode_views().items()
            ]
            for category in _EMODES
        }
        contracts = [Question(deployed.provider, _selector(f"{view}()"), (view,)) for view in self.parts]
        premium = Question(pool, _selector("FLASHLOAN_PREMIUM_TOTAL()"), ("premium",))
        return {"premium": [premium], "provider": contracts, **modes}

    def meant(self, actual: Named, derived: Named) -> Named:
        """All that the contracts say has an effect."""
        return actual

    def _emode_views(self) -> dict[str, tuple[str, ...]]:
        return {"getEModeCategoryData": EMODE_V30} if self._v30 else EMODE_V36

    def derived_health(self, market: AaveV3Market, user: Address, frame: AaveFrame) -> Named:
        """What the keeper says getUserAccountData is."""
        health = market.health(user, frame)
        details = health.details
        values = (
            health.collateral,
            health.debt,
            details["available_borrows"],
            details["liquidation_threshold"],
            details["ltv"],
            health.health_factor,
        )
        return dict(zip(ACCOUNT_DATA, values, strict=True))

    def derived_account(self, market: AaveV3Market, user: Address, frame: AaveFrame) -> Named:
        """Health, scaled balances, loans at stable rates, eMode and configuration bits."""
        book, bits = market.book, 0
        figures = {**self.derived_health(market, user, frame), "eMode": book.group(user)}
        loans = {loan.reserve: loan for loan in book.get(("loans", user), ())}
        balances = market.stable_debt(user, frame)
        for info in market.assets():
            supply = book.quantity(user, info.asset, Side.COLLATERAL)
            debt = book.quantity(user, info.asset, Side.DEBT)
            figures |= {f"scaled {info.symbol} supply": supply, f"scaled {info.symbol} debt": debt}
            if self.stable:
                loan = loans.get(info.asset, StableLoan(info.asset, 0, 0, 0))
                owed = {**loan._asdict(), "balance": balances.get(info.asset, 0)}
                figures |= {f"stable {info.symbol} {name}": owed[name] for name in LOAN_VIEWS}
            # The pool keeps two bits a reserve: borrowed, and used as collateral.
            borrowed = debt > 0 or info.asset in loans
            bits |= (borrowed | book.enabled(user, info.asset) << 1) << 2 * info.asset
        return figures | {"configuration bits": bits}

    def derived_reserve(self, market: AaveV3Market, asset: Address, frame: AaveFrame) -> Named:
        """What the book and a frame have of a reserve, under the names that the contracts' views have."""
        book, number = market.book, reserve_id(market.book, asset)
        if number is None:
            return {}
        reserve, accrual = frame.reserves[number], book.get(("accrual", number))
        assert reserve is not None
        assert isinstance(accrual, Accrual)
        figures = {
            "configuration": book.get(("configuration", number)),
            "liquidityIndex": accrual.liquidity_index,
            "currentLiquidityRate": accrual.liquidity_rate,
            "variableBorrowIndex": accrual.borrow_index,
            "currentVariableBorrowRate": accrual.borrow_rate,
            "lastUpdateTimestamp": accrual.updated,
            "id": reserve.reserve.id,
            "getReserveNormalizedIncome": reserve.income,
            "getReserveNormalizedVariableDebt": reserve.debt_index,
            "price": reserve.price,
            "price derived from logs": derive(book, asset, frame.timestamp),
            "total debt": book.get(("scaled_debt", number)),
        }
        if self.stable:
            return figures | {"liquidity": book.get(("liquidity", number))}
        return figures | {
            "getReserveDeficit": market.bad_debt().get(asset, 0),
            "getVirtualUnderlyingBalance": book.get(("liquidity", number)),
            "getLiquidationGracePeriod": reserve.grace_until,
        }

    def derived_common(self, market: AaveV3Market, subject: str) -> Named:
        """The flash loan premium, the contracts that the provider names, or an eMode."""
        if subject == "premium":
            return {"premium": market.book.get(("premium",))}
        if subject == "provider":
            contracts = deployment(market.book)._asdict()
            return {view: int(contracts[part], 16) for view, part in self.parts.items()}
        known = market.book.get(("emode", int(subject.removeprefix("eMode "))), EModeCategory())
        values = known._asdict() | {"price_source": int(known.price_source, 16)}
        return {name: values[name] for names in self._emode_views().values() for name in names if name}


def _about(to: Address, signature: str, subject: Address, *names: str) -> Question:
    return Question(to, _selector(signature) + argument(subject), names)


@cache
def _selector(signature: str) -> bytes:
    return keccak(text=signature)[:4]
