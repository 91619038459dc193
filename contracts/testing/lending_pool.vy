# pragma version ==0.4.3
# pragma evm-version cancun
"""
@title Lending pool with the calls of Aave v3 that a liquidator sees
@dev Lends, calls back, pulls loan and premium; pulls the repaid debt, pays the seized collateral. Can lie.
"""

from ethereum.ercs import IERC20

interface Receiver:
    def executeOperation(
        asset: address, amount: uint256, premium: uint256, initiator: address, params: Bytes[1793]
    ) -> bool: nonpayable

PREMIUM: constant(uint256) = 5  # bps

flag Conduct:
    HONEST
    NO_CALLBACK
    TWO_CALLBACKS
    OTHER_AMOUNT
    OTHER_PARAMS
    OTHER_INITIATOR
    PULLS_ALLOWANCE

conduct: public(Conduct)
debt_of: public(HashMap[address, uint256])  # most that a liquidation may repay
seized_per_mille: public(uint256)  # collateral units paid for 1000 debt units


@deploy
def __init__(seized_per_mille: uint256):
    self.seized_per_mille = seized_per_mille
    self.conduct = Conduct.HONEST


@external
def set_conduct(conduct: Conduct):
    self.conduct = conduct


@external
def set_debt(account: address, debt: uint256):
    self.debt_of[account] = debt


@external
def liquidationCall(
    collateral: address, debt: address, account: address, repay: uint256, receive_a_token: bool
):
    actual: uint256 = min(repay, self.debt_of[account])
    assert actual != 0, "45"
    self.debt_of[account] -= actual
    extcall IERC20(debt).transferFrom(msg.sender, self, actual, default_return_value=True)
    extcall IERC20(collateral).transfer(
        msg.sender, actual * self.seized_per_mille // 1000, default_return_value=True
    )


@external
def flashLoanSimple(
    receiver: address, asset: address, amount: uint256, params: Bytes[1792], referral: uint16
):
    premium: uint256 = amount * PREMIUM // 10_000
    if self.conduct == Conduct.NO_CALLBACK:
        return
    extcall IERC20(asset).transfer(receiver, amount, default_return_value=True)
    self._call_back(receiver, asset, amount, premium, msg.sender, params)
    if self.conduct == Conduct.TWO_CALLBACKS:
        self._call_back(receiver, asset, amount, premium, msg.sender, params)
    pulled: uint256 = amount + premium
    if self.conduct == Conduct.PULLS_ALLOWANCE:
        pulled = staticcall IERC20(asset).allowance(receiver, self)
    extcall IERC20(asset).transferFrom(receiver, self, pulled, default_return_value=True)


@internal
def _call_back(
    receiver: address, asset: address, amount: uint256, premium: uint256, initiator: address, params: Bytes[1792]
):
    claimed: uint256 = amount
    borrower: address = initiator
    passed: Bytes[1793] = params
    if self.conduct == Conduct.OTHER_AMOUNT:
        claimed += 1
    if self.conduct == Conduct.OTHER_INITIATOR:
        borrower = self
    if self.conduct == Conduct.OTHER_PARAMS:
        passed = concat(params, b"\x00")
    assert extcall Receiver(receiver).executeOperation(asset, claimed, premium, borrower, passed), "13"
