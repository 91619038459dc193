"""The pace of a chain: when the next block is expected, and how long a transaction may wait."""

import pytest

from keeper.app.pace import PATIENCE, Pace
from keeper.types import BlockRef
from tests.execute_samples import block_ref


def paced(seconds: float, blocks: int = 40) -> tuple[Pace, BlockRef]:
    pace, head = Pace(), block_ref(100)
    for number in range(blocks):
        head = block_ref(100 + number)._replace(timestamp=1_700_000_000 + round(number * seconds))
        pace.observe(head)
    return pace, head


@pytest.mark.parametrize(("seconds", "patience"), [(12, 144), (2, 24), (0.25, 12)])
def test_patience__any_pace__is_the_time_of_so_many_blocks(seconds: float, patience: int) -> None:
    pace, head = paced(seconds)
    assert pace.patience == patience
    assert pace.next_timestamp == head.timestamp + max(round(seconds), 1)


def test_patience__one_head_seen__counts_on_blocks_of_a_second() -> None:
    assert paced(12, blocks=1)[0].patience == PATIENCE
