# pragma version ==0.4.3
# pragma evm-version cancun
"""
@title The OP stack's GasPriceOracle: by size as since Fjord, by bytes as before
@license MIT
"""

price: uint256  # wei for a million scaled bytes, times 1e6
is_fjord: bool


@external
def set_price(price: uint256, is_fjord: bool):
    self.price = price
    self.is_fjord = is_fjord


@external
@view
def getL1FeeUpperBound(unsigned_size: uint256) -> uint256:
    """
    @dev 68 bytes of signature; what FastLZ makes of the worst case; the line fitted to brotli, in millionths.
    """
    assert self.is_fjord, "only since Fjord"
    size: uint256 = unsigned_size + 68
    fast_lz: uint256 = size + size // 255 + 16
    line: int256 = convert(fast_lz * 836_500, int256) - 42_585_600
    return convert(max(line, 100_000_000), uint256) * self.price // 10**12


@external
@view
def getL1Fee(data: Bytes[16384]) -> uint256:
    """
    @dev A zero byte counts a quarter; 68 bytes of signature.
    """
    quarters: uint256 = 68 * 4
    for i: uint256 in range(len(data), bound=16384):
        quarters += 1 if slice(data, i, 1) == b"\x00" else 4
    return quarters * 10**6 // 4 * self.price // 10**12
