# pragma version ==0.4.3
# pragma evm-version cancun
"""
@title Comet as a liquidator sees it: absorbs accounts for nothing, sells their collateral
"""

from ethereum.ercs import IERC20

base: address
price: uint256  # collateral units for 1000 base units
absorbed: public(DynArray[address, 4])


@deploy
def __init__(base: address, price: uint256):
    self.base = base
    self.price = price


@external
def absorb(absorber: address, accounts: DynArray[address, 4]):
    assert absorber == msg.sender
    self.absorbed = accounts


@external
def buyCollateral(asset: address, at_least: uint256, base: uint256, recipient: address):
    extcall IERC20(self.base).transferFrom(msg.sender, self, base, default_return_value=True)
    given: uint256 = base * self.price // 1000
    assert given >= at_least, "TooMuchSlippage"
    extcall IERC20(asset).transfer(recipient, given, default_return_value=True)
