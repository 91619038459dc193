# pragma version ~=0.4.3
# @title What a growing token is worth in its base, as the token itself tells it: it changes without a log.

getRate: public(int256)


@deploy
def __init__(rate: int256):
    self.getRate = rate


@external
def set(rate: int256):
    self.getRate = rate
