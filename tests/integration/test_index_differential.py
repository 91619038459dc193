"""Random actions on the real contracts: the followed market equals them in every integer."""

import pytest

from keeper.devnet.aave.random.actions import ActionKind
from keeper.devnet.network import Network
from tests.differential import following
from tests.random_run import RandomRun, random_run

BORROWERS = 25
ACTIONS = 320


async def differential_run(seed: int) -> RandomRun:
    async with (
        Network.start(borrowers=BORROWERS, seed=seed) as network,
        following(network.anvil, network.market) as follows,
    ):
        users = [borrower.address for borrower in network.borrowers]
        return await random_run(follows, network.actors, users, seed=seed, actions=ACTIONS)


@pytest.mark.parametrize("seed", [1, 2])
async def test_index__every_user_action_at_random__equals_the_contracts_integer_by_integer(seed: int) -> None:
    run = await differential_run(seed)
    assert [str(mismatch) for mismatch in run.mismatches] == []
    assert set(run.succeeded) == set(ActionKind)
    assert run.comparisons == ACTIONS // 10
    assert run.accounts > BORROWERS * run.comparisons
    assert run.reserves == 8 * run.comparisons
