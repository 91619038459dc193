# pragma version ==0.4.3
# pragma evm-version cancun
"""
@title Swap pool with the calling order of Uniswap v3: pays out, calls back, checks that it was paid
@dev Swaps at a constant rate, whichever way. Can lie.
"""

from ethereum.ercs import IERC20

interface Payer:
    def uniswapV3SwapCallback(amount0: int256, amount1: int256, data: Bytes[1793]): nonpayable
    def uniswapV3FlashCallback(fee0: uint256, fee1: uint256, data: Bytes[1793]): nonpayable

flag Conduct:
    HONEST
    NO_CALLBACK
    TWO_CALLBACKS
    ASKS_MORE
    PARTIAL_FILL
    OTHER_TOKEN
    OTHER_DATA
    NO_DATA

FLASH_FEE: constant(uint256) = 5  # bps
fee: public(constant(uint24)) = 500
factory: public(address)
conduct: public(Conduct)
token0: public(address)
token1: public(address)
rate: public(uint256)  # output units for 1000 input units


@deploy
def __init__(token_a: address, token_b: address, rate: uint256):
    ordered: bool = convert(token_a, uint160) < convert(token_b, uint160)
    self.token0 = token_a if ordered else token_b
    self.token1 = token_b if ordered else token_a
    self.rate = rate
    self.conduct = Conduct.HONEST


@external
def set_conduct(conduct: Conduct):
    self.conduct = conduct


@external
def set_factory(factory: address):
    self.factory = factory


@external
def flash(recipient: address, amount0: uint256, amount1: uint256, data: Bytes[1792]):
    token: IERC20 = IERC20(self.token0 if amount0 != 0 else self.token1)
    amount: uint256 = max(amount0, amount1)
    owed: uint256 = amount * FLASH_FEE // 10_000
    before: uint256 = staticcall token.balanceOf(self)
    extcall token.transfer(recipient, amount, default_return_value=True)
    passed: Bytes[1793] = data
    if self.conduct == Conduct.OTHER_DATA:
        passed = concat(data, b"\x00")
    if self.conduct != Conduct.NO_CALLBACK:
        for _: uint256 in range(2 if self.conduct == Conduct.TWO_CALLBACKS else 1, bound=2):
            extcall Payer(recipient).uniswapV3FlashCallback(
                owed if amount0 != 0 else 0, owed if amount1 != 0 else 0, passed
            )
    assert staticcall token.balanceOf(self) >= before + owed, "F0"


@external
def swap(
    recipient: address, zero_for_one: bool, amount: int256, price_limit: uint160, data: Bytes[1792]
) -> (int256, int256):
    assert amount > 0, "AS"
    if zero_for_one:
        assert price_limit > 4295128739, "SPL"
    else:
        assert price_limit < 1461446703485210103287273052203988822378723970342, "SPL"
    paid: uint256 = convert(amount, uint256)
    if self.conduct == Conduct.ASKS_MORE:
        paid += 1
    if self.conduct == Conduct.PARTIAL_FILL:
        paid -= 1
    given: uint256 = paid * self.rate // 1000
    token_in: IERC20 = IERC20(self.token0 if zero_for_one else self.token1)
    token_out: IERC20 = IERC20(self.token1 if zero_for_one else self.token0)
    extcall token_out.transfer(recipient, given, default_return_value=True)

    if self.conduct == Conduct.NO_CALLBACK:
        return 0, 0
    before: uint256 = staticcall token_in.balanceOf(self)
    owed: int256 = convert(paid, int256)
    gift: int256 = -convert(given, int256)
    owes_token0: bool = zero_for_one != (self.conduct == Conduct.OTHER_TOKEN)
    amount0: int256 = owed if owes_token0 else gift
    amount1: int256 = gift if owes_token0 else owed
    passed: Bytes[1793] = data
    if self.conduct == Conduct.OTHER_DATA:
        passed = concat(data, b"\x00")
    if self.conduct == Conduct.NO_DATA:
        passed = b""
    extcall Payer(msg.sender).uniswapV3SwapCallback(amount0, amount1, passed)
    if self.conduct == Conduct.TWO_CALLBACKS:
        extcall Payer(msg.sender).uniswapV3SwapCallback(amount0, amount1, passed)
    assert before + paid <= staticcall token_in.balanceOf(self), "IIA"
    return amount0, amount1
