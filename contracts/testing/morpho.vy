# pragma version ==0.4.3
# pragma evm-version cancun
"""
@title Morpho as a liquidator and a borrower see it: hands out, calls back, pulls. Can lie.
@dev The same for a pre-liquidation contract, which is called by other names.
"""

from ethereum.ercs import IERC20

interface Receiver:
    def onMorphoLiquidate(repaid: uint256, data: Bytes[1793]): nonpayable
    def onPreLiquidate(repaid: uint256, data: Bytes[1793]): nonpayable
    def onMorphoFlashLoan(amount: uint256, data: Bytes[1793]): nonpayable

struct MarketParams:
    loan: address
    collateral: address
    oracle: address
    irm: address
    lltv: uint256

flag Conduct:
    HONEST
    NO_CALLBACK
    TWO_CALLBACKS
    OTHER_AMOUNT
    OTHER_DATA

flag Callback:
    LIQUIDATE
    PRE_LIQUIDATE
    FLASH_LOAN

conduct: public(Conduct)
market: MarketParams
price: public(uint256)  # debt units asked for 1000 collateral units


@deploy
def __init__(loan: address, collateral: address, price: uint256):
    self.market = MarketParams(
        loan=loan, collateral=collateral, oracle=empty(address), irm=empty(address), lltv=0
    )
    self.price = price
    self.conduct = Conduct.HONEST


@external
def set_conduct(conduct: Conduct):
    self.conduct = conduct


@external
def liquidate(
    market: MarketParams, account: address, seized: uint256, shares: uint256, data: Bytes[1792]
) -> (uint256, uint256):
    assert market.loan == self.market.loan and market.collateral == self.market.collateral, "no market"
    return self._liquidate(seized, data, Callback.LIQUIDATE)


@external
def preLiquidate(
    account: address, seized: uint256, shares: uint256, data: Bytes[1792]
) -> (uint256, uint256):
    return self._liquidate(seized, data, Callback.PRE_LIQUIDATE)


@external
def flashLoan(token: address, amount: uint256, data: Bytes[1792]):
    extcall IERC20(token).transfer(msg.sender, amount, default_return_value=True)
    if self.conduct == Conduct.NO_CALLBACK:
        return
    self._call_back(msg.sender, amount, data, Callback.FLASH_LOAN)
    extcall IERC20(token).transferFrom(msg.sender, self, amount, default_return_value=True)


@internal
def _liquidate(seized: uint256, data: Bytes[1792], callback: Callback) -> (uint256, uint256):
    repaid: uint256 = seized * self.price // 1000
    extcall IERC20(self.market.collateral).transfer(msg.sender, seized, default_return_value=True)
    if self.conduct == Conduct.NO_CALLBACK:
        return seized, repaid
    self._call_back(msg.sender, repaid, data, callback)
    extcall IERC20(self.market.loan).transferFrom(msg.sender, self, repaid, default_return_value=True)
    return seized, repaid


@internal
def _call_back(receiver: address, amount: uint256, data: Bytes[1792], callback: Callback):
    claimed: uint256 = amount
    passed: Bytes[1793] = data
    if self.conduct == Conduct.OTHER_AMOUNT:
        claimed += 1
    if self.conduct == Conduct.OTHER_DATA:
        passed = concat(data, b"\x00")
    times: uint256 = 2 if self.conduct == Conduct.TWO_CALLBACKS else 1
    for _: uint256 in range(times, bound=2):
        if callback == Callback.LIQUIDATE:
            extcall Receiver(receiver).onMorphoLiquidate(claimed, passed)
        elif callback == Callback.PRE_LIQUIDATE:
            extcall Receiver(receiver).onPreLiquidate(claimed, passed)
        else:
            extcall Receiver(receiver).onMorphoFlashLoan(claimed, passed)
