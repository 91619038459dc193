# pragma version ==0.4.3
# pragma evm-version cancun
"""
@title Router of an aggregator: takes what its calldata says, pays what it says
"""

from ethereum.ercs import IERC20


@external
def swap(token_in: address, amount: uint256, token_out: address, given: uint256):
    extcall IERC20(token_in).transferFrom(msg.sender, self, amount, default_return_value=True)
    extcall IERC20(token_out).transfer(msg.sender, given, default_return_value=True)
