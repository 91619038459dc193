# pragma version ==0.4.3
# pragma evm-version cancun
"""
@title Flash borrower of the devnet
@license MIT
@notice Takes an Aave v3 flash loan and gives it back, the premium minted, or keeps it to make the loan revert.
@dev Devnet tokens may be minted by anyone.
"""

from ethereum.ercs import IERC20

interface MintableToken:
    def mint(receiver: address, amount: uint256) -> bool: nonpayable

interface LendingPool:
    def flashLoanSimple(
        receiver: address, asset: address, amount: uint256, params: Bytes[32], referral: uint16
    ): nonpayable


@external
def borrow(pool: address, asset: address, amount: uint256, repays: bool):
    """
    @notice Borrow `amount` of `asset` from `pool` for the length of this call.
    """
    extcall LendingPool(pool).flashLoanSimple(self, asset, amount, abi_encode(repays), 0)


@external
def executeOperation(
    asset: address, amount: uint256, premium: uint256, initiator: address, params: Bytes[32]
) -> bool:
    """
    @notice Called back by the pool with the loan in hand; allows it to take loan and premium.
    """
    if abi_decode(params, bool):
        extcall MintableToken(asset).mint(self, premium, default_return_value=True)
        extcall IERC20(asset).approve(msg.sender, amount + premium, default_return_value=True)
    return True
