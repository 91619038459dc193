# pragma version ==0.4.3
"""
@title Tokens as they are: some answer false, some answer nothing
@license MIT
"""

from ethereum.ercs import IERC20


@internal
@view
def held(token: address) -> uint256:
    return staticcall IERC20(token).balanceOf(self)


@internal
def send(token: address, to: address, amount: uint256):
    assert extcall IERC20(token).transfer(to, amount, default_return_value=True), "transfer refused"


@internal
def allow(token: address, spender: address, amount: uint256):
    assert extcall IERC20(token).approve(spender, amount, default_return_value=True), "approve refused"


@internal
@view
def allowed(token: address, spender: address) -> uint256:
    return staticcall IERC20(token).allowance(self, spender)
