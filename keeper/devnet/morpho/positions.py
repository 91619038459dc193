"""Varied, reproducible borrowers of Morpho Blue, and how their positions come to be."""

from collections import Counter
from collections.abc import Mapping, Sequence
from random import Random
from typing import NamedTuple

from keeper.devnet.borrowers import EXPONENTS, OTHER_STRIDE, STRIDE, borrower_address, size_at
from keeper.devnet.deployment import Crowd
from keeper.devnet.exchange.ticks import PricedToken
from keeper.devnet.morpho.market import IsolatedMarket, Morpho
from keeper.devnet.node import Tx
from keeper.devnet.sponsor import SPONSOR, Progress, open_in_groups, sponsored
from keeper.types import BPS, USD, Address

_GROUP = 250
_ALSO_LENDS = 20
"""Percent of borrowers who supply what they borrow too: it backs no debt and must not be mistaken for it."""


class MorphoBorrower(NamedTuple):
    """One account in one market: raw amounts of collateral and debt, and of loan token that it lends."""

    address: Address
    market: IsolatedMarket
    collateral: int
    debt: int
    lent: int


def make_borrowers(
    markets: Sequence[IsolatedMarket], tokens: Mapping[str, PricedToken], crowd: Crowd
) -> tuple[MorphoBorrower, ...]:
    """Accounts spread evenly over the markets; the same arguments give the same ones.

    Every debt is within what its market lets the account borrow.
    """
    start = Random(f"{crowd.seed}").random()
    made = []
    for index in range(crowd.borrowers):
        size = size_at((start + index * OTHER_STRIDE) % 1, crowd.mix)
        market = markets[int((start + index * STRIDE) % 1 * len(markets))]
        random = Random(f"{crowd.seed} {index}")
        value = int(10 ** random.uniform(*EXPONENTS[size]) * USD)
        collateral, loan = tokens[market.spec.collateral], tokens[market.spec.loan]
        near = random.random() * 100 < crowd.mix.near_limit
        use = random.randint(9600, 9980) if near else random.randint(2500, 9000)
        amount = value * 10**collateral.decimals // collateral.price
        debt = value * market.spec.lltv * use // BPS**2 * 10**loan.decimals // loan.price
        lent = debt // 3 if random.random() * 100 < _ALSO_LENDS else 0
        made.append(MorphoBorrower(borrower_address(crowd.seed, index), market, amount, debt, lent))
    return tuple(made)


async def open_positions(morpho: Morpho, borrowers: Sequence[MorphoBorrower], progress: Progress) -> None:
    """Supply for every borrower, and let them borrow.

    Raises:
        DevnetError: a step reverted.
    """

    def opening(group: Sequence[MorphoBorrower]) -> list[Tx]:
        return [tx for borrower in group for tx in _opening(morpho, borrower)]

    await open_in_groups(morpho.node, borrowers, _funding(morpho, borrowers), opening, progress, size=_GROUP)


def _funding(morpho: Morpho, borrowers: Sequence[MorphoBorrower]) -> list[Tx]:
    needed: Counter[Address] = Counter()
    for borrower in borrowers:
        params = borrower.market.params
        needed[params.collateral] += borrower.collateral
        needed[params.loan] += borrower.lent
    return [tx for token, amount in needed.items() for tx in sponsored(token, morpho.address, amount)]


def _opening(morpho: Morpho, borrower: MorphoBorrower) -> list[Tx]:
    params, account = borrower.market.params, borrower.address
    txs = [morpho.tx(SPONSOR, "supplyCollateral", params, borrower.collateral, account, b"")]
    if borrower.lent:
        txs.append(morpho.tx(SPONSOR, "supply", params, borrower.lent, 0, account, b""))
    txs.append(morpho.tx(account, "borrow", params, borrower.debt, 0, account, account))
    return txs
