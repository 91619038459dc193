# pragma version ~=0.4.3
# @title A price source that may not rise above a cap, like Aave's adapters for dollar stablecoins:
#        anyone may set the cap on the devnet.

interface Source:
    def latestAnswer() -> int256: view

event PriceCapUpdated:
    priceCap: int256

ASSET_TO_USD_AGGREGATOR: public(immutable(address))
description: public(String[64])
decimals: public(uint8)
getPriceCap: public(int256)


@deploy
def __init__(description: String[64], asset: address, cap: int256):
    ASSET_TO_USD_AGGREGATOR = asset
    self.description = description
    self.decimals = 8
    self._set_cap(cap)


@external
def setPriceCap(cap: int256):
    self._set_cap(cap)


@external
@view
def latestAnswer() -> int256:
    price: int256 = staticcall Source(ASSET_TO_USD_AGGREGATOR).latestAnswer()
    if price > self.getPriceCap:
        return self.getPriceCap
    return max(price, 0)


@internal
def _set_cap(cap: int256):
    self.getPriceCap = cap
    log PriceCapUpdated(priceCap=cap)
