# pragma version ==0.4.3
# pragma evm-version cancun
"""
@title Lending pool with the calls of Aave v2 that a liquidator sees. Can lie.
"""

from ethereum.ercs import IERC20

interface Receiver:
    def executeOperation(
        assets: DynArray[address, 1],
        amounts: DynArray[uint256, 1],
        premiums: DynArray[uint256, 1],
        initiator: address,
        params: Bytes[32],
    ) -> bool: nonpayable

flag Conduct:
    HONEST
    NO_CALLBACK
    TWO_CALLBACKS
    OTHER_AMOUNT
    OTHER_TOKEN
    OTHER_INITIATOR

PREMIUM: constant(uint256) = 9  # bps
conduct: public(Conduct)
seized_per_mille: uint256


@deploy
def __init__(seized_per_mille: uint256):
    self.seized_per_mille = seized_per_mille
    self.conduct = Conduct.HONEST


@external
def set_conduct(conduct: Conduct):
    self.conduct = conduct


@external
def liquidationCall(
    collateral: address, debt: address, account: address, repay: uint256, receive_a_token: bool
):
    extcall IERC20(debt).transferFrom(msg.sender, self, repay, default_return_value=True)
    extcall IERC20(collateral).transfer(
        msg.sender, repay * self.seized_per_mille // 1000, default_return_value=True
    )


@external
def flashLoan(
    receiver: address,
    assets: DynArray[address, 1],
    amounts: DynArray[uint256, 1],
    modes: DynArray[uint256, 1],
    on_behalf_of: address,
    params: Bytes[32],
    referral: uint16,
):
    assert modes[0] == 0, "a debt is not wanted"
    premium: uint256 = amounts[0] * PREMIUM // 10_000
    extcall IERC20(assets[0]).transfer(receiver, amounts[0], default_return_value=True)
    if self.conduct == Conduct.NO_CALLBACK:
        return
    claimed: uint256 = amounts[0]
    asset: address = assets[0]
    initiator: address = msg.sender
    if self.conduct == Conduct.OTHER_AMOUNT:
        claimed += 1
    if self.conduct == Conduct.OTHER_TOKEN:
        asset = self
    if self.conduct == Conduct.OTHER_INITIATOR:
        initiator = self
    for _: uint256 in range(2 if self.conduct == Conduct.TWO_CALLBACKS else 1, bound=2):
        assert extcall Receiver(receiver).executeOperation([asset], [claimed], [premium], initiator, params)
    extcall IERC20(assets[0]).transferFrom(
        receiver, self, amounts[0] + premium, default_return_value=True
    )
