"""Random actions on the real contracts of Aave v2: the followed market equals them in every integer."""

import pytest

from keeper.devnet.dialect import Version
from keeper.devnet.network import Network
from tests.aave_v2_differential import Run, following

BORROWERS = 20
ACTIONS = 320


@pytest.mark.parametrize("seed", [1])
async def test_aave_v2__users_and_admins_at_random__equals_the_contracts_integer_by_integer(
    seed: int,
) -> None:
    async with Network.start(version=Version.V2, borrowers=BORROWERS, seed=seed) as network:
        market = network.market
        async with following(network.anvil, market.provider, market.start_block) as follows:
            run = Run(network, follows, seed)
            await run.steps(ACTIONS)
            found = await follows.chain.block()
            frame = follows.market.frame(found.timestamp)
            assert frame.timestamp == found.timestamp
    assert run.differences == []
    assert run.users.kinds | run.admins.kinds == set(run.succeeded)
    assert run.comparison.accounts > BORROWERS * ACTIONS // 10
