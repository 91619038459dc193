# pragma version ==0.4.3
# pragma evm-version cancun
# pragma optimize gas
"""
@title Liquidation executor
@license MIT
@notice Liquidates accounts of lending protocols with borrowed money and hands every profit to the owner at
    once.
@dev One liquidation is: borrow the debt asset where the protocol wants to be paid first, repay the account's
    debt, sell the seized collateral, repay the loan, check the profit. Each runs in a call of its own, so one
    that fails undoes only itself. No token and no allowance stays here between transactions.

    Callbacks are open to anyone by nature, so each is bound to the one call that is running: the hash of
    what it must bring is written to transient storage right before the call and taken out by the callback.
    The second callback, the stranger and the pool that asks for another amount all revert.

    Trusted: the owner; the allow-listed venues, which take liquidations and lend; the allow-listed factories,
    to name genuine pools. Routers get an allowance for what they are to sell, for one call.
    Not trusted: tokens, borrowers, anyone else. The operator can waste gas and a bonus, never funds: also what
    the owner lends by allowance comes back within the same call.
"""

from ethereum.ercs import IERC20
from parts import control
from parts import money
from parts import protocols
from parts import sale
from parts import terms

initializes: control
initializes: sale[control := control]
initializes: protocols[control := control]

exports: (
    control.owner,
    control.pending_owner,
    control.operator,
    control.venues, control.factories, control.routers,
    control.set_operator,
    control.set_venues, control.set_factory, control.set_router,
    control.sweep,
    control.transfer_ownership,
    control.accept_ownership,
    sale.uniswapV3SwapCallback,
    sale.hand_over,
)

interface WrappedNative:
    def withdraw(amount: uint256): nonpayable

struct Result:
    ok: bool
    profit: uint256  # debt units, already with the owner
    reason: Bytes[MAX_REASON]  # start of the revert data when not ok

event Liquidated:
    account: indexed(address)
    debt: indexed(address)
    collateral: indexed(address)
    repaid: uint256
    seized: uint256
    profit: uint256
    bid: uint256

event Skipped:
    account: indexed(address)
    reason: Bytes[MAX_REASON]

version: public(constant(uint256)) = 2  # what it knows that earlier ones do not; 2: flash swaps (1 had no number)

MAX_LIQUIDATIONS: constant(uint256) = 16  # each possible one costs memory in every transaction
MAX_PLAN: constant(uint256) = 1792  # abi_encode of a Liquidation
MAX_REASON: constant(uint256) = 132  # Error(string) of up to 64 characters
BPS: constant(uint256) = 10_000

wrapped_native: public(immutable(address))

awaited: transient(bytes32)  # keccak256 of the plan that the next callback must bring
kept: transient(Bytes[MAX_PLAN])  # the plan itself, where the callback cannot bring it
held: transient(uint256)  # collateral that was here before it was seized, or what a flash swap gives
repaid: transient(uint256)
seized: transient(uint256)


@deploy
def __init__(owner: address, operator: address, wrapped: address):
    """
    @param wrapped The wrapped native token, in which bids are possible; zero for none.
    """
    control.__init__(owner, operator)
    wrapped_native = wrapped


@external
@payable
@raw_return
def __default__() -> Bytes[32]:
    """
    @notice Takes ether from the wrapped native token, and the flash loan of Aave v2: its executeOperation with
        lists cannot be declared beside Aave v3's.
    """
    if msg.sender == wrapped_native:
        return b""
    assert slice(msg.data, 0, 4) == method_id(
        "executeOperation(address[],uint256[],uint256[],address,bytes)"
    ), "unexpected call"
    # Behind five words of head the lists of one: a length and a value each.
    assert convert(slice(msg.data, 100, 32), address) == self, "not the borrower"
    self._on_loan(
        self.kept,
        terms.AAVE_V2_LOAN,
        convert(slice(msg.data, 196, 32), address),
        convert(slice(msg.data, 260, 32), uint256),
        convert(slice(msg.data, 324, 32), uint256),
    )
    return abi_encode(True)


@external
@nonreentrant
def execute(
    liquidations: DynArray[terms.Liquidation, MAX_LIQUIDATIONS], router_call: Bytes[4096]
) -> DynArray[Result, MAX_LIQUIDATIONS]:
    """
    @notice Tries every liquidation in order; the ones that fail are skipped with their reason.
    @dev Reverts with NothingDone(bytes), holding the first reason, when none succeeds.
    @param router_call What a leg without hops calls its router with; empty where there is no such leg.
    """
    control.only_operator()
    if len(router_call) != 0:
        sale.call = router_call
    results: DynArray[Result, MAX_LIQUIDATIONS] = []
    done: bool = False
    for liquidation: terms.Liquidation in liquidations:
        ok: bool = False
        returned: Bytes[MAX_REASON] = b""
        ok, returned = raw_call(
            self,
            abi_encode(abi_encode(liquidation), method_id=method_id("liquidate(bytes)")),
            max_outsize=MAX_REASON,
            revert_on_failure=False,
        )
        if ok:
            done = True
            results.append(Result(ok=True, profit=abi_decode(returned, uint256), reason=b""))
        else:
            results.append(Result(ok=False, profit=0, reason=returned))
            log Skipped(account=liquidation.account, reason=returned)
    if not done:
        first: Bytes[MAX_REASON] = b""
        if len(results) != 0:
            first = results[0].reason
        raw_revert(abi_encode(first, method_id=method_id("NothingDone(bytes)")))
    return results


@external
def liquidate(plan: Bytes[MAX_PLAN]) -> uint256:
    """
    @notice One liquidation from loan to profit, called by `execute` only.
    @param plan The liquidation, ABI-encoded, as every callback must bring it back.
    @return The profit, in debt units, sent to the owner.
    """
    assert msg.sender == self, "not self"
    liquidation: terms.Liquidation = abi_decode(plan, terms.Liquidation)
    assert control.venues[liquidation.venue], "venue not allowed"
    assert liquidation.bid_bps == 0 or liquidation.debt == wrapped_native, "no bid in this token"
    before: uint256 = money.held(liquidation.debt)
    lent: uint256 = 0
    if protocols.self_funded(liquidation.dialect):
        assert liquidation.source == terms.NO_LOAN, "needs no loan"
        self.awaited = keccak256(plan)
        self.held = money.held(liquidation.collateral)
        protocols.begin(liquidation, plan)
        assert self.awaited == empty(bytes32), "no callback"
    elif liquidation.source == terms.NO_LOAN:
        lent = liquidation.repay
        assert extcall IERC20(liquidation.debt).transferFrom(
            control.owner, self, lent, default_return_value=True
        ), "transfer refused"
        self._liquidate(liquidation, 0, 0)
    elif liquidation.source == terms.FLASH_SWAP:
        assert len(liquidation.legs) == 1, "not one leg"
        self.awaited = keccak256(plan)
        self.held = money.held(liquidation.legs[0].hops[0].token_out)
        sale.flash_swap(liquidation.collateral, liquidation.legs[0], plan)
        assert self.awaited == empty(bytes32), "no callback"
    else:
        self.awaited = keccak256(plan)
        if liquidation.source == terms.AAVE_V2_LOAN:
            self.kept = plan
        protocols.borrow(liquidation, plan)
        assert self.awaited == empty(bytes32), "no loan"
        if money.allowed(liquidation.debt, liquidation.lender) != 0:
            money.allow(liquidation.debt, liquidation.lender, 0)
    after: uint256 = money.held(liquidation.debt)
    assert after >= before + lent + liquidation.min_profit, "unprofitable"
    profit: uint256 = after - before - lent
    bid: uint256 = 0
    if liquidation.bid_bps != 0:
        bid = profit * liquidation.bid_bps // BPS
        profit -= bid
        assert profit >= liquidation.min_profit, "unprofitable"
        extcall WrappedNative(wrapped_native).withdraw(bid)
        raw_call(block.coinbase, b"", value=bid)
    if lent + profit != 0:
        money.send(liquidation.debt, control.owner, lent + profit)
    log Liquidated(
        account=liquidation.account,
        debt=liquidation.debt,
        collateral=liquidation.collateral,
        repaid=self.repaid,
        seized=self.seized,
        profit=profit,
        bid=bid,
    )
    return profit


@external
def liquidate_in_swap(plan: Bytes[MAX_PLAN]):
    """
    @notice A flash swap's pool gave what it pays and waits for the collateral: swaps on to the debt asset,
        repays the debt and seizes what the pool is owed, called by its callback only.
    """
    assert msg.sender == self, "not self"
    liquidation: terms.Liquidation = self._expected(plan)
    leg: terms.Leg = liquidation.legs[0]
    given: uint256 = money.held(leg.hops[0].token_out) - self.held
    sale.sell_on(leg, liquidation.debt, given)
    repaid: uint256 = 0
    seized: uint256 = 0
    repaid, seized = self._seize(liquidation, 0)
    assert seized >= leg.amount, "too little seized"
    self.repaid = repaid
    self.seized = seized
    if seized != leg.amount:
        money.send(liquidation.collateral, control.owner, seized - leg.amount)


@internal
def _liquidate(liquidation: terms.Liquidation, fee: uint256, pulled: uint256):
    """
    @notice Repays the debt, takes the collateral, sells it.
    @param fee What the loan costs.
    """
    repaid: uint256 = 0
    seized: uint256 = 0
    repaid, seized = self._seize(liquidation, pulled)
    self._sell(liquidation, seized, repaid, fee)


@internal
def _seize(liquidation: terms.Liquidation, pulled: uint256) -> (uint256, uint256):
    """
    @notice Repays the debt, takes the collateral.
    @param pulled What the venue will pull besides, being the lender too. One approval for both pulls: writing
        the allowance twice would cost more.
    @return What was repaid, in debt units, and what was seized.
    """
    venue: address = liquidation.venue
    before: uint256 = money.held(liquidation.collateral)
    allowed: uint256 = liquidation.repay + pulled
    money.allow(liquidation.debt, venue, allowed)
    protocols.liquidate(liquidation)
    left: uint256 = money.allowed(liquidation.debt, venue)
    repaid: uint256 = allowed - left
    if pulled == 0 and left != 0:
        money.allow(liquidation.debt, venue, 0)
    after: uint256 = money.held(liquidation.collateral)
    if liquidation.collateral == liquidation.debt:
        after += repaid
    return repaid, after - before


@internal
def _sell(liquidation: terms.Liquidation, seized: uint256, repaid: uint256, fee: uint256):
    """
    @dev The profit is checked here too: a lender that cannot get its loan back says so less clearly.
    """
    assert seized != 0, "nothing seized"
    received: uint256 = sale.sell(liquidation.collateral, liquidation.debt, liquidation.legs, seized)
    assert received >= repaid + fee + liquidation.min_profit, "unprofitable"
    self.repaid = repaid
    self.seized = seized


@internal
def _expected(plan: Bytes[MAX_PLAN]) -> terms.Liquidation:
    """
    @notice Takes the expectation out, once, for a callback that brings the plan that is running.
    """
    assert keccak256(plan) == self.awaited, "unexpected callback"
    self.awaited = empty(bytes32)
    return abi_decode(plan, terms.Liquidation)


@internal
def _on_loan(plan: Bytes[MAX_PLAN], source: uint256, asset: address, amount: uint256, fee: uint256):
    """
    @notice The loan is here: liquidates, and pays it back in the lender's way.
    @param asset Zero where the lender does not say, as Morpho and Uniswap.
    @param amount Zero where the lender does not say, as Uniswap.
    """
    liquidation: terms.Liquidation = self._expected(plan)
    assert msg.sender == liquidation.lender, "not the lender"
    assert liquidation.source == source, "another source"
    assert asset == liquidation.debt or asset == empty(address), "another loan"
    assert amount == liquidation.repay or source == terms.UNISWAP_LOAN, "another loan"
    owed: uint256 = liquidation.repay + fee
    pulls: bool = source != terms.BALANCER_LOAN and source != terms.UNISWAP_LOAN
    if pulls and liquidation.lender == liquidation.venue:
        self._liquidate(liquidation, fee, owed)
        return
    self._liquidate(liquidation, fee, 0)
    if pulls:
        money.allow(liquidation.debt, msg.sender, owed)
    else:
        money.send(liquidation.debt, msg.sender, owed)


@external
def executeOperation(
    asset: address, amount: uint256, premium: uint256, initiator: address, params: Bytes[MAX_PLAN]
) -> bool:
    """
    @notice The flash loan of Aave v3, which will be pulled back.
    """
    assert initiator == self, "not the borrower"
    self._on_loan(params, terms.AAVE_LOAN, asset, amount, premium)
    return True


@external
def onMorphoFlashLoan(assets: uint256, data: Bytes[MAX_PLAN]):
    """
    @notice The flash loan of Morpho, which is free and will be pulled back.
    """
    self._on_loan(data, terms.MORPHO_LOAN, empty(address), assets, 0)


@external
def receiveFlashLoan(
    tokens: DynArray[address, 1],
    amounts: DynArray[uint256, 1],
    fees: DynArray[uint256, 1],
    data: Bytes[MAX_PLAN],
):
    """
    @notice The flash loan of Balancer's vault, which is sent back.
    """
    self._on_loan(data, terms.BALANCER_LOAN, tokens[0], amounts[0], fees[0])


@external
def uniswapV3FlashCallback(fee0: uint256, fee1: uint256, data: Bytes[MAX_PLAN]):
    """
    @notice The flash of a Uniswap v3 pool, which is sent back. Of the two fees one is zero.
    """
    self._on_loan(data, terms.UNISWAP_LOAN, empty(address), 0, fee0 + fee1)


@external
def onMorphoLiquidate(repaid: uint256, data: Bytes[MAX_PLAN]):
    """
    @notice Morpho handed out the collateral and will pull `repaid`.
    """
    self._pay_later(data, terms.MORPHO, repaid)


@external
def onPreLiquidate(repaid: uint256, data: Bytes[MAX_PLAN]):
    """
    @notice A pre-liquidation contract handed out the collateral and will pull `repaid`.
    """
    self._pay_later(data, terms.PRE_LIQUIDATION, repaid)


@external
def onChecksDeferred(plan: Bytes[MAX_PLAN]):
    """
    @notice Euler's connector waits with its checks: takes the debt over, sells its collateral, repays.
    """
    self._pay_later(plan, terms.EULER, 0)


@internal
def _pay_later(plan: Bytes[MAX_PLAN], dialect: uint256, repaid: uint256):
    liquidation: terms.Liquidation = self._expected(plan)
    assert liquidation.dialect == dialect, "another dialect"
    owed: uint256 = repaid
    if dialect == terms.EULER:
        assert msg.sender == protocols.connector(liquidation), "not the connector"
        owed = protocols.take_over(liquidation)
    else:
        assert msg.sender == liquidation.venue, "not the venue"
    self._sell(liquidation, money.held(liquidation.collateral) - self.held, owed, 0)
    money.allow(liquidation.debt, liquidation.venue, owed)
    if dialect == terms.EULER:
        protocols.give_back(liquidation)
