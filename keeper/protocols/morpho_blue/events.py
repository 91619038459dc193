"""Every event of every contract of a deployment: who handles it, or why nobody needs to.

This table is the dispatch of `fold` and the event coverage in one; a test compares it with the
contracts' own interfaces.
"""

from keeper.protocols.coverage import dispatch, handled, ignored
from keeper.protocols.morpho_blue import fold_positions, fold_setup
from keeper.protocols.morpho_blue.records import Role

CREATE_MARKET = "CreateMarket(bytes32,(address,address,address,address,uint256))"
ENABLE_IRM = "EnableIrm(address)"
LIQUIDATE = "Liquidate(bytes32,address,address,uint256,uint256,uint256,uint256,uint256)"
CREATE_PRE_LIQUIDATION = (
    "CreatePreLiquidation(address,bytes32,(uint256,uint256,uint256,uint256,uint256,address))"
)
PRE_LIQUIDATE = "PreLiquidate(bytes32,address,address,uint256,uint256,uint256)"

EVENTS = (
    *handled(
        Role.MORPHO,
        {
            ENABLE_IRM: fold_setup.irm_enabled,
            CREATE_MARKET: fold_setup.market_created,
            "SetFee(bytes32,uint256)": fold_setup.fee_set,
            "SetFeeRecipient(address)": fold_setup.recipient_set,
            "SetAuthorization(address,address,address,bool)": fold_setup.authorized,
            "AccrueInterest(bytes32,uint256,uint256,uint256)": fold_positions.interest_accrued,
            "Supply(bytes32,address,address,uint256,uint256)": fold_positions.supplied,
            "Withdraw(bytes32,address,address,address,uint256,uint256)": fold_positions.withdrawn,
            "Borrow(bytes32,address,address,address,uint256,uint256)": fold_positions.borrowed,
            "Repay(bytes32,address,address,uint256,uint256)": fold_positions.repaid,
            "SupplyCollateral(bytes32,address,address,uint256)": fold_positions.collateral_supplied,
            "WithdrawCollateral(bytes32,address,address,address,uint256)": (
                fold_positions.collateral_withdrawn
            ),
            LIQUIDATE: fold_positions.liquidated,
        },
    ),
    *ignored(
        Role.MORPHO,
        {
            "SetOwner(address)": "who administers does not change what is owed",
            "EnableLltv(uint256)": "a market's own lltv comes with CreateMarket",
            "FlashLoan(address,address,uint256)": "repaid within the transaction, without a fee",
            "IncrementNonce(address,address,uint256)": "SetAuthorization follows it",
        },
    ),
    *handled(Role.IRM, {"BorrowRateUpdate(bytes32,uint256,uint256)": fold_setup.rate_updated}),
    *ignored(
        Role.IRM,
        {"SetBorrowRate(bytes32,uint256)": "a fixed rate is read at every head"},
    ),
    *handled(Role.FACTORY, {CREATE_PRE_LIQUIDATION: fold_setup.pre_liquidation_created}),
    *ignored(
        Role.PRE_LIQUIDATION,
        {PRE_LIQUIDATE: "Morpho's Repay and WithdrawCollateral carry it; read from receipts as the outcome"},
    ),
)


HANDLERS = dispatch(EVENTS, Role)
