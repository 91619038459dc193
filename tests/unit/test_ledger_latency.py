"""Latencies on disk, and percentiles of them."""

from dataclasses import replace
from pathlib import Path

from keeper.execute.latency import Latency
from keeper.ledger.latency import Latencies, Spread, percentile, spreads
from keeper.types import Hash
from tests.execute_samples import fresh_database


def latency(place: int, batch: str = "batch", number: int = 0, sent: float | None = None) -> Latency:
    return Latency(Hash(f"0x{place:064x}"), batch, number, 100, float(place), place + 1.0, sent)


async def test_record__again_with_more_known__one_row_with_the_newest(tmp_path: Path) -> None:
    async with fresh_database(tmp_path) as database:
        kept = Latencies(database)
        await kept.record([])
        await kept.record([latency(1), latency(2, number=1), latency(3, batch="other")])
        mined = replace(latency(1, sent=2.5), mined=12_000.0, blocks=1)
        await kept.record([mined])
        assert await kept.by_batch(["batch", "none"]) == {"batch": [mined, latency(2, number=1)]}


def test_spreads__replacements_among_them__only_first_attempts_count() -> None:
    found = [*(latency(place, sent=10.0 * place) for place in range(1, 101)), latency(999, number=1)]
    assert spreads(found) == {
        "decided": Spread(100, 50.0, 99.0),
        "signed": Spread(100, 51.0, 100.0),
        "sent": Spread(100, 500.0, 990.0),
    }
    assert spreads([]) == {}


def test_percentile__few_values__is_one_of_them() -> None:
    assert [percentile([7.0], percent) for percent in (1, 50, 99, 100)] == [7.0] * 4
    assert [percentile([1.0, 2.0, 3.0], percent) for percent in (1, 33, 34, 99)] == [1.0, 1.0, 2.0, 3.0]
