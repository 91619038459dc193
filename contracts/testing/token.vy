# pragma version ==0.4.3
# pragma evm-version cancun
"""
@title ERC-20 that can misbehave
@dev Plain by default. Can tax transfers, refuse a holder by answering false, and make a call of its own
    inside every transfer.
"""

event Transfer:
    sender: indexed(address)
    receiver: indexed(address)
    value: uint256

totalSupply: public(uint256)
balanceOf: public(HashMap[address, uint256])
allowance: public(HashMap[address, HashMap[address, uint256]])

tax: public(uint256)  # bps lost in a transfer
refused: public(HashMap[address, bool])

target: address
message: Bytes[2048]
attacking: bool
successes: public(uint256)
failures: DynArray[Bytes[132], 32]


@external
def mint(to: address, amount: uint256):
    self.totalSupply += amount
    self.balanceOf[to] += amount


@external
def set_tax(bps: uint256):
    self.tax = bps


@external
def refuse(holder: address):
    self.refused[holder] = True


@external
def set_attack(target: address, message: Bytes[2048]):
    self.target = target
    self.message = message


@external
def approve(spender: address, amount: uint256) -> bool:
    self.allowance[msg.sender][spender] = amount
    return not self.refused[msg.sender]


@external
def transfer(to: address, amount: uint256) -> bool:
    return self._move(msg.sender, to, amount)


@external
def transferFrom(sender: address, to: address, amount: uint256) -> bool:
    self.allowance[sender][msg.sender] -= amount
    return self._move(sender, to, amount)


@internal
def _move(sender: address, to: address, amount: uint256) -> bool:
    if self.refused[sender]:
        return False
    self.balanceOf[sender] -= amount
    self.balanceOf[to] += amount - amount * self.tax // 10_000
    log Transfer(sender=sender, receiver=to, value=amount)
    if self.target != empty(address) and not self.attacking:
        self._attack()
    return True


@external
@view
def attack_failures() -> DynArray[Bytes[132], 32]:
    return self.failures


@internal
def _attack():
    self.attacking = True
    ok: bool = False
    answer: Bytes[132] = b""
    ok, answer = raw_call(self.target, self.message, max_outsize=132, revert_on_failure=False)
    self.attacking = False
    if ok:
        self.successes += 1
    else:
        self.failures.append(answer)
