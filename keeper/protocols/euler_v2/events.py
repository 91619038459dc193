"""Every event of every contract of a deployment: its handler, or why it may be ignored."""

from keeper.protocols.coverage import dispatch, handled, ignored
from keeper.protocols.euler_v2 import fold_accounts, fold_config, fold_setup, fold_vault
from keeper.protocols.euler_v2.records import Role

_MOVES_NOTHING = "moves no money and changes no rule of liquidation"
_SHARES = "its Transfer tells the shares, VaultStatus the cash"
_NOBODYS = "no position depends on who may act for an account"

EVENTS = (
    *handled(
        Role.FACTORY,
        {
            "ProxyCreated(address,bool,address,bytes)": fold_setup.proxy_created,
            "SetImplementation(address)": fold_setup.implementation_set,
        },
    ),
    *ignored(Role.FACTORY, {"Genesis()": _MOVES_NOTHING, "SetUpgradeAdmin(address)": _MOVES_NOTHING}),
    *handled(
        Role.CONNECTOR,
        {
            "CollateralStatus(address,address,bool)": fold_accounts.collateral_status,
            "ControllerStatus(address,address,bool)": fold_accounts.controller_status,
            "AccountStatusCheck(address,address)": fold_accounts.status_checked,
        },
    ),
    *ignored(
        Role.CONNECTOR,
        {
            "OwnerRegistered(bytes19,address)": _NOBODYS,
            "LockdownModeStatus(bytes19,bool)": _NOBODYS,
            "PermitDisabledModeStatus(bytes19,bool)": _NOBODYS,
            "NonceStatus(bytes19,uint256,uint256,uint256)": _NOBODYS,
            "NonceUsed(bytes19,uint256,uint256)": _NOBODYS,
            "OperatorStatus(bytes19,address,uint256)": _NOBODYS,
            "CallWithContext(address,bytes19,address,address,bytes4)": "what is called tells it itself",
            "VaultStatusCheck(address)": "the vault's VaultStatus comes with it",
        },
    ),
    *handled(
        Role.VAULT,
        {
            "Transfer(address,address,uint256)": fold_vault.transferred,
            "VaultStatus(uint256,uint256,uint256,uint256,uint256,uint256,uint256)": fold_vault.status_told,
            "Borrow(address,uint256)": fold_vault.borrowed,
            "Repay(address,uint256)": fold_vault.repaid,
            "PullDebt(address,address,uint256)": fold_vault.debt_pulled,
            "DebtSocialized(address,uint256)": fold_vault.debt_socialized,
            "Liquidate(address,address,address,uint256,uint256)": fold_vault.liquidated,
            "GovSetLTV(address,uint16,uint16,uint16,uint48,uint32)": fold_config.ltv_set,
            "GovSetMaxLiquidationDiscount(uint16)": fold_config.discount_set,
            "GovSetLiquidationCoolOffTime(uint16)": fold_config.cool_off_set,
            "GovSetHookConfig(address,uint32)": fold_config.hooks_set,
            "GovSetConfigFlags(uint32)": fold_config.flags_set,
            "GovSetInterestFee(uint16)": fold_config.interest_fee_set,
        },
    ),
    *ignored(
        Role.VAULT,
        {
            "Genesis()": _MOVES_NOTHING,
            "EVaultCreated(address,address,address)": "ProxyCreated tells more",
            "Deposit(address,address,uint256,uint256)": _SHARES,
            "Withdraw(address,address,address,uint256,uint256)": _SHARES,
            "ConvertFees(address,address,address,uint256,uint256)": _SHARES,
            "InterestAccrued(address,uint256)": "follows from the accumulator",
            "Approval(address,address,uint256)": _MOVES_NOTHING,
            "BalanceForwarderStatus(address,bool)": _MOVES_NOTHING,
            "GovSetGovernorAdmin(address)": _MOVES_NOTHING,
            "GovSetFeeReceiver(address)": "fees are counted in shares until their Transfer",
            "GovSetInterestRateModel(address)": "VaultStatus tells the rate",
            "GovSetCaps(uint16,uint16)": "caps bind deposits and borrowing, not liquidations",
        },
    ),
    *ignored(
        Role.DEBT_TOKEN,
        {"Transfer(address,address,uint256)": "debt rounded to asset units; the vault's events are exact"},
    ),
    *ignored(
        Role.ROUTER,
        {
            "ConfigSet(address,address,address)": "routes are held against the oracle's quotes at each head",
            "FallbackOracleSet(address)": "likewise",
            "ResolvedVaultSet(address,address)": "likewise",
            "GovernorSet(address,address)": _MOVES_NOTHING,
        },
    ),
    *ignored(
        Role.PROTOCOL_CONFIG,
        dict.fromkeys(
            (
                "SetInterestFeeRange(uint16,uint16)",
                "SetFeeReceiver(address)",
                "SetVaultInterestFeeRange(address,bool,uint16,uint16)",
                "SetFeeConfigSetting(address,bool,address,uint16)",
                "SetProtocolFeeShare(uint16,uint16)",
                "SetAdmin(address)",
            ),
            "fees are split only when they are converted to shares",
        ),
    ),
)
"""Checked against the contracts' own interfaces by a test."""

HANDLERS = dispatch(EVENTS, Role)
