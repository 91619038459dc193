# pragma version ==0.4.3
# pragma evm-version cancun
"""
@title Flash borrower of the devnet, for loans of several assets
@license MIT
@notice Called back by an Aave pool of any version: gives everything back, the premiums minted, or keeps it,
        which makes the loan revert unless the pool books it as debt.
@dev Devnet tokens may be minted by anyone.
"""

from ethereum.ercs import IERC20

interface MintableToken:
    def mint(receiver: address, amount: uint256) -> bool: nonpayable


@external
def executeOperation(
    assets: DynArray[address, 16],
    amounts: DynArray[uint256, 16],
    premiums: DynArray[uint256, 16],
    initiator: address,
    params: Bytes[32],
) -> bool:
    """
    @notice Called back by the pool with the loans in hand; allows it to take loans and premiums.
    """
    if abi_decode(params, bool):
        for i: uint256 in range(len(assets), bound=16):
            asset: address = assets[i]
            extcall MintableToken(asset).mint(self, premiums[i], default_return_value=True)
            # What the pool books as debt it does not take, and some tokens refuse to replace an allowance.
            extcall IERC20(asset).approve(msg.sender, 0, default_return_value=True)
            extcall IERC20(asset).approve(msg.sender, amounts[i] + premiums[i], default_return_value=True)
    return True
