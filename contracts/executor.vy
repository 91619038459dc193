# pragma version ==0.4.3
# pragma evm-version cancun
# pragma optimize gas
"""
@title Liquidation executor
@license MIT
@notice Liquidates Aave v3 accounts with flash-loaned money and hands every profit to the owner at once.
@dev One liquidation is: borrow the debt asset, repay the account's debt, swap the seized collateral back
    through Uniswap v3 pools, repay the loan, check the profit. Each runs in a call of its own, so one that
    fails undoes only itself. No token and no allowance stays here between transactions.

    Callbacks are open to anyone by nature, so each is bound to the one call that is running: what is
    expected is written to transient storage right before the call and taken out by the callback. The
    second callback, the stranger and the pool that asks for another amount all revert.

    Trusted: the owner, the allow-listed lending pools, the allow-listed factories to name genuine pools.
    Not trusted: tokens, borrowers, anyone else. The operator can waste gas and a bonus, never funds.
"""

from ethereum.ercs import IERC20

interface LendingPool:
    def flashLoanSimple(
        receiver: address, asset: address, amount: uint256, params: Bytes[MAX_PARAMS], referral: uint16
    ): nonpayable
    def liquidationCall(
        collateral: address, debt: address, account: address, repay: uint256, receive_a_token: bool
    ): nonpayable

interface SwapFactory:
    def getPool(token_a: address, token_b: address, fee: uint24) -> address: view

interface SwapPool:
    def swap(
        recipient: address, zero_for_one: bool, amount: int256, price_limit: uint160, data: Bytes[32]
    ) -> (int256, int256): nonpayable

struct Hop:
    token_out: address
    fee: uint24  # 1e-6, with the two tokens it names the pool

struct Liquidation:
    pool: address  # lends the flash loan and takes the liquidation call
    factory: address  # names the swap pools
    account: address  # the borrower
    collateral: address
    debt: address
    repay: uint256  # debt units; the pool may take less
    min_profit: uint256  # debt units
    hops: DynArray[Hop, MAX_HOPS]  # from collateral to debt; empty when they are the same

struct Result:
    ok: bool
    profit: uint256  # debt units, already with the owner
    reason: Bytes[MAX_REASON]  # start of the revert data when not ok

struct Payment:
    pool: address
    token: address
    amount: uint256

event Liquidated:
    account: indexed(address)
    debt: indexed(address)
    collateral: indexed(address)
    repaid: uint256
    seized: uint256
    profit: uint256

event Skipped:
    account: indexed(address)
    reason: Bytes[MAX_REASON]

event PoolSet:
    pool: indexed(address)
    allowed: bool

event FactorySet:
    factory: indexed(address)
    allowed: bool

event OperatorSet:
    operator: indexed(address)

event Swept:
    token: indexed(address)
    amount: uint256

event OwnershipOffered:
    owner: indexed(address)
    pending_owner: indexed(address)

event OwnershipTransferred:
    previous: indexed(address)
    owner: indexed(address)

MAX_LIQUIDATIONS: constant(uint256) = 32
MAX_HOPS: constant(uint256) = 3
MAX_PARAMS: constant(uint256) = 512  # abi_encode of a Liquidation with MAX_HOPS hops
MAX_REASON: constant(uint256) = 132  # Error(string) of up to 64 characters
# Uniswap v3 TickMath bounds, one inside: the pool takes any price
LOWEST_PRICE: constant(uint160) = 4295128740
HIGHEST_PRICE: constant(uint160) = 1461446703485210103287273052203988822378723970341

owner: public(address)
pending_owner: public(address)
operator: public(address)
pools: public(HashMap[address, bool])
factories: public(HashMap[address, bool])

loan: transient(bytes32)  # keccak256 of the parameters that executeOperation must bring
payment: transient(Payment)  # what uniswapV3SwapCallback must pay, and to whom
repaid: transient(uint256)
seized: transient(uint256)


@deploy
def __init__(owner: address, operator: address):
    assert owner != empty(address), "no owner"
    self.owner = owner
    self.operator = operator
    log OwnershipTransferred(previous=empty(address), owner=owner)
    log OperatorSet(operator=operator)


@external
@nonreentrant
def execute(liquidations: DynArray[Liquidation, MAX_LIQUIDATIONS]) -> DynArray[Result, MAX_LIQUIDATIONS]:
    """
    @notice Tries every liquidation in order; the ones that fail are skipped with their reason.
    @dev Reverts with NothingDone(bytes), holding the first reason, when none succeeds.
    """
    assert msg.sender == self.operator or msg.sender == self.owner, "not operator"
    results: DynArray[Result, MAX_LIQUIDATIONS] = []
    done: bool = False
    for liquidation: Liquidation in liquidations:
        ok: bool = False
        returned: Bytes[MAX_REASON] = b""
        ok, returned = raw_call(
            self,
            abi_encode(
                liquidation,
                method_id=method_id(
                    "liquidate((address,address,address,address,address,uint256,uint256,(address,uint24)[]))"
                ),
            ),
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
def liquidate(liquidation: Liquidation) -> uint256:
    """
    @notice One liquidation from loan to profit, called by `execute` only.
    @return The profit, in debt units, sent to the owner.
    """
    assert msg.sender == self, "not self"
    assert self.pools[liquidation.pool], "pool not allowed"
    if len(liquidation.hops) != 0:
        assert self.factories[liquidation.factory], "factory not allowed"
    debt: IERC20 = IERC20(liquidation.debt)
    before: uint256 = staticcall debt.balanceOf(self)

    params: Bytes[MAX_PARAMS] = abi_encode(liquidation)
    self.loan = keccak256(params)
    extcall LendingPool(liquidation.pool).flashLoanSimple(self, debt.address, liquidation.repay, params, 0)
    assert self.loan == empty(bytes32), "no loan"
    if staticcall debt.allowance(self, liquidation.pool) != 0:
        self._approve(debt, liquidation.pool, 0)

    after: uint256 = staticcall debt.balanceOf(self)
    assert after >= before + liquidation.min_profit, "unprofitable"
    profit: uint256 = after - before
    if profit != 0:
        self._transfer(debt, self.owner, profit)
    log Liquidated(
        account=liquidation.account,
        debt=debt.address,
        collateral=liquidation.collateral,
        repaid=self.repaid,
        seized=self.seized,
        profit=profit,
    )
    return profit


@external
def executeOperation(
    asset: address, amount: uint256, premium: uint256, initiator: address, params: Bytes[MAX_PARAMS]
) -> bool:
    """
    @notice Flash loan callback: liquidates, swaps, and leaves the pool an allowance for the loan.
    @dev Only for the loan that `liquidate` is taking at this moment, with the very parameters it sent.
    """
    assert keccak256(params) == self.loan, "unexpected loan"
    self.loan = empty(bytes32)
    liquidation: Liquidation = abi_decode(params, Liquidation)
    assert msg.sender == liquidation.pool, "not the lender"
    assert initiator == self, "not the borrower"
    assert asset == liquidation.debt and amount == liquidation.repay, "another loan"

    debt: IERC20 = IERC20(asset)
    collateral: IERC20 = IERC20(liquidation.collateral)
    before: uint256 = staticcall collateral.balanceOf(self)
    # One approval for both pulls, liquidation and loan: writing the allowance twice would cost more.
    allowed: uint256 = amount + amount + premium
    self._approve(debt, msg.sender, allowed)
    extcall LendingPool(msg.sender).liquidationCall(
        collateral.address, asset, liquidation.account, amount, False
    )
    repaid: uint256 = allowed - staticcall debt.allowance(self, msg.sender)
    after: uint256 = staticcall collateral.balanceOf(self)
    if collateral.address == asset:
        after += repaid
    seized: uint256 = after - before
    # Checked here too: a pool that cannot pull its loan back says so less clearly.
    received: uint256 = self._swap(liquidation, seized)
    assert received >= repaid + premium + liquidation.min_profit, "unprofitable"
    self.repaid = repaid
    self.seized = seized
    return True


@external
def uniswapV3SwapCallback(amount0: int256, amount1: int256, data: Bytes[32]):
    """
    @notice Pays the running swap: its own token, exactly the amount put in, once.
    @dev A pool that ran out of liquidity asks for less; paying that would leave collateral here.
    """
    payment: Payment = self.payment
    assert msg.sender == payment.pool, "unexpected swap"
    self.payment = empty(Payment)
    assert max(amount0, amount1) == convert(payment.amount, int256), "wrong amount"
    self._transfer(IERC20(payment.token), msg.sender, payment.amount)


@internal
def _swap(liquidation: Liquidation, amount: uint256) -> uint256:
    """
    @notice Swaps exactly `amount` of the collateral along the hops into the debt asset.
    @dev Passes on what arrived, not what a pool says it gave: other balances are never touched.
    @return What arrived, in debt units.
    """
    token: address = liquidation.collateral
    left: uint256 = amount
    for hop: Hop in liquidation.hops:
        pool: address = staticcall SwapFactory(liquidation.factory).getPool(token, hop.token_out, hop.fee)
        assert pool != empty(address), "no swap pool"
        before: uint256 = staticcall IERC20(hop.token_out).balanceOf(self)
        up: bool = convert(token, uint160) > convert(hop.token_out, uint160)
        self.payment = Payment(pool=pool, token=token, amount=left)
        extcall SwapPool(pool).swap(
            self, not up, convert(left, int256), HIGHEST_PRICE if up else LOWEST_PRICE, b""
        )
        assert self.payment.pool == empty(address), "swap not paid"
        left = staticcall IERC20(hop.token_out).balanceOf(self) - before
        token = hop.token_out
    assert token == liquidation.debt, "route ends elsewhere"
    return left


@external
def set_operator(operator: address):
    self._only_owner()
    self.operator = operator
    log OperatorSet(operator=operator)


@external
def set_pool(pool: address, allowed: bool):
    """
    @notice Allows or forbids an Aave v3 pool. It gets allowances: list only what you trust.
    """
    self._only_owner()
    self.pools[pool] = allowed
    log PoolSet(pool=pool, allowed=allowed)


@external
def set_factory(factory: address, allowed: bool):
    """
    @notice Allows or forbids a Uniswap v3 factory whose pools may swap.
    """
    self._only_owner()
    self.factories[factory] = allowed
    log FactorySet(factory=factory, allowed=allowed)


@external
@nonreentrant
def sweep(token: address):
    """
    @notice Sends a whole balance to the owner: of `token`, or of ether for the zero address.
    @dev Nothing here is payable, yet ether can be forced in (block rewards, self-destruct).
    """
    self._only_owner()
    amount: uint256 = 0
    if token == empty(address):
        amount = self.balance
        raw_call(self.owner, b"", value=amount)
    else:
        amount = staticcall IERC20(token).balanceOf(self)
        self._transfer(IERC20(token), self.owner, amount)
    log Swept(token=token, amount=amount)


@external
def transfer_ownership(owner: address):
    """
    @notice Offers the contract to `owner`, who must accept. The zero address takes an offer back.
    """
    self._only_owner()
    self.pending_owner = owner
    log OwnershipOffered(owner=msg.sender, pending_owner=owner)


@external
def accept_ownership():
    assert msg.sender == self.pending_owner, "not pending owner"
    log OwnershipTransferred(previous=self.owner, owner=msg.sender)
    self.owner = msg.sender
    self.pending_owner = empty(address)


@internal
@view
def _only_owner():
    assert msg.sender == self.owner, "not owner"


@internal
def _transfer(token: IERC20, to: address, amount: uint256):
    assert extcall token.transfer(to, amount, default_return_value=True), "transfer refused"


@internal
def _approve(token: IERC20, spender: address, amount: uint256):
    assert extcall token.approve(spender, amount, default_return_value=True), "approve refused"
