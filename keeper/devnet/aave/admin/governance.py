"""What admins tell a market, in the words of each version of Aave."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from keeper.devnet.aave import v2, v30, v36
from keeper.devnet.aave.admin.kinds import AdminKind
from keeper.devnet.aave.dialect import Version
from keeper.devnet.aave.market import Market, Reserve
from keeper.devnet.aave.specs import Rates, ReserveSpec
from keeper.devnet.feeds import ETHER
from keeper.devnet.ground import Ground
from keeper.devnet.node import Node, Tx
from keeper.types import USD, ZERO_ADDRESS, Address

Sources = Mapping[Address, Address]
"""Price sources by asset."""

Switch = Callable[[Market, Address, bool], Tx]
"""Switches something of a token's reserve on or off."""


def _flag(name: str) -> Switch:
    return lambda market, token, on: market.configurator_tx(name, token, on)


def _pair(on_name: str, off_name: str, *on_args: Any) -> Switch:
    def switch(market: Market, token: Address, on: bool) -> Tx:
        if on:
            return market.configurator_tx(on_name, token, *on_args)
        return market.configurator_tx(off_name, token)

    return switch


_V3_SWITCHES = {
    AdminKind.FREEZE: _flag("setReserveFreeze"),
    AdminKind.ACTIVE: _flag("setReserveActive"),
    AdminKind.BORROWING: _flag("setReserveBorrowing"),
    AdminKind.FLASH_LOANING: _flag("setReserveFlashLoaning"),
    AdminKind.SILOED: _flag("setSiloedBorrowing"),
    AdminKind.ISOLATION: _flag("setBorrowableInIsolation"),
}

_V3_NUMBERS = {
    AdminKind.RESERVE_FACTOR: "setReserveFactor",
    AdminKind.LIQUIDATION_FEE: "setLiquidationProtocolFee",
    AdminKind.SUPPLY_CAP: "setSupplyCap",
    AdminKind.BORROW_CAP: "setBorrowCap",
    AdminKind.DEBT_CEILING: "setDebtCeiling",
}


@dataclass(frozen=True, slots=True)
class Governance:
    """One version. `switches` and `numbers` are settings of a reserve, `premiums` functions that set fees.

    `oracle_code` is the creation code of another oracle with given sources by asset.
    """

    switches: Mapping[AdminKind, Switch]
    numbers: Mapping[AdminKind, str]
    premiums: tuple[str, ...]
    set_rates: Callable[[Node, Market, Address, Rates], Awaitable[Tx]]
    list_reserves: Callable[[Node, Market, Ground, Sequence[ReserveSpec]], Awaitable[list[Reserve]]]
    oracle_code: Callable[[Market, Sources], bytes]
    has_grace: bool = False

    def pause_pool(self, market: Market, paused: bool, grace: int) -> Tx:
        """Pause everything or nothing; `grace` seconds without liquidations follow where that exists."""
        return market.configurator_tx("setPoolPause", paused, *([grace] if self.has_grace else []))

    def pause(self, market: Market, token: Address, paused: bool, grace: int) -> Tx:
        """Pause one reserve, likewise (from v3 on)."""
        graces = [grace] if self.has_grace else []
        return market.configurator_tx("setReservePause", token, paused, *graces)


async def _rates_v2(node: Node, market: Market, token: Address, rates: Rates) -> Tx:
    [strategy] = await node.deploy(market.admin, v2.strategy_code(market, rates))
    return market.configurator_tx("setReserveInterestRateStrategyAddress", token, strategy)


async def _rates_v30(node: Node, market: Market, token: Address, rates: Rates) -> Tx:
    [strategy] = await node.deploy(market.admin, v30.strategy_code(market, rates))
    return market.configurator_tx("setReserveInterestRateStrategyAddress", token, strategy)


async def _rates_v36(_node: Node, market: Market, token: Address, rates: Rates) -> Tx:
    return market.configurator_tx("setReserveInterestRateData", token, v36.rate_data(rates))


def _oracle_v2(market: Market, sources: Sources) -> bytes:
    weth = market.reserve(ETHER).token
    return market.contracts["AaveOracle"].deploy_data(
        list(sources), list(sources.values()), ZERO_ADDRESS, weth
    )


def _oracle_v3(market: Market, sources: Sources) -> bytes:
    return market.contracts["AaveOracle"].deploy_data(
        market.provider, list(sources), list(sources.values()), ZERO_ADDRESS, ZERO_ADDRESS, USD
    )


GOVERNANCE: Mapping[Version, Governance] = {
    Version.V2: Governance(
        switches={
            AdminKind.FREEZE: _pair("freezeReserve", "unfreezeReserve"),
            AdminKind.ACTIVE: _pair("activateReserve", "deactivateReserve"),
            AdminKind.BORROWING: _pair("enableBorrowingOnReserve", "disableBorrowingOnReserve", True),
            AdminKind.STABLE: _pair("enableReserveStableRate", "disableReserveStableRate"),
        },
        numbers={AdminKind.RESERVE_FACTOR: "setReserveFactor"},
        premiums=(),
        set_rates=_rates_v2,
        list_reserves=v2.list_reserves,
        oracle_code=_oracle_v2,
    ),
    Version.V30: Governance(
        switches={**_V3_SWITCHES, AdminKind.STABLE: _flag("setReserveStableRateBorrowing")},
        numbers={**_V3_NUMBERS, AdminKind.UNBACKED_CAP: "setUnbackedMintCap"},
        premiums=("updateFlashloanPremiumTotal", "updateFlashloanPremiumToProtocol"),
        set_rates=_rates_v30,
        list_reserves=v30.list_reserves,
        oracle_code=_oracle_v3,
    ),
    Version.V36: Governance(
        switches={**_V3_SWITCHES, AdminKind.LTV_ZERO: _flag("setReserveLtvzero")},
        numbers=_V3_NUMBERS,
        premiums=("updateFlashloanPremium",),
        set_rates=_rates_v36,
        list_reserves=v36.list_reserves,
        oracle_code=_oracle_v3,
        has_grace=True,
    ),
}
