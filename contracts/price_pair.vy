# pragma version ~=0.4.3
# @title A Morpho oracle: one feed's price in terms of another's, times a power of ten.

interface Feed:
    def latestAnswer() -> int256: view

BASE: public(immutable(address))
QUOTE: public(immutable(address))
SCALE: public(immutable(uint256))


@deploy
def __init__(base: address, quote: address, scale: uint256):
    BASE = base
    QUOTE = quote
    SCALE = scale


@external
@view
def price() -> uint256:
    base: uint256 = convert(staticcall Feed(BASE).latestAnswer(), uint256)
    quote: uint256 = convert(staticcall Feed(QUOTE).latestAnswer(), uint256)
    return SCALE * base // quote
