# pragma version ==0.4.3
"""
@title The protocols' own words: liquidation calls and flash loans
@license MIT
"""

from ethereum.ercs import IERC20
from . import control
from . import terms

uses: control

interface AavePool:
    def liquidationCall(
        collateral: address, debt: address, account: address, repay: uint256, receive_a_token: bool
    ): nonpayable
    def flashLoanSimple(
        receiver: address, asset: address, amount: uint256, params: Bytes[MAX_PLAN], referral: uint16
    ): nonpayable

interface AaveV2Pool:
    def flashLoan(
        receiver: address,
        assets: DynArray[address, 1],
        amounts: DynArray[uint256, 1],
        modes: DynArray[uint256, 1],
        on_behalf_of: address,
        params: Bytes[32],
        referral: uint16,
    ): nonpayable

interface Spoke:
    def liquidationCall(
        collateral_id: uint256, debt_id: uint256, account: address, repay: uint256, receive_shares: bool
    ): nonpayable

interface Morpho:
    def liquidate(
        market: MarketParams, account: address, seized: uint256, shares: uint256, data: Bytes[MAX_PLAN]
    ) -> (uint256, uint256): nonpayable
    def flashLoan(token: address, amount: uint256, data: Bytes[MAX_PLAN]): nonpayable

interface PreLiquidation:
    def preLiquidate(
        account: address, seized: uint256, shares: uint256, data: Bytes[MAX_PLAN]
    ) -> (uint256, uint256): nonpayable

interface CToken:
    def liquidateBorrow(account: address, repay: uint256, collateral: address) -> uint256: nonpayable
    def redeem(amount: uint256) -> uint256: nonpayable

interface VenusLiquidator:
    def liquidateBorrow(debt: address, account: address, repay: uint256, collateral: address): payable

interface Comet:
    def absorb(absorber: address, accounts: DynArray[address, 4]): nonpayable
    def buyCollateral(asset: address, at_least: uint256, base: uint256, recipient: address): nonpayable

interface EVault:
    def EVC() -> address: view
    def debtOf(account: address) -> uint256: view
    def liquidate(account: address, collateral: address, repay: uint256, min_yield: uint256): nonpayable
    def repay(amount: uint256, receiver: address) -> uint256: nonpayable
    def redeem(shares: uint256, receiver: address, owner: address) -> uint256: nonpayable
    def disableController(): nonpayable

interface EVC:
    def enableController(account: address, vault: address): payable
    def enableCollateral(account: address, vault: address): payable
    def disableCollateral(account: address, vault: address): payable
    def call(target: address, on_behalf_of: address, amount: uint256, data: Bytes[MAX_CALL]) -> Bytes[64]: payable

interface BalancerVault:
    def flashLoan(
        recipient: address,
        tokens: DynArray[address, 1],
        amounts: DynArray[uint256, 1],
        data: Bytes[MAX_PLAN],
    ): nonpayable

interface SwapFactory:
    def getPool(token_a: address, token_b: address, fee: uint24) -> address: view

interface SwapPool:
    def factory() -> address: view
    def token0() -> address: view
    def token1() -> address: view
    def fee() -> uint24: view
    def flash(recipient: address, amount0: uint256, amount1: uint256, data: Bytes[MAX_PLAN]): nonpayable

struct MarketParams:
    loan: address
    collateral: address
    oracle: address
    irm: address
    lltv: uint256

struct Takeover:
    evc: address
    collateral_vault: address
    min_yield: uint256

MAX_PLAN: constant(uint256) = 1792  # abi_encode of a Liquidation
MAX_CALL: constant(uint256) = 1860  # the same as calldata


@internal
@pure
def self_funded(dialect: uint256) -> bool:
    """
    @notice Whether the protocol hands out the collateral before it wants to be paid.
    """
    return dialect == terms.MORPHO or dialect == terms.PRE_LIQUIDATION or dialect == terms.EULER


@internal
def liquidate(plan: terms.Liquidation):
    """
    @notice Repays the account's debt, which the venue may pull from here, and receives the collateral.
    """
    if plan.dialect == terms.AAVE:
        extcall AavePool(plan.venue).liquidationCall(
            plan.collateral, plan.debt, plan.account, plan.repay, False
        )
    elif plan.dialect == terms.AAVE_V4:
        collateral_id: uint256 = 0
        debt_id: uint256 = 0
        collateral_id, debt_id = abi_decode(plan.data, (uint256, uint256))
        extcall Spoke(plan.venue).liquidationCall(collateral_id, debt_id, plan.account, plan.repay, False)
    elif plan.dialect == terms.COMPOUND:
        self._liquidate_and_redeem(plan)
    elif plan.dialect == terms.COMET:
        accounts: DynArray[address, 4] = []
        base: uint256 = 0
        at_least: uint256 = 0
        accounts, base, at_least = abi_decode(plan.data, (DynArray[address, 4], uint256, uint256))
        if len(accounts) != 0:
            extcall Comet(plan.venue).absorb(self, accounts)
        extcall Comet(plan.venue).buyCollateral(plan.collateral, at_least, base, self)
    else:
        raise "unknown dialect"


@internal
def _liquidate_and_redeem(plan: terms.Liquidation):
    """
    @dev Compound's family refuses by returning a code, with nothing else done.
    """
    debt: address = empty(address)
    collateral: address = empty(address)
    debt, collateral = abi_decode(plan.data, (address, address))
    before: uint256 = staticcall IERC20(collateral).balanceOf(self)
    if plan.venue == debt:
        self._succeed(extcall CToken(debt).liquidateBorrow(plan.account, plan.repay, collateral))
    else:
        extcall VenusLiquidator(plan.venue).liquidateBorrow(debt, plan.account, plan.repay, collateral)
    seized: uint256 = staticcall IERC20(collateral).balanceOf(self) - before
    self._succeed(extcall CToken(collateral).redeem(seized))


@internal
@pure
def _succeed(code: uint256):
    if code != 0:
        raw_revert(abi_encode(code, method_id=method_id("Refused(uint256)")))


@internal
def begin(plan: terms.Liquidation, encoded: Bytes[MAX_PLAN]):
    """
    @notice Asks a protocol that hands out the collateral first; it calls back with `encoded`.
    """
    if plan.dialect == terms.EULER:
        takeover: Takeover = abi_decode(plan.data, Takeover)
        assert takeover.evc == staticcall EVault(plan.venue).EVC(), "not the connector"
        extcall EVC(takeover.evc).call(
            self, self, 0, abi_encode(encoded, method_id=method_id("onChecksDeferred(bytes)"))
        )
        return
    seized: uint256 = 0
    shares: uint256 = 0
    if plan.dialect == terms.PRE_LIQUIDATION:
        seized, shares = abi_decode(plan.data, (uint256, uint256))
        extcall PreLiquidation(plan.venue).preLiquidate(plan.account, seized, shares, encoded)
    else:
        market: MarketParams = empty(MarketParams)
        market, seized, shares = abi_decode(plan.data, (MarketParams, uint256, uint256))
        extcall Morpho(plan.venue).liquidate(market, plan.account, seized, shares, encoded)


@internal
def take_over(plan: terms.Liquidation) -> uint256:
    """
    @notice Takes debt and collateral of an account over inside a batch whose checks wait, and redeems.
    @return The debt that is now ours.
    """
    takeover: Takeover = abi_decode(plan.data, Takeover)
    extcall EVC(takeover.evc).enableController(self, plan.venue)
    extcall EVC(takeover.evc).enableCollateral(self, takeover.collateral_vault)
    before: uint256 = staticcall IERC20(takeover.collateral_vault).balanceOf(self)
    extcall EVault(plan.venue).liquidate(
        plan.account, takeover.collateral_vault, plan.repay, takeover.min_yield
    )
    shares: uint256 = staticcall IERC20(takeover.collateral_vault).balanceOf(self) - before
    extcall EVault(takeover.collateral_vault).redeem(shares, self, self)
    return staticcall EVault(plan.venue).debtOf(self)


@internal
def give_back(plan: terms.Liquidation):
    """
    @notice Repays the debt that was taken over, and leaves the vaults as if nothing had been.
    """
    takeover: Takeover = abi_decode(plan.data, Takeover)
    extcall EVault(plan.venue).repay(max_value(uint256), self)
    extcall EVault(plan.venue).disableController()
    extcall EVC(takeover.evc).disableCollateral(self, takeover.collateral_vault)


@internal
@pure
def connector(plan: terms.Liquidation) -> address:
    takeover: Takeover = abi_decode(plan.data, Takeover)
    return takeover.evc


@internal
def borrow(plan: terms.Liquidation, encoded: Bytes[MAX_PLAN]):
    """
    @notice Takes the flash loan; the lender calls back with `encoded`.
    """
    lender: address = plan.lender
    if plan.source == terms.UNISWAP_LOAN:
        factory: address = staticcall SwapPool(lender).factory()
        assert control.factories[factory], "lender not allowed"
        token0: address = staticcall SwapPool(lender).token0()
        token1: address = staticcall SwapPool(lender).token1()
        fee: uint24 = staticcall SwapPool(lender).fee()
        assert lender == staticcall SwapFactory(factory).getPool(token0, token1, fee), "lender not allowed"
        extcall SwapPool(lender).flash(
            self,
            plan.repay if token0 == plan.debt else 0,
            plan.repay if token1 == plan.debt else 0,
            encoded,
        )
        return
    assert lender == plan.venue or control.venues[lender], "lender not allowed"
    if plan.source == terms.AAVE_LOAN:
        extcall AavePool(lender).flashLoanSimple(self, plan.debt, plan.repay, encoded, 0)
    elif plan.source == terms.MORPHO_LOAN:
        extcall Morpho(lender).flashLoan(plan.debt, plan.repay, encoded)
    elif plan.source == terms.BALANCER_LOAN:
        extcall BalancerVault(lender).flashLoan(self, [plan.debt], [plan.repay], encoded)
    elif plan.source == terms.AAVE_V2_LOAN:
        extcall AaveV2Pool(lender).flashLoan(self, [plan.debt], [plan.repay], [0], self, b"", 0)
    else:
        raise "unknown source"
