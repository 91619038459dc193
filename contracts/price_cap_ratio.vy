# pragma version ~=0.4.3
# @title A price source for a token that grows against its base, like Aave's ratio-capped adapters:
#        base price times a ratio whose growth is capped. Anyone may set the cap on the devnet.

interface Source:
    def latestAnswer() -> int256: view

interface RatioProvider:
    def getRate() -> int256: view

event CapParametersUpdated:
    snapshotRatio: uint256
    snapshotTimestamp: uint256
    maxRatioGrowthPerSecond: uint256
    maxYearlyRatioGrowthPercent: uint16

YEAR: constant(uint256) = 31_536_000
SCALE: constant(uint256) = 10**6
PERCENT: constant(uint256) = 10**4

BASE_TO_USD_AGGREGATOR: public(immutable(address))
RATIO_PROVIDER: public(immutable(address))
RATIO_DECIMALS: public(immutable(uint8))
ratio_is_feed: immutable(bool)

description: public(String[64])
decimals: public(uint8)
getSnapshotRatio: public(uint256)
getSnapshotTimestamp: public(uint256)
getMaxYearlyGrowthRatePercent: public(uint256)
getMaxRatioGrowthPerSecondScaled: public(uint256)


@deploy
def __init__(
    description: String[64],
    base: address,
    provider: address,
    provider_is_feed: bool,
    ratio_decimals: uint8,
    snapshot: uint256,
    since: uint256,
    yearly: uint16,
):
    self.description = description
    self.decimals = 8
    BASE_TO_USD_AGGREGATOR = base
    RATIO_PROVIDER = provider
    RATIO_DECIMALS = ratio_decimals
    ratio_is_feed = provider_is_feed
    self._set_cap(snapshot, since, yearly)


@external
def setCapParameters(snapshot: uint256, since: uint256, yearly: uint16):
    self._set_cap(snapshot, since, yearly)


@external
@view
def getMaxRatioGrowthPerSecond() -> uint256:
    return self.getMaxRatioGrowthPerSecondScaled // SCALE


@external
@view
def getRatio() -> int256:
    return self._ratio()


@external
@view
def latestAnswer() -> int256:
    ratio: int256 = self._ratio()
    base: int256 = staticcall Source(BASE_TO_USD_AGGREGATOR).latestAnswer()
    if base <= 0 or ratio <= 0:
        return 0
    grown: uint256 = self.getMaxRatioGrowthPerSecondScaled * (block.timestamp - self.getSnapshotTimestamp)
    most: int256 = convert(self.getSnapshotRatio + grown // SCALE, int256)
    return base * min(ratio, most) // convert(10 ** convert(RATIO_DECIMALS, uint256), int256)


@internal
@view
def _ratio() -> int256:
    if ratio_is_feed:
        return staticcall Source(RATIO_PROVIDER).latestAnswer()
    return staticcall RatioProvider(RATIO_PROVIDER).getRate()


@internal
def _set_cap(snapshot: uint256, since: uint256, yearly: uint16):
    growth: uint256 = snapshot * convert(yearly, uint256) * SCALE // PERCENT // YEAR
    self.getSnapshotRatio = snapshot
    self.getSnapshotTimestamp = since
    self.getMaxYearlyGrowthRatePercent = convert(yearly, uint256)
    self.getMaxRatioGrowthPerSecondScaled = growth
    log CapParametersUpdated(
        snapshotRatio=snapshot,
        snapshotTimestamp=since,
        maxRatioGrowthPerSecond=growth // SCALE,
        maxYearlyRatioGrowthPercent=yearly,
    )
