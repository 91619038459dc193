# pragma version ~=0.4.3
# @title An aggregator whose answer depends on who asks, like Chainlink's for SVR feeds: reports come by a
#        public and by a secondary route, and the secondary proxy sees a public one only after a cutoff.
#        Anyone may transmit on the devnet.

struct Transmission:
    answer: int256
    recorded: uint256

event AnswerUpdated:
    current: indexed(int256)
    roundId: indexed(uint256)
    updatedAt: uint256

event SecondaryRoundIdUpdated:
    secondaryRoundId: indexed(uint32)

event PrimaryFeedUnlocked:
    primaryRoundId: indexed(uint32)

event CutoffTimeSet:
    cutoffTime: uint32

event MaxSyncIterationsSet:
    maxSyncIterations: uint32

typeAndVersion: public(constant(String[32])) = "DualAggregator 1.0.0"
decimals: public(constant(uint8)) = 8
MOST: constant(uint256) = 256

description: public(String[64])
secondary_proxy: address
cutoff: uint256
iterations: uint256
newest: uint256
secondary: uint256
newest_is_secondary: bool
transmissions: HashMap[uint256, Transmission]


@deploy
def __init__(description: String[64], answer: int256, cutoff: uint32, iterations: uint32):
    self.description = description
    self.cutoff = convert(cutoff, uint256)
    self.iterations = convert(iterations, uint256)
    self._report(answer, False)


@external
def set_secondary_proxy(proxy: address):
    self.secondary_proxy = proxy


@external
def setCutoffTime(cutoff: uint32):
    self.cutoff = convert(cutoff, uint256)
    log CutoffTimeSet(cutoffTime=cutoff)


@external
def setMaxSyncIterations(iterations: uint32):
    self.iterations = convert(iterations, uint256)
    log MaxSyncIterationsSet(maxSyncIterations=iterations)


@external
def transmit(answer: int256):
    """A new report by the public route."""
    self._report(answer, False)


@external
def transmit_secondary(answer: int256):
    """A new report by the secondary route."""
    self._report(answer, True)


@external
def transmit_again():
    """The public copy of a report that came by the secondary route."""
    assert self.newest_is_secondary, "nothing to unlock"
    log PrimaryFeedUnlocked(primaryRoundId=convert(self.newest, uint32))
    self.newest_is_secondary = False


@external
def transmit_secondary_again(round: uint256):
    """The secondary copy of a report that came by the public route."""
    assert self.secondary < round and round <= self.newest, "stale report"
    self.secondary = round
    log SecondaryRoundIdUpdated(secondaryRoundId=convert(round, uint32))


@external
@view
def latestAnswer() -> int256:
    return self.transmissions[self._round_for(msg.sender)].answer


@external
@view
def latestRound() -> uint256:
    return self._round_for(msg.sender)


@external
@view
def latestRoundData() -> (uint80, int256, uint256, uint256, uint80):
    return self._round_data(self._round_for(msg.sender))


@external
@view
def getRoundData(round: uint80) -> (uint80, int256, uint256, uint256, uint80):
    if convert(round, uint256) > self._round_for(msg.sender):
        return 0, 0, 0, 0, 0
    return self._round_data(convert(round, uint256))


@internal
@view
def _round_data(round: uint256) -> (uint80, int256, uint256, uint256, uint80):
    told: Transmission = self.transmissions[round]
    number: uint80 = convert(round, uint80)
    return number, told.answer, told.recorded, told.recorded, number


@internal
@view
def _round_for(caller: address) -> uint256:
    if caller == self.secondary_proxy:
        if self._is_past_cutoff(self.secondary):
            return self._synced_round()
        return self.secondary
    if self.newest == self.secondary and self.newest_is_secondary:
        if self.transmissions[self.newest].recorded == block.timestamp:
            return self.newest - 1
    return self.newest


@internal
@view
def _synced_round() -> uint256:
    for back: uint256 in range(MOST):
        if back == self.newest or back == self.iterations:
            break
        round: uint256 = self.newest - back
        if round == self.secondary or self._is_past_cutoff(round):
            return round
    return self.secondary


@internal
@view
def _is_past_cutoff(round: uint256) -> bool:
    return self.transmissions[round].recorded + self.cutoff < block.timestamp


@internal
def _report(answer: int256, by_secondary: bool):
    self.newest += 1
    self.transmissions[self.newest] = Transmission(answer=answer, recorded=block.timestamp)
    if by_secondary:
        self.secondary = self.newest
        log SecondaryRoundIdUpdated(secondaryRoundId=convert(self.newest, uint32))
    log AnswerUpdated(current=answer, roundId=self.newest, updatedAt=block.timestamp)
    self.newest_is_secondary = by_secondary
