# pragma version ==0.4.3
# pragma evm-version cancun
"""
@title Spoke of Aave v4 as a liquidator sees it: reserves have numbers
"""

from ethereum.ercs import IERC20

reserves: HashMap[uint256, address]
seized_per_mille: uint256


@deploy
def __init__(collateral: address, debt: address, seized_per_mille: uint256):
    self.reserves[3] = collateral
    self.reserves[7] = debt
    self.seized_per_mille = seized_per_mille


@external
def liquidationCall(
    collateral_id: uint256, debt_id: uint256, account: address, repay: uint256, receive_shares: bool
):
    assert not receive_shares
    extcall IERC20(self.reserves[debt_id]).transferFrom(msg.sender, self, repay, default_return_value=True)
    extcall IERC20(self.reserves[collateral_id]).transfer(
        msg.sender, repay * self.seized_per_mille // 1000, default_return_value=True
    )
