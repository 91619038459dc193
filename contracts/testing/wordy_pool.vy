# pragma version ==0.4.3
# pragma evm-version cancun
"""
@title Lending pool that refuses with many words
"""


@external
def flashLoanSimple(
    receiver: address, asset: address, amount: uint256, params: Bytes[1792], referral: uint16
):
    raw_revert(
        abi_encode(
            "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
            method_id=method_id("Error(string)"),
        )
    )
