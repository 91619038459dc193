"""Which lender pays for a liquidation, and when none does."""

from collections.abc import Sequence

import pytest

from keeper.plan.flash_swap import FlashSwap
from keeper.plan.funding import Need, cheapest, lends
from keeper.plan.model import Loan
from keeper.protocols.base import Dialect, FlashKind, FlashSource, Instruction, Opportunity, Settlement
from keeper.protocols.flash import Lender
from keeper.types import ZERO_ADDRESS, Address
from tests.execute_samples import POOL, USDC, WETH, account

MORPHO = Address("0x" + "b0" * 20)
PAIR = Opportunity(account(1), USDC, WETH, ((1, 1000),))
SAME = Opportunity(account(1), USDC, USDC, ((1, 1000),))
INSTRUCTION = Instruction(Dialect.AAVE, POOL)


def lender(kind: FlashKind, address: Address, cash: int, bps: int) -> Lender:
    return Lender(kind, address, {USDC.address: cash}, lambda amount: -(-amount * bps // 10_000))


def chosen(
    sources: Sequence[Lender], pair: Opportunity = PAIR, amount: int = 1000
) -> tuple[Loan | None, int]:
    found = cheapest(sources, Need.of(pair, amount, Settlement(amount, 1100, 10), INSTRUCTION))
    assert found is not None
    return found


def test_cheapest__several_have_enough__the_lowest_fee() -> None:
    sources = [lender(FlashKind.AAVE, POOL, 10**6, 5), lender(FlashKind.MORPHO, MORPHO, 10**6, 0)]
    assert chosen(sources) == (Loan(FlashKind.MORPHO, MORPHO), 0)
    assert chosen(sources[:1]) == (Loan(FlashKind.AAVE, POOL), 1)


def test_cheapest__the_cheap_one_lacks_a_unit__the_next() -> None:
    sources = [lender(FlashKind.AAVE, POOL, 1000, 5), lender(FlashKind.MORPHO, MORPHO, 999, 0)]
    assert chosen(sources) == (Loan(FlashKind.AAVE, POOL), 1)


def test_cheapest__equal_fees__the_venue_itself() -> None:
    sources = [lender(FlashKind.MORPHO, MORPHO, 10**6, 0), lender(FlashKind.AAVE, POOL, 10**6, 0)]
    assert chosen(sources) == (Loan(FlashKind.AAVE, POOL), 0)


def test_cheapest__collateral_is_the_debt_asset__what_is_seized_stays_with_the_venue() -> None:
    need = Need.of(SAME, 1000, Settlement(1000, 1100, 10), INSTRUCTION)
    assert need.kept == 1110
    assert cheapest([lender(FlashKind.AAVE, POOL, 2109, 5)], need) is None
    assert chosen([lender(FlashKind.AAVE, POOL, 2110, 5)], SAME) == (Loan(FlashKind.AAVE, POOL), 1)
    assert chosen([lender(FlashKind.AAVE, MORPHO, 1000, 5)], SAME) == (Loan(FlashKind.AAVE, MORPHO), 1)


@pytest.mark.parametrize("token", [USDC.address, WETH.address])
def test_cheapest__nobody_has_enough__none(token: Address) -> None:
    poor = Lender(FlashKind.MORPHO, MORPHO, {token: 999})
    assert cheapest([poor], Need.of(PAIR, 1000, Settlement(1000, 1, 0), INSTRUCTION)) is None


def test_cheapest__the_lender_takes_part_in_the_sale__is_avoided() -> None:
    need = Need.of(PAIR, 10, Settlement(10, 1, 0), INSTRUCTION)
    sources = [lender(FlashKind.UNISWAP_V3, MORPHO, 10**6, 1)]
    assert cheapest(sources, need, avoid={MORPHO}) is None
    assert cheapest(sources, need) == (Loan(FlashKind.UNISWAP_V3, MORPHO), 1)


def test_cheapest__flash_swap__only_where_the_sale_leaves_it_room() -> None:
    sources: list[FlashSource] = [FlashSwap(), lender(FlashKind.AAVE, POOL, 10**6, 5)]
    need = Need.of(PAIR, 1000, Settlement(1000, 1100, 10), INSTRUCTION, in_swap=True)
    assert cheapest(sources, need) == (Loan(FlashKind.FLASH_SWAP, ZERO_ADDRESS), 0)
    assert cheapest(sources, need._replace(in_swap=False)) == (Loan(FlashKind.AAVE, POOL), 1)
    assert cheapest(sources[:1], need._replace(in_swap=False)) is None


@pytest.mark.parametrize(("spared", "kind"), [(0.9, FlashKind.MORPHO), (1.1, FlashKind.AAVE)])
def test_cheapest__a_kind_needs_less_gas__counts_as_much_as_its_fee(spared: float, kind: FlashKind) -> None:
    sources = [lender(FlashKind.AAVE, POOL, 10**6, 5), lender(FlashKind.MORPHO, MORPHO, 10**6, 0)]
    need = Need.of(PAIR, 1000, Settlement(1000, 1100, 10), INSTRUCTION)
    found = cheapest(sources, need, spared={FlashKind.AAVE: spared})
    assert found
    assert found.loan
    assert found.loan.kind is kind


def test_lends__flash_swap__whoever_has_the_sale() -> None:
    need = Need.of(PAIR, 1000, Settlement(1000, 1100, 10), INSTRUCTION)
    assert lends([], need, Loan(FlashKind.FLASH_SWAP, ZERO_ADDRESS))
    assert not lends([], need, Loan(FlashKind.AAVE, POOL))
