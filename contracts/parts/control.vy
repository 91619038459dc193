# pragma version ==0.4.3
"""
@title Who may do what: owner, operator, and the contracts that are trusted
@license MIT
"""

from . import money

event VenueSet:
    venue: indexed(address)
    allowed: bool

event FactorySet:
    factory: indexed(address)
    allowed: bool

event RouterSet:
    router: indexed(address)
    allowed: bool

event OperatorSet:
    operator: indexed(address)

event Swept:
    token: indexed(address)
    amount: uint256

event OwnershipOffered:
    owner: indexed(address)
    pending_owner: indexed(address)

event OwnershipTransferred:
    previous: indexed(address)
    owner: indexed(address)

owner: public(address)
pending_owner: public(address)
operator: public(address)
venues: public(HashMap[address, bool])
factories: public(HashMap[address, bool])
routers: public(HashMap[address, bool])


@deploy
def __init__(owner: address, operator: address):
    assert owner != empty(address), "no owner"
    self.owner = owner
    self.operator = operator
    log OwnershipTransferred(previous=empty(address), owner=owner)
    log OperatorSet(operator=operator)


@external
def set_operator(operator: address):
    self._only_owner()
    self.operator = operator
    log OperatorSet(operator=operator)


@external
def set_venues(venues: DynArray[address, 64], allowed: bool):
    """
    @notice Allows or forbids contracts that take liquidations or lend. They get allowances: list only what
        you trust.
    """
    self._only_owner()
    for venue: address in venues:
        self.venues[venue] = allowed
        log VenueSet(venue=venue, allowed=allowed)


@external
def set_factory(factory: address, allowed: bool):
    """
    @notice Allows or forbids a Uniswap v3 factory whose pools may swap and lend.
    """
    self._only_owner()
    self.factories[factory] = allowed
    log FactorySet(factory=factory, allowed=allowed)


@external
def set_router(router: address, allowed: bool):
    """
    @notice Allows or forbids an aggregator's router. It gets an allowance for what it is to sell and any
        calldata: never list a token or a venue.
    """
    self._only_owner()
    self.routers[router] = allowed
    log RouterSet(router=router, allowed=allowed)


@external
@nonreentrant
def sweep(token: address):
    """
    @notice Sends a whole balance to the owner: of `token`, or of ether for the zero address.
    @dev Ether is taken from the wrapped native token only, yet it can be forced in (block rewards,
        self-destruct).
    """
    self._only_owner()
    amount: uint256 = 0
    if token == empty(address):
        amount = self.balance
        raw_call(self.owner, b"", value=amount)
    else:
        amount = money.held(token)
        money.send(token, self.owner, amount)
    log Swept(token=token, amount=amount)


@external
def transfer_ownership(owner: address):
    """
    @notice Offers the contract to `owner`, who must accept. The zero address takes an offer back.
    """
    self._only_owner()
    self.pending_owner = owner
    log OwnershipOffered(owner=msg.sender, pending_owner=owner)


@external
def accept_ownership():
    assert msg.sender == self.pending_owner, "not pending owner"
    log OwnershipTransferred(previous=self.owner, owner=msg.sender)
    self.owner = msg.sender
    self.pending_owner = empty(address)


@internal
@view
def _only_owner():
    assert msg.sender == self.owner, "not owner"


@internal
@view
def only_operator():
    assert msg.sender == self.operator or msg.sender == self.owner, "not operator"
