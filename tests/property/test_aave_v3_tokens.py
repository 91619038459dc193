"""Scaled balances recovered from rounded events equal the contract's own, whatever happened."""

from typing import NamedTuple

from hypothesis import given
from hypothesis import strategies as st

from keeper.protocols.base import Side
from keeper.types import RAY, ZERO_ADDRESS, Address
from tests.aave_v3_world import ALICE, BOB, World, a_token_of, v_token_of

MINT = "Mint(address,address,uint256,uint256,uint256)"
BURN = "Burn(address,address,uint256,uint256,uint256)"


class Step(NamedTuple):
    """An account's scaled balance changes by `amount`, after the index grew by `growth` ray parts."""

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


@given(steps, st.sampled_from(Side))
def test_token_events__any_sequence__give_back_the_exact_scaled_balances(
    sequence: list[Step], side: Side
) -> None:
    world = World()
    asset = world.list()
    token = ScaledToken(world, v_token_of(asset) if side is Side.DEBT else a_token_of(asset), side)
    for step in sequence:
        token.change(step)
        for account, scaled in token.scaled.items():
            assert world.book.quantity(account, 0, side) == scaled
    if side is Side.DEBT:
        assert world.book.get(("scaled_debt", 0)) == sum(token.scaled.values())
    assert world.market.doubt is None
