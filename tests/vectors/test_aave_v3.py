"""Aave v3 against recorded runs of the real contracts: every number, from logs alone."""

from pathlib import Path

import pytest

from keeper.index.book import ColumnarBook
from keeper.protocols.aave_v3.adapter import AaveV3
from tests.vectors.aave_v3_comparison import AaveV3Comparison
from tests.vectors.replay import load, replay

DATA = Path(__file__).parent / "data"


@pytest.mark.parametrize(("file", "liquidations"), [("aave-v3.6-s1", 89), ("aave-v3.6-s2", 66)])
def test_replay__real_run_from_logs_alone__every_checkpoint_and_liquidation_equal(
    file: str, liquidations: int
) -> None:
    document = load(DATA / f"{file}.json.gz")
    settings = {"addresses_provider": document["contracts"]["addresses_provider"]}
    revision = int(document["static"]["pool_revision"])
    market = AaveV3().recorded("recorded", settings, revision, ColumnarBook())
    result = replay(document, market, AaveV3Comparison())
    assert result.mismatches == []
    assert result.liquidations == liquidations
    assert result.snapshots == sum(len(c["accounts"]) + len(c["reserves"]) for c in document["checkpoints"])
    assert market.doubt is None
