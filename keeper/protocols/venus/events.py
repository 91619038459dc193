"""Every event of every contract of a deployment: who handles it, or why nobody needs to.

This table is the dispatch of `fold` and the event coverage in one. It holds the events of Venus' core pool
and of Compound v2 together: where a name has two shapes, both are here.
"""

from keeper.protocols.coverage import dispatch, handled, ignored
from keeper.protocols.decode import topic
from keeper.protocols.venus import fold_comptroller, fold_market, fold_others
from keeper.protocols.venus.event import Handler
from keeper.protocols.venus.records import Role

_ADMIN = "who administers does not change what is owed"
_REWARDS = "rewards in XVS or COMP are no collateral"
_NEW_DEBT = "bounds new supply or new debt only"
_FLASH = "repaid within the transaction; the market's own events tell what remains"
_READ = "read at every head"
_SOFT = "a call that did nothing"
_CODE = "the audit compares what the code concludes"

_COMPTROLLER = (
    *handled(
        Role.COMPTROLLER,
        {
            "MarketListed(address)": fold_comptroller.market_listed,
            "MarketUnlisted(address)": fold_comptroller.market_unlisted,
            "MarketEntered(address,address)": fold_comptroller.market_entered,
            "MarketExited(address,address)": fold_comptroller.market_exited,
            "NewCollateralFactor(uint96,address,uint256,uint256)": fold_comptroller.collateral_factor,
            "NewCollateralFactor(address,uint256,uint256)": fold_comptroller.only_factor,
            "NewLiquidationThreshold(uint96,address,uint256,uint256)": fold_comptroller.liquidation_threshold,
            "NewLiquidationIncentive(uint96,address,uint256,uint256)": fold_comptroller.liquidation_incentive,
            "NewLiquidationIncentive(uint256,uint256)": fold_comptroller.only_incentive,
            "NewCloseFactor(uint256,uint256)": fold_comptroller.close_factor,
            "NewPriceOracle(address,address)": fold_comptroller.price_oracle,
            "NewVAIController(address,address)": fold_comptroller.vai_controller,
            "NewLiquidatorContract(address,address)": fold_comptroller.liquidator_contract,
            "NewTreasuryPercent(uint256,uint256)": fold_comptroller.treasury_percent,
            "ActionProtocolPaused(bool)": fold_comptroller.protocol_paused,
            "ActionPausedMarket(address,uint8,bool)": fold_comptroller.action_paused,
            "ActionPaused(address,string,bool)": fold_comptroller.named_action_paused,
            "ActionPaused(string,bool)": fold_comptroller.named_action_paused_everywhere,
            "IsForcedLiquidationEnabledUpdated(address,bool)": fold_comptroller.forced,
            "IsForcedLiquidationEnabledForUserUpdated(address,address,bool)": (
                fold_comptroller.forced_for_user
            ),
            "PoolCreated(uint96,string)": fold_comptroller.pool_created,
            "PoolActiveStatusUpdated(uint96,bool,bool)": fold_comptroller.pool_active,
            "PoolFallbackStatusUpdated(uint96,bool,bool)": fold_comptroller.pool_fallback,
            "PoolMarketInitialized(uint96,address)": fold_comptroller.pool_market_added,
            "PoolMarketRemoved(uint96,address)": fold_comptroller.pool_market_removed,
            "PoolSelected(address,uint96,uint96)": fold_comptroller.pool_selected,
            "FlashLoanRepaid(address,address,address,uint256,uint256)": fold_comptroller.flash_loan_repaid,
        },
    ),
    *ignored(
        Role.COMPTROLLER,
        {
            **dict.fromkeys(
                (
                    "NewAccessControl(address,address)",
                    "NewAdmin(address,address)",
                    "NewPendingAdmin(address,address)",
                    "NewPauseGuardian(address,address)",
                    "NewTreasuryAddress(address,address)",
                    "NewTreasuryGuardian(address,address)",
                    "NewBorrowCapGuardian(address,address)",
                    "DelegateUpdated(address,address,bool)",
                    "IsAccountFlashLoanWhitelisted(address,bool)",
                ),
                _ADMIN,
            ),
            **dict.fromkeys(
                (
                    "DistributedBorrowerVenus(address,address,uint256,uint256)",
                    "DistributedSupplierVenus(address,address,uint256,uint256)",
                    "DistributedVAIVaultVenus(uint256)",
                    "VenusBorrowSpeedUpdated(address,uint256)",
                    "VenusSupplySpeedUpdated(address,uint256)",
                    "VenusGranted(address,uint256)",
                    "VenusSeized(address,uint256)",
                    "ClaimSkipped(address,uint256)",
                    "NewVAIVaultInfo(address,uint256,uint256)",
                    "NewVenusVAIVaultRate(uint256,uint256)",
                    "NewPrimeToken(address,address)",
                    "NewXVSToken(address,address)",
                    "NewXVSVToken(address,address)",
                    "DistributedBorrowerComp(address,address,uint256,uint256)",
                    "DistributedSupplierComp(address,address,uint256,uint256)",
                    "CompBorrowSpeedUpdated(address,uint256)",
                    "CompSupplySpeedUpdated(address,uint256)",
                    "CompSpeedUpdated(address,uint256)",
                    "ContributorCompSpeedUpdated(address,uint256)",
                    "CompGranted(address,uint256)",
                    "CompAccruedAdjusted(address,uint256,uint256)",
                    "CompReceivableUpdated(address,uint256,uint256)",
                    "MarketComped(address,bool)",
                    "NewCompRate(uint256,uint256)",
                ),
                _REWARDS,
            ),
            **dict.fromkeys(
                (
                    "NewBorrowCap(address,uint256)",
                    "NewSupplyCap(address,uint256)",
                    "NewVAIMintRate(uint256,uint256)",
                    "NewMaxAssets(uint256,uint256)",
                    "BorrowAllowedUpdated(uint96,address,bool,bool)",
                    "NewDeviationBoundedOracle(address,address)",
                ),
                _NEW_DEBT,
            ),
            **dict.fromkeys(
                (
                    "DiamondCut((address,uint8,bytes4[])[])",
                    "NewImplementation(address,address)",
                    "NewPendingImplementation(address,address)",
                    "NewComptrollerLens(address,address)",
                ),
                _CODE,
            ),
            "FlashLoanExecuted(address,address[],uint256[])": _FLASH,
            "FlashLoanPauseChanged(bool,bool)": _FLASH,
            "PoolLabelUpdated(uint96,string,string)": "a label",
            "Failure(uint256,uint256,uint256)": _SOFT,
        },
    ),
)

_V_TOKEN = (
    *handled(
        Role.V_TOKEN,
        {
            "Transfer(address,address,uint256)": fold_market.transfer,
            "Mint(address,uint256,uint256)": fold_market.minted,
            "Mint(address,uint256,uint256,uint256)": fold_market.minted,
            "MintBehalf(address,address,uint256,uint256)": fold_market.minted_behalf,
            "MintBehalf(address,address,uint256,uint256,uint256)": fold_market.minted_behalf,
            "Redeem(address,uint256,uint256)": fold_market.redeemed,
            "Redeem(address,uint256,uint256,uint256)": fold_market.redeemed,
            "RedeemFee(address,uint256,uint256)": fold_market.redeem_fee,
            "Borrow(address,uint256,uint256,uint256)": fold_market.borrowed,
            "RepayBorrow(address,address,uint256,uint256,uint256)": fold_market.repaid,
            "AccrueInterest(uint256,uint256,uint256,uint256)": fold_market.accrued,
            "AccrueInterest(uint256,uint256,uint256)": fold_market.accrued_without_cash,
            "ReservesAdded(address,uint256,uint256)": fold_market.reserves_added,
            "ReservesReduced(address,uint256,uint256)": fold_market.reserves_reduced,
            "NewReserveFactor(uint256,uint256)": fold_market.reserve_factor,
            "NewReduceReservesBlockDelta(uint256,uint256)": fold_market.payout_delta,
            "NewMarketInterestRateModel(address,address)": fold_market.model_changed,
            "CashSynced(uint256,uint256)": fold_market.cash_synced,
            "TransferOutUnderlyingFlashLoan(address,address,uint256)": fold_market.flash_lent,
            "TransferInUnderlyingFlashLoan(address,address,uint256,uint256,uint256)": (
                fold_market.flash_returned
            ),
            "NewImplementation(address,address)": fold_market.upgraded,
        },
    ),
    *ignored(
        Role.V_TOKEN,
        {
            "LiquidateBorrow(address,address,uint256,address,uint256)": "RepayBorrow and Transfer carry it",
            "Approval(address,address,uint256)": "moves nothing",
            "TokenSwept(address,uint256)": "CashSynced follows",
            "FlashLoanFeeUpdated(uint256,uint256,uint256,uint256)": _FLASH,
            "FlashLoanStatusChanged(bool,bool)": _FLASH,
            "NewProtocolShareReserve(address,address)": "who receives reserves makes no difference",
            "NewComptroller(address,address)": "the comptroller lists the market",
            "NewAccessControlManager(address,address)": _ADMIN,
            "NewAdmin(address,address)": _ADMIN,
            "NewPendingAdmin(address,address)": _ADMIN,
            "Failure(uint256,uint256,uint256)": _SOFT,
        },
    ),
)

_OTHERS = (
    *handled(Role.ORACLE, {"PricePosted(address,uint256,uint256,uint256)": fold_others.price_posted}),
    *handled(
        Role.MODEL,
        {
            "NewInterestParams(uint256,uint256,uint256,uint256)": fold_others.jump_parameters,
            "NewInterestParams(uint256,uint256)": fold_others.linear_parameters,
        },
    ),
    *handled(
        Role.VAI_CONTROLLER,
        {
            "MintVAI(address,uint256)": fold_others.vai_minted,
            "RepayVAI(address,address,uint256)": fold_others.vai_repaid,
            "LiquidateVAI(address,address,uint256,address,uint256)": fold_others.vai_repaid,
        },
    ),
    *ignored(
        Role.VAI_CONTROLLER,
        {
            **dict.fromkeys(
                (
                    "NewAccessControl(address,address)",
                    "NewAdmin(address,address)",
                    "NewPendingAdmin(address,address)",
                    "NewComptroller(address,address)",
                    "NewPrime(address,address)",
                    "NewTreasuryAddress(address,address)",
                    "NewTreasuryGuardian(address,address)",
                    "NewVAIReceiver(address,address)",
                ),
                _ADMIN,
            ),
            "NewImplementation(address,address)": _CODE,
            "NewPendingImplementation(address,address)": _CODE,
            "NewVAIBaseRate(uint256,uint256)": _READ,
            "NewVAIFloatRate(uint256,uint256)": _READ,
            "NewVAIMintCap(uint256,uint256)": _NEW_DEBT,
            "MintOnlyForPrimeHolder(bool,bool)": _NEW_DEBT,
            "NewTreasuryPercent(uint256,uint256)": _NEW_DEBT,
            "MintFee(address,uint256)": "MintVAI carries it",
            "NewVaiToken(address,address)": "its price is one dollar by rule",
            "Failure(uint256,uint256,uint256)": _SOFT,
        },
    ),
    *handled(
        Role.LIQUIDATOR,
        {
            "LiquidationRestricted(address)": fold_others.restricted,
            "LiquidationRestrictionsDisabled(address)": fold_others.unrestricted,
            "AllowlistEntryAdded(address,address)": fold_others.allowed,
            "AllowlistEntryRemoved(address,address)": fold_others.disallowed,
            "LiquidateBorrowedTokens(address,address,uint256,address,address,uint256,uint256)": (
                fold_others.vai_accrued
            ),
        },
    ),
    *ignored(
        Role.LIQUIDATOR,
        {
            "NewLiquidationTreasuryPercent(uint256,uint256)": _READ,
            "NewMinLiquidatableVAI(uint256,uint256)": _READ,
            "ForceVAILiquidationPaused(address)": _READ,
            "ForceVAILiquidationResumed(address)": _READ,
            "ProtocolLiquidationIncentiveTransferred(address,address,uint256)": (
                "the markets' own events carry it"
            ),
            "NewPendingRedeemChunkLength(uint256,uint256)": "its own vTokens are its own affair",
            "NewProtocolShareReserve(address,address)": "who receives reserves makes no difference",
            "NewAccessControlManager(address,address)": _ADMIN,
            "Initialized(uint8)": _ADMIN,
            "OwnershipTransferStarted(address,address)": _ADMIN,
            "OwnershipTransferred(address,address)": _ADMIN,
        },
    ),
)

EVENTS = (*_COMPTROLLER, *_V_TOKEN, *_OTHERS)

HANDLERS = dispatch(EVENTS, Role)
"""Handlers by role and topic."""

ANNOUNCEMENTS: dict[str, Handler] = {
    topic(event.signature): event.handler
    for event in EVENTS
    if event.role in {Role.ORACLE, Role.MODEL} and event.handler
}
"""What is listened to from contracts not known yet: a price or a curve counts once its contract is used."""
