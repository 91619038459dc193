# pragma version ==0.4.3
# pragma evm-version cancun
"""
@title Arbitrum's NodeInterface, as far as the cost of bytes goes
@license MIT
"""

gas_per_byte: uint256


@external
def set_gas_per_byte(units: uint256):
    self.gas_per_byte = units


@external
@payable
def gasEstimateL1Component(to: address, creation: bool, data: Bytes[16384]) -> (uint64, uint256, uint256):
    """
    @dev gas for bytes, base fee here, base fee below; zero bytes compress to nothing, the rest is 140 bytes.
    """
    size: uint256 = 140
    for i: uint256 in range(len(data), bound=16384):
        if slice(data, i, 1) != b"\x00":
            size += 1
    return convert(size * self.gas_per_byte, uint64), block.basefee, 0
