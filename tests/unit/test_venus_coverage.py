"""Every event the contracts declare is in the table of events."""

import gzip
import json
from pathlib import Path

import pytest

from keeper.index.book import ColumnarBook
from keeper.protocols.decode import topic
from keeper.protocols.venus.events import EVENTS
from keeper.protocols.venus.recording import VenusRecording
from keeper.protocols.venus.records import Role
from keeper.protocols.venus.rules import VENUS
from keeper.sim.replay import logs_of

ROOT = Path(__file__).parents[2]
RUN = ROOT / "tests/vectors/data/venus-s1.json.gz"

_OWNED = "NewAdmin(address,address) NewPendingAdmin(address,address) Failure(uint256,uint256,uint256)"
_PROXY = "NewImplementation(address,address) NewPendingImplementation(address,address)"

VENUS_10_3 = {
    Role.COMPTROLLER: f"""
        {_OWNED} {_PROXY}
        ActionPausedMarket(address,uint8,bool) ActionProtocolPaused(bool)
        BorrowAllowedUpdated(uint96,address,bool,bool) ClaimSkipped(address,uint256)
        DelegateUpdated(address,address,bool) DiamondCut((address,uint8,bytes4[])[])
        DistributedBorrowerVenus(address,address,uint256,uint256)
        DistributedSupplierVenus(address,address,uint256,uint256) DistributedVAIVaultVenus(uint256)
        FlashLoanExecuted(address,address[],uint256[]) FlashLoanPauseChanged(bool,bool)
        FlashLoanRepaid(address,address,address,uint256,uint256) IsAccountFlashLoanWhitelisted(address,bool)
        IsForcedLiquidationEnabledForUserUpdated(address,address,bool)
        IsForcedLiquidationEnabledUpdated(address,bool) MarketEntered(address,address)
        MarketExited(address,address) MarketListed(address) MarketUnlisted(address)
        NewAccessControl(address,address) NewBorrowCap(address,uint256) NewCloseFactor(uint256,uint256)
        NewCollateralFactor(uint96,address,uint256,uint256) NewComptrollerLens(address,address)
        NewDeviationBoundedOracle(address,address) NewLiquidationIncentive(uint96,address,uint256,uint256)
        NewLiquidationThreshold(uint96,address,uint256,uint256) NewLiquidatorContract(address,address)
        NewPauseGuardian(address,address) NewPriceOracle(address,address) NewPrimeToken(address,address)
        NewSupplyCap(address,uint256) NewTreasuryAddress(address,address)
        NewTreasuryGuardian(address,address) NewTreasuryPercent(uint256,uint256)
        NewVAIController(address,address) NewVAIMintRate(uint256,uint256)
        NewVAIVaultInfo(address,uint256,uint256) NewVenusVAIVaultRate(uint256,uint256)
        NewXVSToken(address,address) NewXVSVToken(address,address)
        PoolActiveStatusUpdated(uint96,bool,bool) PoolCreated(uint96,string)
        PoolFallbackStatusUpdated(uint96,bool,bool) PoolLabelUpdated(uint96,string,string)
        PoolMarketInitialized(uint96,address) PoolMarketRemoved(uint96,address)
        PoolSelected(address,uint96,uint96) VenusBorrowSpeedUpdated(address,uint256)
        VenusGranted(address,uint256) VenusSeized(address,uint256) VenusSupplySpeedUpdated(address,uint256)
    """,
    Role.V_TOKEN: f"""
        {_OWNED} NewImplementation(address,address)
        AccrueInterest(uint256,uint256,uint256,uint256) Approval(address,address,uint256)
        Borrow(address,uint256,uint256,uint256) CashSynced(uint256,uint256)
        FlashLoanFeeUpdated(uint256,uint256,uint256,uint256) FlashLoanStatusChanged(bool,bool)
        LiquidateBorrow(address,address,uint256,address,uint256) Mint(address,uint256,uint256)
        Mint(address,uint256,uint256,uint256) MintBehalf(address,address,uint256,uint256)
        MintBehalf(address,address,uint256,uint256,uint256) NewAccessControlManager(address,address)
        NewComptroller(address,address) NewMarketInterestRateModel(address,address)
        NewProtocolShareReserve(address,address) NewReduceReservesBlockDelta(uint256,uint256)
        NewReserveFactor(uint256,uint256) Redeem(address,uint256,uint256)
        Redeem(address,uint256,uint256,uint256) RedeemFee(address,uint256,uint256)
        RepayBorrow(address,address,uint256,uint256,uint256) ReservesAdded(address,uint256,uint256)
        ReservesReduced(address,uint256,uint256) TokenSwept(address,uint256)
        Transfer(address,address,uint256)
        TransferInUnderlyingFlashLoan(address,address,uint256,uint256,uint256)
        TransferOutUnderlyingFlashLoan(address,address,uint256)
    """,
    Role.LIQUIDATOR: """
        AllowlistEntryAdded(address,address) AllowlistEntryRemoved(address,address)
        ForceVAILiquidationPaused(address) ForceVAILiquidationResumed(address) Initialized(uint8)
        LiquidateBorrowedTokens(address,address,uint256,address,address,uint256,uint256)
        LiquidationRestricted(address) LiquidationRestrictionsDisabled(address)
        NewAccessControlManager(address,address) NewLiquidationTreasuryPercent(uint256,uint256)
        NewMinLiquidatableVAI(uint256,uint256) NewPendingRedeemChunkLength(uint256,uint256)
        NewProtocolShareReserve(address,address) OwnershipTransferStarted(address,address)
        OwnershipTransferred(address,address) ProtocolLiquidationIncentiveTransferred(address,address,uint256)
    """,
    Role.VAI_CONTROLLER: f"""
        {_OWNED} {_PROXY}
        LiquidateVAI(address,address,uint256,address,uint256) MintFee(address,uint256)
        MintOnlyForPrimeHolder(bool,bool) MintVAI(address,uint256) NewAccessControl(address,address)
        NewComptroller(address,address) NewPrime(address,address) NewTreasuryAddress(address,address)
        NewTreasuryGuardian(address,address) NewTreasuryPercent(uint256,uint256)
        NewVAIBaseRate(uint256,uint256) NewVAIFloatRate(uint256,uint256) NewVAIMintCap(uint256,uint256)
        NewVAIReceiver(address,address) NewVaiToken(address,address) RepayVAI(address,address,uint256)
    """,
    Role.ORACLE: "PricePosted(address,uint256,uint256,uint256)",
    Role.MODEL: """
        NewInterestParams(uint256,uint256,uint256,uint256) NewInterestParams(uint256,uint256)
    """,
}
"""The interfaces in the artifacts of @venusprotocol/venus-protocol 10.3.0, with its legacy vTokens."""

COMPOUND_V2 = {
    Role.COMPTROLLER: """
        ActionPaused(address,string,bool) ActionPaused(string,bool)
        NewCollateralFactor(address,uint256,uint256) NewLiquidationIncentive(uint256,uint256)
        NewBorrowCapGuardian(address,address) NewMaxAssets(uint256,uint256)
        DistributedBorrowerComp(address,address,uint256,uint256)
        DistributedSupplierComp(address,address,uint256,uint256) CompBorrowSpeedUpdated(address,uint256)
        CompSupplySpeedUpdated(address,uint256) CompSpeedUpdated(address,uint256)
        ContributorCompSpeedUpdated(address,uint256) CompGranted(address,uint256)
        CompAccruedAdjusted(address,uint256,uint256) CompReceivableUpdated(address,uint256,uint256)
        MarketComped(address,bool) NewCompRate(uint256,uint256)
    """,
    Role.V_TOKEN: "AccrueInterest(uint256,uint256,uint256)",
}
"""What Compound v2 (every version of its Comptroller and cTokens) declares beyond that; no package has it."""


@pytest.mark.parametrize("role", list(Role))
def test_event_table__against_the_contracts__covers_exactly_the_declared_events(role: Role) -> None:
    in_table = {event.signature for event in EVENTS if event.role is role}
    assert in_table == set(f"{VENUS_10_3[role]} {COMPOUND_V2.get(role, '')}".split())


def test_event_table__every_log_of_a_recorded_run__has_a_row() -> None:
    document = json.loads(gzip.decompress(RUN.read_bytes()))
    market = VenusRecording(VENUS).open(document, ColumnarBook())
    rows = {(int(event.role), topic(event.signature)) for event in EVENTS}
    seen = 0
    for block in document["blocks"]:
        for log in logs_of(block):
            market.fold(log, int(block["timestamp"]))
            watched = market.book.get(("role", log.address))
            if watched and log.topics:
                seen += 1
                assert (watched.role, log.topics[0]) in rows
    assert seen > 500
