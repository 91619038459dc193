# pragma version ==0.4.3
# pragma evm-version cancun
"""
@title Arbitrageur of the devnet
@license MIT
@notice Swaps pools that strayed from the market price back to it, many in one transaction.
@dev Prices are compared here, not by the sender, so a swap mined just before cannot turn a nudge around.
    What a pool asks for is minted into it: devnet tokens may be minted by anyone.
"""

interface MintableToken:
    def mint(receiver: address, amount: uint256) -> bool: nonpayable

interface SwapPool:
    def token0() -> address: view
    def token1() -> address: view
    def slot0() -> (uint160, int24, uint16, uint16, uint16, uint8, bool): view
    def swap(
        recipient: address, zero_for_one: bool, amount: int256, price_limit: uint160, data: Bytes[32]
    ) -> (int256, int256): nonpayable

struct Nudge:
    pool: address
    target: uint160  # square root prices in Q64.96
    low: uint160  # a pool from low to high, both included, is left alone
    high: uint160

event Moved:
    pool: indexed(address)
    before: uint160
    target: uint160


@external
def arbitrage(nudges: DynArray[Nudge, 64]) -> uint256:
    """
    @notice Swap each pool outside its band exactly to its target.
    @return How many pools moved.
    """
    moved: uint256 = 0
    for nudge: Nudge in nudges:
        before: uint160 = (staticcall SwapPool(nudge.pool).slot0())[0]
        if before >= nudge.low and before <= nudge.high:
            continue
        if before == nudge.target:
            continue
        extcall SwapPool(nudge.pool).swap(self, before > nudge.target, max_value(int256), nudge.target, b"")
        log Moved(pool=nudge.pool, before=before, target=nudge.target)
        moved += 1
    return moved


@external
def uniswapV3SwapCallback(amount0: int256, amount1: int256, data: Bytes[32]):
    """
    @notice Pay the calling pool what it asks for.
    """
    if amount0 > 0:
        extcall MintableToken(staticcall SwapPool(msg.sender).token0()).mint(
            msg.sender, convert(amount0, uint256), default_return_value=True
        )
    if amount1 > 0:
        extcall MintableToken(staticcall SwapPool(msg.sender).token1()).mint(
            msg.sender, convert(amount1, uint256), default_return_value=True
        )
