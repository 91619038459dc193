"""Generated borrowers: within their limits, varied, reproducible."""

from collections import Counter
from dataclasses import replace

import pytest

from keeper.devnet.aave.terms import EMode, Listing, Terms, borrowing_power
from keeper.devnet.borrowers import Borrower, Kind, Mix, Size, make_borrowers
from keeper.types import BPS, USD


def listing(symbol: str, decimals: int, dollars: int, ltv: int, threshold: int, **rules: int) -> Listing:
    chosen = {"borrowable": 1, "isolation_borrowable": 0, "debt_ceiling": 0} | rules
    return Listing(
        symbol=symbol,
        decimals=decimals,
        price=dollars * USD,
        ltv=ltv,
        threshold=threshold,
        borrowable=bool(chosen["borrowable"]),
        isolation_borrowable=bool(chosen["isolation_borrowable"]),
        debt_ceiling=chosen["debt_ceiling"],
    )


LISTINGS = [
    listing("WETH", 18, 3000, 8050, 8300),
    listing("wstETH", 18, 3600, 7850, 8100),
    listing("WBTC", 8, 60000, 7300, 7800),
    listing("USDC", 6, 1, 7500, 7800, isolation_borrowable=1),
    listing("DAI", 18, 1, 6300, 7700, isolation_borrowable=1),
    listing("USDT", 6, 1, 7500, 7800),
    listing("LINK", 18, 15, 6600, 7100),
    listing("GOLD", 18, 4000, 6000, 7000, borrowable=0, debt_ceiling=2_000_000_00),
]
STABLES = frozenset({"USDC", "DAI", "USDT"})
TERMS = Terms(
    {each.symbol: each for each in LISTINGS},
    {
        1: EMode(1, 9300, 9500, frozenset({"WETH", "wstETH"}), frozenset({"WETH"})),
        2: EMode(2, 9000, 9300, STABLES, STABLES),
    },
)
VOLATILE = ("WETH", "wstETH", "WBTC", "LINK", "GOLD")


def health(borrower: Borrower, fall_percent: int = 0) -> float:
    """Health factor after the volatile assets fell."""

    def value(symbol: str, amount: int) -> float:
        left = 100 - fall_percent if symbol in VOLATILE else 100
        return TERMS.listings[symbol].value(amount) * left / 100

    weighted = sum(value(s, a) * TERMS.threshold(s, borrower.emode) for s, a in borrower.collateral)
    return weighted / BPS / sum(value(s, a) for s, a in borrower.debt)


@pytest.fixture(scope="module")
def thousand() -> tuple[Borrower, ...]:
    return make_borrowers(TERMS, 1000, seed=1)


def test_make_borrowers__same_seed__gives_the_same_accounts(thousand: tuple[Borrower, ...]) -> None:
    assert make_borrowers(TERMS, 1000, seed=1) == thousand
    assert make_borrowers(TERMS, 40, seed=1) == thousand[:40]


def test_make_borrowers__another_seed__shares_no_address(thousand: tuple[Borrower, ...]) -> None:
    addresses = {borrower.address for borrower in thousand}
    assert len(addresses) == 1000
    assert addresses.isdisjoint(borrower.address for borrower in make_borrowers(TERMS, 1000, seed=2))


def test_make_borrowers__every_debt__is_within_the_borrowing_power(thousand: tuple[Borrower, ...]) -> None:
    for borrower in thousand:
        owed = sum(TERMS.listings[symbol].value(amount) + 1 for symbol, amount in borrower.debt)
        assert owed < borrowing_power(TERMS, borrower.collateral, borrower.emode)
        assert all(amount > 0 for _, amount in borrower.collateral + borrower.debt)
        assert len({symbol for symbol, _ in borrower.debt}) == len(borrower.debt)
        assert bool(borrower.debt) == (borrower.kind is not Kind.SUPPLIER)


def test_make_borrowers__a_thousand__have_every_kind_and_size_in_its_share(
    thousand: tuple[Borrower, ...],
) -> None:
    kinds = Counter(borrower.kind for borrower in thousand)
    sizes = Counter(borrower.size for borrower in thousand)
    assert 35 <= kinds[Kind.SUPPLIER] <= 45
    assert 195 <= kinds[Kind.EMODE] <= 205
    assert 30 <= kinds[Kind.ISOLATED] <= 75
    assert 145 <= sizes[Size.DUST] <= 155
    assert 35 <= sizes[Size.WHALE] <= 45
    assert {borrower.emode for borrower in thousand} == {0, 1, 2}
    assert {len(borrower.collateral) for borrower in thousand} == {1, 2, 3}
    assert {len(borrower.debt) for borrower in thousand} == {0, 1, 2, 3}


def test_make_borrowers__fifty__already_have_every_kind_and_size() -> None:
    for seed in range(20):
        few = make_borrowers(TERMS, 50, seed)
        assert {borrower.kind for borrower in few} == set(Kind)
        assert {borrower.size for borrower in few} == set(Size)


def test_make_borrowers__sizes__are_in_their_ranges(thousand: tuple[Borrower, ...]) -> None:
    ranges = {
        Size.DUST: (9, 100),
        Size.NORMAL: (999, 100_000),
        Size.WHALE: (999_999, 5_000_000),
    }
    for borrower in thousand:
        dollars = sum(TERMS.listings[symbol].value(amount) for symbol, amount in borrower.collateral) / USD
        low, high = ranges[borrower.size]
        assert dollars <= high
        assert dollars >= low or borrower.kind is Kind.ISOLATED


def test_make_borrowers__isolated_accounts__hold_one_collateral_and_stay_below_the_ceiling(
    thousand: tuple[Borrower, ...],
) -> None:
    isolated = [borrower for borrower in thousand if borrower.kind is Kind.ISOLATED]
    assert {borrower.collateral[0].symbol for borrower in isolated} == {"GOLD"}
    assert {len(borrower.collateral) for borrower in isolated} == {1}
    debts = [position for borrower in isolated for position in borrower.debt]
    assert {symbol for symbol, _ in debts} == {"USDC", "DAI"}
    owed = sum(TERMS.listings[symbol].value(amount) for symbol, amount in debts)
    assert owed * 100 // USD < TERMS.listings["GOLD"].debt_ceiling
    assert not any("GOLD" in dict(b.collateral) for b in thousand if b.kind is not Kind.ISOLATED)


def test_make_borrowers__emode_accounts__borrow_only_what_their_mode_lends(
    thousand: tuple[Borrower, ...],
) -> None:
    for borrower in thousand:
        if borrower.emode:
            mode = TERMS.emodes[borrower.emode]
            assert {symbol for symbol, _ in borrower.debt} <= mode.borrowables
            assert any(symbol in mode.collaterals for symbol, _ in borrower.collateral)


def test_make_borrowers__prices_fall__make_a_growing_spread_liquidatable(
    thousand: tuple[Borrower, ...],
) -> None:
    indebted = [borrower for borrower in thousand if borrower.debt]
    below = [sum(health(borrower, fall) < 1 for borrower in indebted) for fall in (0, 5, 10, 15)]
    assert below[0] == 0
    assert below == sorted(set(below))
    assert below[1] > len(indebted) // 33
    assert below[3] > len(indebted) // 4


def test_make_borrowers__nobody_near_the_limit__keeps_a_distance() -> None:
    cautious = make_borrowers(TERMS, 200, 3, replace(Mix(), near_limit=0, suppliers=0))
    assert min(health(borrower) for borrower in cautious) > 1.1


def test_make_borrowers__no_emode_and_no_isolation__falls_back_to_plain_accounts() -> None:
    plain = {symbol: each for symbol, each in TERMS.listings.items() if symbol != "GOLD"}
    kinds = {borrower.kind for borrower in make_borrowers(Terms(plain, {}), 100, 1)}
    assert kinds == {Kind.PLAIN, Kind.SUPPLIER}
