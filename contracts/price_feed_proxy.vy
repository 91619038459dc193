# pragma version ~=0.4.3
# @title The stable address in front of a price aggregator, like Chainlink's EACAggregatorProxy:
#        the owner proposes another aggregator, then confirms it, and the phase goes up by one.

interface Aggregator:
    def latestAnswer() -> int256: view
    def latestTimestamp() -> uint256: view
    def latestRoundData() -> (uint80, int256, uint256, uint256, uint80): view
    def decimals() -> uint8: view
    def description() -> String[64]: view

event AggregatorProposed:
    current: indexed(address)
    proposed: indexed(address)

event AggregatorConfirmed:
    previous: indexed(address)
    latest: indexed(address)

PHASE_OFFSET: constant(uint256) = 64

owner: public(immutable(address))
aggregator: public(address)
proposedAggregator: public(address)
phaseId: public(uint16)


@deploy
def __init__(aggregator: address):
    owner = msg.sender
    self.aggregator = aggregator
    self.phaseId = 1


@external
def proposeAggregator(proposed: address):
    assert msg.sender == owner, "Only callable by owner"
    self.proposedAggregator = proposed
    log AggregatorProposed(current=self.aggregator, proposed=proposed)


@external
def confirmAggregator(proposed: address):
    assert msg.sender == owner, "Only callable by owner"
    assert proposed == self.proposedAggregator, "Invalid proposed aggregator"
    log AggregatorConfirmed(previous=self.aggregator, latest=proposed)
    self.aggregator = proposed
    self.proposedAggregator = empty(address)
    self.phaseId += 1


@external
@view
def latestAnswer() -> int256:
    return staticcall Aggregator(self.aggregator).latestAnswer()


@external
@view
def latestTimestamp() -> uint256:
    return staticcall Aggregator(self.aggregator).latestTimestamp()


@external
@view
def latestRoundData() -> (uint80, int256, uint256, uint256, uint80):
    round: uint80 = 0
    answer: int256 = 0
    started: uint256 = 0
    updated: uint256 = 0
    answered: uint80 = 0
    (round, answer, started, updated, answered) = staticcall Aggregator(self.aggregator).latestRoundData()
    return self._phased(round), answer, started, updated, self._phased(answered)


@external
@view
def decimals() -> uint8:
    return staticcall Aggregator(self.aggregator).decimals()


@external
@view
def description() -> String[64]:
    return staticcall Aggregator(self.aggregator).description()


@internal
@view
def _phased(round: uint80) -> uint80:
    return convert((convert(self.phaseId, uint256) << PHASE_OFFSET) | convert(round, uint256), uint80)
