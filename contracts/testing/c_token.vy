# pragma version ==0.4.3
# pragma evm-version cancun
"""
@title Market of the Compound v2 family: refuses by answering a code
@dev Two shares are worth one unit of the underlying token.
"""

from ethereum.ercs import IERC20

interface Market:
    def seize(to: address, shares: uint256): nonpayable

underlying: public(address)
balanceOf: public(HashMap[address, uint256])
liquidation_code: uint256
redeem_code: uint256
seized_per_mille: uint256


@deploy
def __init__(underlying: address, seized_per_mille: uint256):
    self.underlying = underlying
    self.seized_per_mille = seized_per_mille


@external
def set_codes(liquidation: uint256, redeem: uint256):
    self.liquidation_code = liquidation
    self.redeem_code = redeem


@external
def liquidateBorrow(account: address, repay: uint256, collateral: address) -> uint256:
    if self.liquidation_code != 0:
        return self.liquidation_code
    extcall IERC20(self.underlying).transferFrom(msg.sender, self, repay, default_return_value=True)
    extcall Market(collateral).seize(msg.sender, 2 * repay * self.seized_per_mille // 1000)
    return 0


@external
def seize(to: address, shares: uint256):
    self.balanceOf[to] += shares


@external
def redeem(shares: uint256) -> uint256:
    if self.redeem_code != 0:
        return self.redeem_code
    self.balanceOf[msg.sender] -= shares
    extcall IERC20(self.underlying).transfer(msg.sender, shares // 2, default_return_value=True)
    return 0
