# pragma version ==0.4.3
# pragma evm-version cancun
"""
@title Euler's connector and a vault in one: checks wait until a call is over
@dev It lends `asset`; the collateral is the shares of another of these, worth half a unit each.
"""

from ethereum.ercs import IERC20

interface Vault:
    def seize(to: address, shares: uint256): nonpayable


flag Conduct:
    HONEST
    NO_CALLBACK
    TWO_CALLBACKS
    OTHER_DATA

conduct: public(Conduct)
EVC: public(address)
asset: public(address)
balanceOf: public(HashMap[address, uint256])
debtOf: public(HashMap[address, uint256])
controllers: public(HashMap[address, address])
collaterals: public(HashMap[address, address])
yield_per_mille: uint256


@deploy
def __init__(connector: address, asset: address, yield_per_mille: uint256):
    self.EVC = connector if connector != empty(address) else self
    self.asset = asset
    self.yield_per_mille = yield_per_mille
    self.conduct = Conduct.HONEST


@external
def set_conduct(conduct: Conduct):
    self.conduct = conduct


@external
@payable
def call(target: address, on_behalf_of: address, amount: uint256, data: Bytes[2048]) -> Bytes[64]:
    assert target == msg.sender and on_behalf_of == msg.sender and amount == 0
    if self.conduct != Conduct.NO_CALLBACK:
        passed: Bytes[4224] = data
        if self.conduct == Conduct.OTHER_DATA:
            # the length of the plan one byte longer, and its first byte changed
            passed = concat(slice(data, 0, 68), b"\x01", slice(data, 69, len(data) - 69))
        raw_call(target, passed)
        if self.conduct == Conduct.TWO_CALLBACKS:
            raw_call(target, passed)
    assert self.controllers[msg.sender] == empty(address), "account check"
    return b""


@external
@payable
def enableController(account: address, vault: address):
    assert msg.sender == account
    self.controllers[account] = vault


@external
@payable
def enableCollateral(account: address, vault: address):
    assert msg.sender == account
    self.collaterals[account] = vault


@external
@payable
def disableCollateral(account: address, vault: address):
    assert msg.sender == account
    assert self.collaterals[account] == vault
    self.collaterals[account] = empty(address)


@external
def release(account: address):
    self.controllers[account] = empty(address)


@external
def liquidate(account: address, collateral: address, repay: uint256, min_yield: uint256):
    shares: uint256 = 2 * repay * self.yield_per_mille // 1000
    assert shares >= min_yield, "E_MinYield"
    self.debtOf[msg.sender] += repay
    extcall Vault(collateral).seize(msg.sender, shares)


@external
def seize(to: address, shares: uint256):
    self.balanceOf[to] += shares


@external
def redeem(shares: uint256, receiver: address, owner: address) -> uint256:
    assert owner == msg.sender
    self.balanceOf[owner] -= shares
    extcall IERC20(self.asset).transfer(receiver, shares // 2, default_return_value=True)
    return shares // 2


@external
def repay(amount: uint256, receiver: address) -> uint256:
    owed: uint256 = min(amount, self.debtOf[receiver])
    self.debtOf[receiver] -= owed
    extcall IERC20(self.asset).transferFrom(msg.sender, self, owed, default_return_value=True)
    return owed


interface Connector:
    def release(account: address): nonpayable


@external
def disableController():
    assert self.debtOf[msg.sender] == 0, "E_OutstandingDebt"
    extcall Connector(self.EVC).release(msg.sender)
