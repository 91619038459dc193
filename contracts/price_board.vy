# pragma version ~=0.4.3
# @title What the devnet's feeds say, in the words of an AaveOracle and of a Venus oracle.

interface Feed:
    def latestAnswer() -> int256: view

struct Listing:
    feed: address
    scale: uint256

BASE_CURRENCY_UNIT: public(constant(uint256)) = 10**8

listings: public(HashMap[address, Listing])
fixed: public(HashMap[address, uint256])
failing: public(bool)


@external
def list(asset: address, feed: address, scale: uint256):
    self.listings[asset] = Listing(feed=feed, scale=scale)


@external
def fix(asset: address, price: uint256):
    self.fixed[asset] = price


@external
def fail(failing: bool):
    self.failing = failing


@external
@view
def getAssetPrice(asset: address) -> uint256:
    return self._answer(self.listings[asset].feed)


@external
@view
def getPrice(asset: address) -> uint256:
    return self._scaled(asset)


@external
@view
def getUnderlyingPrice(vtoken: address) -> uint256:
    return self._scaled(vtoken)


@external
def updatePrice(vtoken: address):
    pass


@internal
@view
def _scaled(asset: address) -> uint256:
    if self.listings[asset].feed == empty(address):
        return self.fixed[asset]
    return self._answer(self.listings[asset].feed) * self.listings[asset].scale


@internal
@view
def _answer(feed: address) -> uint256:
    assert not self.failing, "the board is out of order"
    if feed == empty(address):
        return 0
    return convert(max(staticcall Feed(feed).latestAnswer(), 0), uint256)
