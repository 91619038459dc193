# pragma version ~=0.4.3
# @title A price source that may not rise above a multiple of another, like Aave's adapter for euro
#        stablecoins: anyone may set the multiple on the devnet.

interface Source:
    def latestAnswer() -> int256: view

event PriceCapRatioUpdated:
    priceCapRatio: int256

ASSET_TO_USD_AGGREGATOR: public(immutable(address))
BASE_TO_USD_AGGREGATOR: public(immutable(address))
RATIO_DECIMALS: public(immutable(uint8))
description: public(String[64])
decimals: public(uint8)
getPriceCapRatio: public(int256)


@deploy
def __init__(description: String[64], asset: address, peg: address, ratio_decimals: uint8, ratio: int256):
    ASSET_TO_USD_AGGREGATOR = asset
    BASE_TO_USD_AGGREGATOR = peg
    RATIO_DECIMALS = ratio_decimals
    self.description = description
    self.decimals = 8
    self._set_ratio(ratio)


@external
def setPriceCapRatio(ratio: int256):
    self._set_ratio(ratio)


@external
@view
def latestAnswer() -> int256:
    price: int256 = staticcall Source(ASSET_TO_USD_AGGREGATOR).latestAnswer()
    peg: int256 = staticcall Source(BASE_TO_USD_AGGREGATOR).latestAnswer()
    unit: int256 = convert(10 ** convert(RATIO_DECIMALS, uint256), int256)
    return min(price, peg * self.getPriceCapRatio // unit)


@internal
def _set_ratio(ratio: int256):
    self.getPriceCapRatio = ratio
    log PriceCapRatioUpdated(priceCapRatio=ratio)
