# pragma version ~=0.4.3
# @title A price source set by hand that announces every change, like Aave's fixed price adapter:
#        anyone may set it on the devnet.

event FixedPriceUpdated:
    currentPrice: int256
    newPrice: int256

ACL_MANAGER: public(immutable(address))
description: public(String[64])
decimals: public(uint8)
price: public(int256)


@deploy
def __init__(description: String[64], price: int256):
    ACL_MANAGER = msg.sender
    self.description = description
    self.decimals = 8
    self._set(price)


@external
def setPrice(price: int256):
    self._set(price)


@external
@view
def latestAnswer() -> int256:
    return self.price


@internal
def _set(price: int256):
    log FixedPriceUpdated(currentPrice=self.price, newPrice=price)
    self.price = price
