"""A market that disagrees with the chain is quarantined by its own name, and freed when it agrees."""

from collections.abc import Sequence

from keeper.index.audit import Auditor
from keeper.ports import BlockId
from keeper.protocols.morpho_blue.records import account_key, split
from keeper.types import ZERO_ADDRESS, BlockRef, Call, Hash
from tests.aave_v3_world import Answers
from tests.morpho_world import ALICE, MORPHO, World

ROUNDS = 3


class Chain:
    """Answers calls from what a test says contracts answer."""

    def __init__(self, answers: Answers) -> None:
        self._answers = answers

    async def call_many(self, calls: Sequence[Call], block: BlockId = "latest") -> list[bytes | None]:
        return [self._answers.known.get((call.to, call.data[:4])) for call in calls]


async def test_turn__market_that_cannot_be_mended__stays_quarantined_until_it_agrees() -> None:
    world = World()
    market_id = split(world.position(80 * 10**6, 100))[1]
    world.answers.set(MORPHO, "feeRecipient()", ZERO_ADDRESS)
    world.answers.set(MORPHO, "position(bytes32,address)", 0, 80 * 10**6, 100)
    head = BlockRef(7, Hash("0x07"), Hash("0x06"), world.now, 0)
    auditor = Auditor(Chain(world.answers), 10)  # type: ignore[arg-type]

    # Somebody's shares are in the total and in no log.
    world.answers.set(MORPHO, "market(bytes32)", 81, 81 * 10**6, 80, 90 * 10**6, world.now, 0)
    for _ in range(ROUNDS):
        audit = await auditor.turn(world.market, head)
        assert {difference.subject for difference in audit.differences} == {market_id}
        assert auditor.quarantined == {market_id}
        assert account_key(ALICE, market_id) not in auditor.quarantined

    world.answers.set(MORPHO, "market(bytes32)", 81, 81 * 10**6, 80, 80 * 10**6, world.now, 0)
    await auditor.turn(world.market, head)
    audit = await auditor.turn(world.market, head)
    assert audit.differences == []
    assert auditor.quarantined == frozenset()
