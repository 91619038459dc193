"""Every event of every contract of a deployment: who handles it, or why nobody needs to.

This table is the dispatch of `fold` and the event coverage in one.
"""

from keeper.protocols.aave_v4 import fold_hub, fold_spoke, fold_users
from keeper.protocols.aave_v4.records import Role
from keeper.protocols.coverage import dispatch, handled, ignored

_ADMIN = "who administers does not change what is owed"
_SAID_BY_UPGRADED = "Upgraded says it"
_DELTA = "(int256,int256,uint256)"
_DYNAMIC = "(uint16,uint32,uint16)"

EVENTS = (
    *handled(
        Role.SPOKE,
        {
            "AddReserve(uint256,uint256,address)": fold_spoke.reserve_added,
            "UpdateReserveConfig(uint256,(uint24,bool,bool,bool,bool))": fold_spoke.reserve_configured,
            f"AddDynamicReserveConfig(uint256,uint32,{_DYNAMIC})": fold_spoke.dynamic_added,
            f"UpdateDynamicReserveConfig(uint256,uint32,{_DYNAMIC})": fold_spoke.dynamic_updated,
            "UpdateLiquidationConfig((uint128,uint64,uint16))": fold_spoke.liquidation_configured,
            "UpdateReservePriceSource(uint256,address)": fold_spoke.source_updated,
            "Supply(uint256,address,address,uint256,uint256)": fold_users.supplied,
            "Withdraw(uint256,address,address,uint256,uint256)": fold_users.withdrawn,
            "Borrow(uint256,address,address,uint256,uint256)": fold_users.borrowed,
            f"Repay(uint256,address,address,uint256,uint256,{_DELTA})": fold_users.repaid,
            f"LiquidationCall(uint256,uint256,address,address,bool,uint256,uint256,{_DELTA},"
            "uint256,uint256,uint256)": fold_users.liquidated,
            f"ReportDeficit(uint256,address,uint256,{_DELTA})": fold_users.deficit_reported,
            f"RefreshPremiumDebt(uint256,address,{_DELTA})": fold_users.premium_refreshed,
            "UpdateUserRiskPremium(address,uint256)": fold_users.risk_premium_updated,
            "SetUsingAsCollateral(uint256,address,address,bool)": fold_users.collateral_set,
            "RefreshAllUserDynamicConfig(address)": fold_users.all_keys_refreshed,
            "RefreshSingleUserDynamicConfig(address,uint256)": fold_users.one_key_refreshed,
            "Upgraded(address)": fold_spoke.spoke_upgraded,
        },
    ),
    *ignored(
        Role.SPOKE,
        {
            "SetSpokeImmutables(address,uint16)": "the oracle is asked for, also after Upgraded",
            "SetUserPositionManager(address,address,bool)": "who acts for whom does not change what is owed",
            "UpdatePositionManager(address,bool)": "who acts for whom does not change what is owed",
            "AuthorityUpdated(address)": _ADMIN,
            "AdminChanged(address,address)": _ADMIN,
            "Initialized(uint64)": _SAID_BY_UPGRADED,
        },
    ),
    *handled(
        Role.HUB,
        {
            "AddAsset(uint256,address,uint8)": fold_hub.asset_added,
            "UpdateAsset(uint256,uint256,uint256,uint256)": fold_hub.asset_updated,
            "UpdateAssetConfig(uint256,(address,uint16,address,address))": fold_hub.asset_configured,
            "AddSpoke(uint256,address)": fold_hub.spoke_added,
            "UpdateSpokeConfig(uint256,address,(uint40,uint40,uint24,bool,bool))": (
                fold_hub.spoke_configured
            ),
            "Add(uint256,address,uint256,uint256)": fold_hub.added,
            "Remove(uint256,address,uint256,uint256)": fold_hub.removed,
            "Draw(uint256,address,uint256,uint256)": fold_hub.drawn,
            f"Restore(uint256,address,uint256,{_DELTA},uint256,uint256)": fold_hub.restored,
            f"RefreshPremium(uint256,address,{_DELTA})": fold_hub.premium_refreshed,
            f"ReportDeficit(uint256,address,uint256,{_DELTA},uint256)": fold_hub.deficit_reported,
            "EliminateDeficit(uint256,address,address,uint256,uint256)": fold_hub.deficit_eliminated,
            "MintFeeShares(uint256,address,uint256,uint256)": fold_hub.fee_minted,
            "TransferShares(uint256,address,address,uint256)": fold_hub.shares_transferred,
            "Sweep(uint256,address,uint256)": fold_hub.swept,
            "Reclaim(uint256,address,uint256)": fold_hub.reclaimed,
            "Upgraded(address)": fold_spoke.hub_upgraded,
        },
    ),
    *ignored(
        Role.HUB,
        {
            "AuthorityUpdated(address)": _ADMIN,
            "AdminChanged(address,address)": _ADMIN,
            "Initialized(uint64)": _SAID_BY_UPGRADED,
        },
    ),
    *ignored(
        Role.ORACLE,
        {
            "UpdateReserveSource(uint256,address)": "the spoke says it in UpdateReservePriceSource",
            "SetSpoke(address)": "happens once, before the spoke lists anything",
        },
    ),
    *ignored(
        Role.RATE_STRATEGY,
        {
            "UpdateInterestRateData(address,uint256,uint256,uint256,uint256,uint256)": (
                "its effect arrives with the next UpdateAsset"
            ),
        },
    ),
)


HANDLERS = dispatch(EVENTS, Role)
