# pragma version ~=0.4.3
# @title A settable price aggregator that looks like Chainlink's: anyone may transmit on the devnet.

event AnswerUpdated:
    current: indexed(int256)
    roundId: indexed(uint256)
    updatedAt: uint256

description: public(String[64])
decimals: public(uint8)
latestAnswer: public(int256)
latestRound: public(uint256)
latestTimestamp: public(uint256)


@deploy
def __init__(description: String[64], decimals: uint8, answer: int256):
    self.description = description
    self.decimals = decimals
    self._transmit(answer)


@external
def transmit(answer: int256):
    self._transmit(answer)


@external
@view
def latestRoundData() -> (uint80, int256, uint256, uint256, uint80):
    round: uint80 = convert(self.latestRound, uint80)
    return round, self.latestAnswer, self.latestTimestamp, self.latestTimestamp, round


@internal
def _transmit(answer: int256):
    self.latestRound += 1
    self.latestAnswer = answer
    self.latestTimestamp = block.timestamp
    log AnswerUpdated(current=answer, roundId=self.latestRound, updatedAt=block.timestamp)
