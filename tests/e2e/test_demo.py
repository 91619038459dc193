"""`keeper demo` as a stranger runs it: it pays, leaves no bad debt and nothing behind."""

import asyncio
import json
from collections import Counter, defaultdict
from itertools import pairwise
from pathlib import Path

from keeper.demo.story import play
from keeper.ledger.model import LedgerEntry, Outcome
from keeper.plan.model import Reason
from keeper.types import USD
from tests.e2e.world import keeper

NOT_WORTH_IT = {Reason.UNPROFITABLE.value, Reason.BELOW_MINIMUM.value}


def processes_of(folder: Path) -> list[str]:
    """Command lines of running processes whose temporary folder is `folder`."""
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            if str(folder).encode() in (entry / "environ").read_bytes():
                found.append((entry / "cmdline").read_text())
        except OSError:
            continue  # it ended meanwhile
    return found


def test_demo__as_a_stranger_runs_it__pays_and_leaves_nothing_behind(tmp_path: Path) -> None:
    temporary = tmp_path / "tmp"
    temporary.mkdir()
    result = asyncio.run(keeper(tmp_path / "keeper.toml", "demo", "--json", TMPDIR=str(temporary)))

    assert result.code == 0, result.err
    last = json.loads(result.out.splitlines()[-1])
    assert last["liquidations"] > 5
    assert int(last["net_profit"]) > 100 * USD
    assert int(last["gross_profit"]) > int(last["net_profit"])
    assert int(last["gas_used"]) > 0
    assert int(last["bad_debt"]) == 0
    assert 0 < last["seconds"] < 60
    assert "Traceback" not in result.err
    assert list(temporary.iterdir()) == []
    assert processes_of(temporary) == []
    assert list(tmp_path.iterdir()) == [temporary]


def overlapping(entries: list[LedgerEntry]) -> list[LedgerEntry]:
    """Attempts at an account that were decided before the attempt before them was mined.

    Two steps of one decision share its block.
    """
    by_account: dict[str, list[LedgerEntry]] = defaultdict(list)
    for entry in sorted(entries, key=lambda entry: entry.block):
        by_account[entry.account].append(entry)
    return [
        following
        for attempts in by_account.values()
        for entry, following in pairwise(attempts)
        if entry.realised is None or entry.block < following.block < entry.realised.block
    ]


async def test_demo__its_ledger__holds_every_account_worth_it_and_none_twice_at_a_time(
    tmp_path: Path,
) -> None:
    told: list[str] = []
    story = await play(tmp_path, borrowers=30, seed=11, progress=lambda *_: None, tell=told.append)

    done = [entry for entry in story.entries if entry.outcome is Outcome.SUCCESS]
    assert len(done) > 3
    assert overlapping(story.entries) == []
    decisions = Counter((entry.account, entry.block) for entry in done)
    assert set(decisions.values()) <= {1, 2}
    assert {each["reason"] for each in story.rejected} <= NOT_WORTH_IT
    assert story.after.ladder[0].accounts == len(story.rejected)
    assert (story.after.deficit, story.after.insolvency) == (0, 0)
    assert all(entry.realised is not None and entry.realised.net_usd > 0 for entry in done)
    assert len(told) > len(done)


async def test_demo__of_chosen_protocols__liquidates_everyone_worth_it_in_each(tmp_path: Path) -> None:
    protocols = ("morpho-blue", "venus", "aave-v3.0.2", "aave-v2")
    words = [word for name in protocols for word in ("--protocol", name)]
    result = await keeper(tmp_path / "keeper.toml", "demo", "--json", "--borrowers", "12", *words)

    assert result.code == 0, result.err
    last = json.loads(result.out.splitlines()[-1])
    assert last["protocols"] == list(protocols)
    assert len(last["by_deployment"]) == len(protocols)
    assert min(last["by_deployment"].values()) > 0
    assert sum(last["by_deployment"].values()) == last["liquidations"]
    assert int(last["net_profit"]) > 0
    assert int(last["bad_debt"]) == 0


async def test_demo__protocol_that_is_not_on_the_devnet__is_refused(tmp_path: Path) -> None:
    result = await keeper(tmp_path / "keeper.toml", "demo", "--json", "--protocol", "compound-v2")
    assert (result.code, result.out) == (2, "")
    assert result.err.startswith("keeper: --protocol compound-v2: not on the devnet, which has aave-v3.6, ")
