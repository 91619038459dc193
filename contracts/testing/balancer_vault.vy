# pragma version ==0.4.3
# pragma evm-version cancun
"""
@title Lender with the flash loan of Balancer's vault. Can lie.
"""

from ethereum.ercs import IERC20

interface Receiver:
    def receiveFlashLoan(
        tokens: DynArray[address, 1],
        amounts: DynArray[uint256, 1],
        fees: DynArray[uint256, 1],
        data: Bytes[1793],
    ): nonpayable

flag Conduct:
    HONEST
    NO_CALLBACK
    TWO_CALLBACKS
    OTHER_AMOUNT
    OTHER_DATA
    OTHER_TOKEN

FEE: constant(uint256) = 9  # bps
conduct: public(Conduct)


@deploy
def __init__():
    self.conduct = Conduct.HONEST


@external
def set_conduct(conduct: Conduct):
    self.conduct = conduct


@external
def flashLoan(
    recipient: address, tokens: DynArray[address, 1], amounts: DynArray[uint256, 1], data: Bytes[1792]
):
    fee: uint256 = amounts[0] * FEE // 10_000
    before: uint256 = staticcall IERC20(tokens[0]).balanceOf(self)
    extcall IERC20(tokens[0]).transfer(recipient, amounts[0], default_return_value=True)
    if self.conduct == Conduct.NO_CALLBACK:
        return
    claimed: uint256 = amounts[0]
    token: address = tokens[0]
    passed: Bytes[1793] = data
    if self.conduct == Conduct.OTHER_AMOUNT:
        claimed += 1
    if self.conduct == Conduct.OTHER_TOKEN:
        token = self
    if self.conduct == Conduct.OTHER_DATA:
        passed = concat(data, b"\x00")
    for _: uint256 in range(2 if self.conduct == Conduct.TWO_CALLBACKS else 1, bound=2):
        extcall Receiver(recipient).receiveFlashLoan([token], [claimed], [fee], passed)
    assert staticcall IERC20(tokens[0]).balanceOf(self) >= before + fee, "BAL#515"
