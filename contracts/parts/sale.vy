# pragma version ==0.4.3
"""
@title Selling what was seized: Uniswap v3 pools, and aggregators by their routers
@license MIT
@dev The amount that must come out is guarded by the minimum profit of the liquidation, not here.
"""

from . import control
from . import money
from . import terms

uses: control

interface SwapFactory:
    def getPool(token_a: address, token_b: address, fee: uint24) -> address: view

interface SwapPool:
    def swap(
        recipient: address, zero_for_one: bool, amount: int256, price_limit: uint160, data: Bytes[32]
    ) -> (int256, int256): nonpayable

interface FlashSwapPool:
    def swap(
        recipient: address, zero_for_one: bool, amount: int256, price_limit: uint160, data: Bytes[MAX_PLAN]
    ) -> (int256, int256): nonpayable

interface Ourselves:
    def hand_over(router: address, collateral: address, amount: uint256) -> uint256: nonpayable
    def liquidate_in_swap(plan: Bytes[MAX_PLAN]): nonpayable

struct Payment:
    pool: address
    token: address
    amount: uint256

MAX_PLAN: constant(uint256) = 1792  # abi_encode of a Liquidation

# Uniswap v3 TickMath bounds, one inside: the pool takes any price
LOWEST_PRICE: constant(uint160) = 4295128740
HIGHEST_PRICE: constant(uint160) = 1461446703485210103287273052203988822378723970341

payment: transient(Payment)  # what uniswapV3SwapCallback must pay, and to whom
call: transient(Bytes[4096])  # what the transaction's router leg calls with


@internal
def sell(collateral: address, debt: address, legs: DynArray[terms.Leg, 3], amount: uint256) -> uint256:
    """
    @notice Sells `amount` of the collateral, leg by leg. What a router leaves goes to the next leg; what is
        left at the end goes to the owner.
    @return What arrived, in debt units.
    """
    if len(legs) == 0:
        assert collateral == debt, "route ends elsewhere"
        return amount
    received: uint256 = 0
    left: uint256 = amount
    legs_to_go: uint256 = len(legs)
    for leg: terms.Leg in legs:
        legs_to_go -= 1
        part: uint256 = leg.amount
        if legs_to_go == 0:
            part = left
        if leg.hops[0].token_out != empty(address):
            received += self._swap(leg, collateral, debt, part)
            left -= part
        else:
            before: uint256 = money.held(debt)
            left -= extcall Ourselves(self).hand_over(leg.venue, collateral, part)
            received += money.held(debt) - before
    if left != 0:
        money.send(collateral, control.owner, left)
    return received


@internal
def flash_swap(collateral: address, leg: terms.Leg, plan: Bytes[MAX_PLAN]):
    """
    @notice Sells collateral that is still to be seized, in the first pool of the leg: while that waits for its
        payment, `liquidate_in_swap` goes on with what it gave.
    """
    assert control.factories[leg.venue], "factory not allowed"
    up: bool = convert(collateral, uint160) > convert(leg.hops[0].token_out, uint160)
    pool: address = self._awaiting(leg.venue, collateral, leg.hops[0], leg.amount)
    extcall FlashSwapPool(pool).swap(
        self, not up, convert(leg.amount, int256), HIGHEST_PRICE if up else LOWEST_PRICE, plan
    )
    assert self.payment.pool == empty(address), "swap not paid"


@internal
def sell_on(leg: terms.Leg, debt: address, amount: uint256):
    """
    @notice Swaps the `amount` that the first pool of the leg gave along the other hops.
    """
    rest: terms.Leg = leg
    rest.hops = [leg.hops[1], leg.hops[2], empty(terms.Hop)]
    self._swap(rest, leg.hops[0].token_out, debt, amount)


@external
def uniswapV3SwapCallback(amount0: int256, amount1: int256, data: Bytes[MAX_PLAN]):
    """
    @notice Pays the running swap: its own token, exactly the amount put in, once.
    @dev A pool that ran out of liquidity asks for less; paying that would leave collateral here.
        What a flash swap owes is seized first, in a call of our own: other swaps do not pay for its memory.
    """
    payment: Payment = self.payment
    assert msg.sender == payment.pool, "unexpected swap"
    self.payment = empty(Payment)
    assert max(amount0, amount1) == convert(payment.amount, int256), "wrong amount"
    if len(data) != 0:
        extcall Ourselves(self).liquidate_in_swap(data)
    money.send(payment.token, msg.sender, payment.amount)


@internal
def _swap(leg: terms.Leg, collateral: address, debt: address, amount: uint256) -> uint256:
    """
    @notice Swaps exactly `amount` of the collateral along the hops into the debt asset.
    @dev Passes on what arrived, not what a pool says it gave: other balances are never touched.
    """
    assert control.factories[leg.venue], "factory not allowed"
    token: address = collateral
    left: uint256 = amount
    for hop: terms.Hop in leg.hops:
        if hop.token_out == empty(address):
            break
        before: uint256 = money.held(hop.token_out)
        up: bool = convert(token, uint160) > convert(hop.token_out, uint160)
        pool: address = self._awaiting(leg.venue, token, hop, left)
        extcall SwapPool(pool).swap(
            self, not up, convert(left, int256), HIGHEST_PRICE if up else LOWEST_PRICE, b""
        )
        assert self.payment.pool == empty(address), "swap not paid"
        left = money.held(hop.token_out) - before
        token = hop.token_out
    assert token == debt, "route ends elsewhere"
    return left


@internal
def _awaiting(factory: address, token: address, hop: terms.Hop, amount: uint256) -> address:
    """
    @return The pool of one hop, which may now ask for exactly `amount` of the token, once.
    """
    pool: address = staticcall SwapFactory(factory).getPool(token, hop.token_out, hop.fee)
    assert pool != empty(address), "no swap pool"
    self.payment = Payment(pool=pool, token=token, amount=amount)
    return pool


@external
def hand_over(router: address, collateral: address, amount: uint256) -> uint256:
    """
    @notice Lets the router take up to `amount` for the transaction's call, and nothing after it.
    @dev A call of our own, so that only sales by a router pay for the memory of its calldata.
    @return What it took.
    """
    assert msg.sender == self, "not self"
    assert control.routers[router], "router not allowed"
    assert len(self.call) != 0, "no router call"
    before: uint256 = money.held(collateral)
    money.allow(collateral, router, amount)
    raw_call(router, self.call)
    if money.allowed(collateral, router) != 0:
        money.allow(collateral, router, 0)
    return before - money.held(collateral)
