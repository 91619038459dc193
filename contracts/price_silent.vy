# pragma version ~=0.4.3
# @title A price source of a kind of its own, whose answer changes without a log.

latestAnswer: public(int256)


@deploy
def __init__(answer: int256):
    self.latestAnswer = answer


@external
def set(answer: int256):
    self.latestAnswer = answer
