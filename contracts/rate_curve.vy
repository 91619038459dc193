# pragma version ~=0.4.3
# @title An adaptive curve as Morpho Blue's rate models are: the rate at 90 % use moves towards balance.
# Signed divisions truncate towards zero, as in Solidity.

struct MarketParams:
    loanToken: address
    collateralToken: address
    oracle: address
    irm: address
    lltv: uint256

struct Market:
    totalSupplyAssets: uint128
    totalSupplyShares: uint128
    totalBorrowAssets: uint128
    totalBorrowShares: uint128
    lastUpdate: uint128
    fee: uint128

event BorrowRateUpdate:
    id: indexed(bytes32)
    avgBorrowRate: uint256
    rateAtTarget: uint256

WAD: constant(int256) = 10**18
YEAR: constant(int256) = 31_536_000
TARGET: constant(int256) = 9 * 10**17
STEEPNESS: constant(int256) = 4 * WAD
SPEED: constant(int256) = 50 * WAD // YEAR
FIRST: constant(int256) = 4 * 10**16 // YEAR
LOWEST: constant(int256) = 10**15 // YEAR
HIGHEST: constant(int256) = 2 * WAD // YEAR

LN_2: constant(int256) = 693_147_180_559_945_309
TOO_SMALL: constant(int256) = -41_446_531_673_892_822_312
TOO_LARGE: constant(int256) = 93_859_467_695_000_404_319
LARGEST: constant(int256) = 57716089161558943949701069502944508345128422502756744429568

MORPHO: public(immutable(address))

rateAtTarget: public(HashMap[bytes32, int256])


@deploy
def __init__(morpho: address):
    MORPHO = morpho


@external
def borrowRate(params: MarketParams, market: Market) -> uint256:
    assert msg.sender == MORPHO, "not Morpho"
    id: bytes32 = keccak256(abi_encode(params))
    average: int256 = 0
    end: int256 = 0
    average, end = self._rates(self.rateAtTarget[id], market)
    self.rateAtTarget[id] = end
    log BorrowRateUpdate(id=id, avgBorrowRate=convert(average, uint256), rateAtTarget=convert(end, uint256))
    return convert(average, uint256)


@external
@view
def borrowRateView(params: MarketParams, market: Market) -> uint256:
    return convert(self._rates(self.rateAtTarget[keccak256(abi_encode(params))], market)[0], uint256)


@internal
@view
def _rates(start: int256, market: Market) -> (int256, int256):
    use: int256 = 0
    if market.totalSupplyAssets > 0:
        use = convert(market.totalBorrowAssets, int256) * WAD // convert(market.totalSupplyAssets, int256)
    span: int256 = WAD - TARGET if use > TARGET else TARGET
    error: int256 = (use - TARGET) * WAD // span
    if start == 0:
        return self._curve(FIRST, error), FIRST
    elapsed: int256 = convert(block.timestamp, int256) - convert(market.lastUpdate, int256)
    drift: int256 = SPEED * error // WAD * elapsed
    if drift == 0:
        return self._curve(start, error), start
    end: int256 = self._moved(start, drift)
    middle: int256 = self._moved(start, drift // 2)
    return self._curve((start + end + 2 * middle) // 4, error), end


@internal
@pure
def _curve(at_target: int256, error: int256) -> int256:
    steep: int256 = STEEPNESS - WAD
    if error < 0:
        steep = WAD - WAD * WAD // STEEPNESS
    return (steep * error // WAD + WAD) * at_target // WAD


@internal
@pure
def _moved(start: int256, drift: int256) -> int256:
    return min(max(start * self._exp(drift) // WAD, LOWEST), HIGHEST)


@internal
@pure
def _exp(x: int256) -> int256:
    if x < TOO_SMALL:
        return 0
    if x >= TOO_LARGE:
        return LARGEST
    half: int256 = -(LN_2 // 2) if x < 0 else LN_2 // 2
    twos: int256 = (x + half) // LN_2
    rest: int256 = x - twos * LN_2
    power: int256 = WAD + rest + rest * rest // WAD // 2
    if twos >= 0:
        return power << convert(twos, uint256)
    return power >> convert(-twos, uint256)
