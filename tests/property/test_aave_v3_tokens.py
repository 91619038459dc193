"""Scaled balances recovered from rounded events equal the contract's own, whatever happened."""

from typing import NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keeper.protocols.base import Side
from keeper.types import RAY, ZERO_ADDRESS, Address
from tests.aave_v3_world import ALICE, BOB, World, a_token_of, v_token_of

MINT = "Mint(address,address,uint256,uint256,uint256)"
BURN = "Burn(address,address,uint256,uint256,uint256)"
TRANSFER = "Transfer(address,address,uint256)"
BALANCE_TRANSFER = "BalanceTransfer(address,address,uint256,uint256)"


class Step(NamedTuple):
    """An account's balance changes by `amount`, after the index grew by `growth` ray parts."""

    account: Address
    amount: int
    growth: int


steps = st.lists(
    st.builds(
        Step,
        st.sampled_from([ALICE, BOB]),
        st.integers(-(10**24), 10**24) | st.integers(-3, 3),
        st.integers(0, RAY // 10) | st.integers(0, 3),
    ),
    max_size=30,
)


class ScaledToken:
    """ScaledBalanceTokenBase: scaled balances, the index each account was last seen at, and its events."""

    def __init__(self, world: World, token: Address, side: Side) -> None:
        self.world, self.token, self.side = world, token, side
        self.index = RAY
        self.scaled = dict.fromkeys((ALICE, BOB), 0)
        self.seen = dict.fromkeys((ALICE, BOB), RAY)

    def balance(self, scaled: int, index: int) -> int:
        return -(-scaled * index // RAY) if self.side is Side.DEBT else scaled * index // RAY

    def change(self, step: Step) -> None:
        self.index += step.growth
        account, held = step.account, self.scaled[step.account]
        amount = max(step.amount, -held)
        if amount == 0:
            return
        previous = self.balance(held, self.seen[account])
        increase = self.balance(held, self.index) - previous
        now = self.balance(held + amount, self.index)
        self.scaled[account], self.seen[account] = held + amount, self.index
        if amount < 0 and now <= previous:
            self.world.emit(self.token, BURN, [account, ZERO_ADDRESS], [previous - now, increase, self.index])
        else:
            self.world.emit(self.token, MINT, [account, account], [now - previous, increase, self.index])


class HalfUpToken(ScaledToken):
    """The same up to v3.4: it is the amount that is given, and scaled half up."""

    def balance(self, scaled: int, index: int) -> int:
        return (scaled * index + RAY // 2) // RAY

    def change(self, step: Step) -> None:
        self.index += step.growth
        account, held = step.account, self.scaled[step.account]
        change = (abs(step.amount) * RAY + self.index // 2) // self.index
        if change == 0 or (step.amount < 0 and change > held):
            return
        increase = self.balance(held, self.index) - self.balance(held, self.seen[account])
        self.scaled[account] += change if step.amount > 0 else -change
        self.seen[account] = self.index
        if increase + step.amount >= 0:
            self.world.emit(
                self.token, MINT, [account, account], [increase + step.amount, increase, self.index]
            )
        else:
            value = -step.amount - increase
            self.world.emit(self.token, BURN, [account, ZERO_ADDRESS], [value, increase, self.index])

    def transfer(self, amount: int, *, first_release: bool) -> None:
        """All or part of Alice's to Bob, as v3.0.0 tells it or as the later releases do."""
        scaled = (amount * RAY + self.index // 2) // self.index
        if not 0 < scaled <= self.scaled[ALICE]:
            return
        self.scaled[ALICE] -= scaled
        self.scaled[BOB] += scaled
        told = (scaled, amount) if first_release else (amount, scaled)
        self.world.emit(self.token, TRANSFER, [ALICE, BOB], [told[0]])
        self.world.emit(self.token, BALANCE_TRANSFER, [ALICE, BOB], [told[1], self.index])


@pytest.mark.parametrize(("revision", "kind"), [(1, HalfUpToken), (8, HalfUpToken), (9, ScaledToken)])
@given(sequence=steps, side=st.sampled_from(Side))
def test_token_events__any_sequence__give_back_the_exact_scaled_balances(
    revision: int, kind: type[ScaledToken], sequence: list[Step], side: Side
) -> None:
    world = World(revision)
    asset = world.list()
    token = kind(world, v_token_of(asset) if side is Side.DEBT else a_token_of(asset), side)
    for step in sequence:
        token.change(step)
        for account, scaled in token.scaled.items():
            assert world.book.quantity(account, 0, side) == scaled
    if side is Side.DEBT:
        assert world.book.get(("scaled_debt", 0)) == sum(token.scaled.values())
    assert world.market.doubt is None


@given(steps, st.lists(st.tuples(st.integers(1, 10**24), st.booleans()), max_size=5))
def test_transfers__in_either_dialect_of_revision_1__move_the_scaled_amount(
    sequence: list[Step], transfers: list[tuple[int, bool]]
) -> None:
    world = World(revision=1)
    token = HalfUpToken(world, a_token_of(world.list()), Side.COLLATERAL)
    for step in sequence:
        token.change(step)
    for amount, first_release in transfers:
        token.transfer(amount, first_release=first_release)
    for account, scaled in token.scaled.items():
        assert world.book.quantity(account, 0, Side.COLLATERAL) == scaled
    assert world.market.doubt is None
