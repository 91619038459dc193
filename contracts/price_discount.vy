# pragma version ~=0.4.3
# @title A price source for a token that is worth its asset at maturity, and less before, like Aave's
#        adapter for Pendle principal tokens: anyone may set the discount on the devnet.

interface Source:
    def latestAnswer() -> int256: view

event DiscountRatePerYearUpdated:
    oldDiscountRatePerYear: uint64
    newDiscountRatePerYear: uint64

PERCENTAGE_FACTOR: public(constant(uint256)) = 10**18
YEAR: constant(uint256) = 31_536_000

ASSET_TO_USD_AGGREGATOR: public(immutable(address))
MATURITY: public(immutable(uint256))
description: public(String[64])
decimals: public(uint8)
discountRatePerYear: public(uint64)


@deploy
def __init__(description: String[64], asset: address, maturity: uint256, rate: uint64):
    ASSET_TO_USD_AGGREGATOR = asset
    MATURITY = maturity
    self.description = description
    self.decimals = 8
    self._set_rate(rate)


@external
def setDiscountRatePerYear(rate: uint64):
    self._set_rate(rate)


@external
@view
def latestAnswer() -> int256:
    price: int256 = staticcall Source(ASSET_TO_USD_AGGREGATOR).latestAnswer()
    if price <= 0:
        return 0
    left: uint256 = PERCENTAGE_FACTOR - self._discount()
    return convert(convert(price, uint256) * left // PERCENTAGE_FACTOR, int256)


@internal
@view
def _discount() -> uint256:
    if block.timestamp >= MATURITY:
        return 0
    return (MATURITY - block.timestamp) * convert(self.discountRatePerYear, uint256) // YEAR


@internal
def _set_rate(rate: uint64):
    log DiscountRatePerYearUpdated(oldDiscountRatePerYear=self.discountRatePerYear, newDiscountRatePerYear=rate)
    self.discountRatePerYear = rate
