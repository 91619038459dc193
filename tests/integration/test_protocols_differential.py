"""Random actions on Morpho Blue and Venus: the followed markets equal the contracts in every integer.

A thousand actions: `scripts/differential --protocol morpho-blue --actions 1000`.
"""

from tests.morpho_differential import morpho_run
from tests.protocol_run import ProtocolRun
from tests.venus_differential import CARRIED_OUT, venus_run

ACTIONS = 80
BORROWERS = 12


def assert_equal(run: ProtocolRun) -> None:
    """Nothing differs, and enough was there to differ."""
    assert [str(mismatch) for mismatch in run.mismatches] == []
    assert run.doubts == []
    assert len(run.done) == ACTIONS
    assert len(run.succeeded) > len(run.kinds) * 2 // 3
    assert run.comparisons == ACTIONS // 10
    assert run.accounts > BORROWERS * run.comparisons
    assert run.liquidations[CARRIED_OUT] > 0
    assert run.liquidations.total() > run.liquidations[CARRIED_OUT]


async def test_morpho_blue__everybody_at_random__equals_the_contract_integer_by_integer() -> None:
    assert_equal(await morpho_run(seed=1, actions=ACTIONS, borrowers=BORROWERS))


async def test_venus__everybody_at_random__equals_the_contracts_integer_by_integer() -> None:
    assert_equal(await venus_run(seed=3, actions=ACTIONS, borrowers=BORROWERS))
