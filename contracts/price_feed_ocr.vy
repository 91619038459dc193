# pragma version ~=0.4.3
# @title A price aggregator that takes reports as Chainlink's OCR2 aggregators do, from anyone on the devnet:
#        the middle observation is the answer, and a report must be newer than the last. Signatures are not checked.

event AnswerUpdated:
    current: indexed(int256)
    roundId: indexed(uint256)
    updatedAt: uint256

EPOCH_AND_ROUND: constant(uint256) = 2 ** 40 - 1
ORACLES: constant(uint256) = 31

description: public(String[64])
decimals: public(uint8)
latestAnswer: public(int256)
latestRound: public(uint256)
latestTimestamp: public(uint256)
epoch_and_round: uint256


@deploy
def __init__(description: String[64], decimals: uint8, answer: int256):
    self.description = description
    self.decimals = decimals
    self._answer(answer)


@external
def transmit(
    context: bytes32[3],
    report: Bytes[1280],
    rs: DynArray[bytes32, ORACLES],
    ss: DynArray[bytes32, ORACLES],
    raw_vs: bytes32,
):
    epoch_and_round: uint256 = convert(context[1], uint256) & EPOCH_AND_ROUND
    assert epoch_and_round > self.epoch_and_round, "stale report"
    self.epoch_and_round = epoch_and_round
    observed: uint32 = 0
    observers: bytes32 = empty(bytes32)
    observations: DynArray[int192, ORACLES] = []
    juels: int192 = 0
    observed, observers, observations, juels = abi_decode(
        report, (uint32, bytes32, DynArray[int192, ORACLES], int192)
    )
    self._answer(convert(observations[len(observations) // 2], int256))


@external
@view
def latestRoundData() -> (uint80, int256, uint256, uint256, uint80):
    round: uint80 = convert(self.latestRound, uint80)
    return round, self.latestAnswer, self.latestTimestamp, self.latestTimestamp, round


@internal
def _answer(answer: int256):
    self.latestRound += 1
    self.latestAnswer = answer
    self.latestTimestamp = block.timestamp
    log AnswerUpdated(current=answer, roundId=self.latestRound, updatedAt=block.timestamp)
