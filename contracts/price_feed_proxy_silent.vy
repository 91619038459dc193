# pragma version ~=0.4.3
# @title A price feed proxy of the first generation: its aggregator is replaced without a log.

interface Aggregator:
    def latestAnswer() -> int256: view

aggregator: public(address)


@deploy
def __init__(aggregator: address):
    self.aggregator = aggregator


@external
def replace(aggregator: address):
    self.aggregator = aggregator


@external
@view
def latestAnswer() -> int256:
    return staticcall Aggregator(self.aggregator).latestAnswer()
