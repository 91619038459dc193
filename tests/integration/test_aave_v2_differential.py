"""Random actions on the real contracts of Aave v2: the followed market equals them in every integer."""

import pytest

from keeper.devnet.aave.dialect import Version
from keeper.devnet.network import Network
from keeper.index.conversation import converse
from keeper.protocols.aave_v3.fold_loans import loan_of, put_loan
from keeper.protocols.aave_v3.records import Accrual
from keeper.protocols.base import Side
from keeper.types import Address
from tests.aave_v2_differential import Following, Run, following

BORROWERS = 20
ACTIONS = 320


def spoil(follows: Following) -> tuple[Address, Address]:
    """Make the book wrong about the first borrower at a stable rate and about the first reserve."""
    book = follows.market.book
    account = next(each for each in book.get(("borrowers_at_stable_rates",)) if book.get(("loans", each)))
    loan = book.get(("loans", account))[0]
    put_loan(book, account, loan._replace(principal=loan.principal + 1, updated=loan.updated + 1))
    book.set_quantity(account, 0, Side.COLLATERAL, book.quantity(account, 0, Side.COLLATERAL) + 7)
    book.set_enabled(account, 0, not book.enabled(account, 0))
    book.put(("accrual", 0), Accrual())
    assert loan_of(book, account, loan.reserve) != loan
    return account, follows.market.assets()[0].address


@pytest.mark.parametrize("seed", [1])
async def test_aave_v2__users_and_admins_at_random__equals_the_contracts_integer_by_integer(
    seed: int,
) -> None:
    async with Network.start(version=Version.V2, borrowers=BORROWERS, seed=seed) as network:
        market = network.market
        async with following(network.anvil, market.provider, market.start_block) as follows:
            run = Run(network, follows, seed)
            await run.steps(ACTIONS)
            assert run.differences == []
            assert run.users.kinds | run.admins.kinds == set(run.succeeded)
            assert run.comparison.accounts > BORROWERS * ACTIONS // 10
            assert follows.market.price_checks.total == 0
            assert await follows.audit() == []
            account, asset = spoil(follows)
            found = await follows.audit()
            assert {account, asset} <= {difference.subject for difference in found}
            assert {"user_configuration", "scaled_supply", "liquidity_index", "scaled_collateral[0]"} <= {
                difference.field for difference in found
            }
            head = await follows.chain.block()
            for subject in (account, asset):
                await converse(follows.market.heal(subject), follows.chain, head.number)
            assert await follows.audit() == []
