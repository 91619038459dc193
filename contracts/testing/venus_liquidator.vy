# pragma version ==0.4.3
# pragma evm-version cancun
"""
@title Venus' Liquidator: takes the money, keeps a twentieth of what is seized, answers nothing
"""

from ethereum.ercs import IERC20

interface Market:
    def underlying() -> address: view
    def seize(to: address, shares: uint256): nonpayable

seized_per_mille: uint256


@deploy
def __init__(seized_per_mille: uint256):
    self.seized_per_mille = seized_per_mille


@external
@payable
def liquidateBorrow(debt: address, account: address, repay: uint256, collateral: address):
    token: address = staticcall Market(debt).underlying()
    extcall IERC20(token).transferFrom(msg.sender, self, repay, default_return_value=True)
    shares: uint256 = 2 * repay * self.seized_per_mille // 1000
    extcall Market(collateral).seize(msg.sender, shares - shares // 20)
