"""Whether anything new may be sent: the switch, the age of the newest block, the budgets."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from keeper.app.allowance import Allowance
from keeper.app.governor import Governor
from keeper.app.reload import Reloader
from keeper.app.switch import Switch
from keeper.config.load import load
from keeper.types import USD, checksum
from tests.execute_samples import account, block_ref

HEAD = block_ref(100)


def governor(age: float, limit: int = 300, spent: int = 0, bound: int | None = None) -> Governor:
    """Asked `age` seconds after HEAD, with `spent` dollars of losses in the ledger."""

    class Ledger:
        async def spent(self, since: int) -> Any:
            assert since < HEAD.timestamp + age
            return SimpleNamespace(loss_usd=spent * USD, gas_usd=0)

    reloader = SimpleNamespace(
        allowance=lambda: Allowance(loss_hour=bound and bound * USD), max_head_age=lambda: limit
    )
    clock = SimpleNamespace(now=lambda: HEAD.timestamp + age)
    return Governor(Switch(None), cast("Reloader", reloader), cast("Any", Ledger()), cast("Any", clock))


STALE = "the newest block is over 300 seconds old; guards.max_head_age_seconds allows no more"


@pytest.mark.parametrize(
    ("age", "limit", "why"),
    [(-5, 300, None), (300.9, 300, None), (301, 300, STALE), (9_999, 300, STALE), (9_999, 0, None)],
)
async def test_objection__age_of_the_newest_block__stale_state_lets_nothing_out(
    age: float, limit: int, why: str | None
) -> None:
    assert await governor(age, limit).objection(HEAD) == why


async def test_objection__several_reasons__the_operator_comes_first() -> None:
    asked = governor(400, spent=50, bound=20)
    assert await asked.objection(HEAD) == STALE
    asked.switch.stop("by hand")
    assert await asked.objection(HEAD) == "by hand"
    asked = governor(4, spent=50, bound=20)
    assert (await asked.objection(HEAD) or "").startswith("lost $50.00")


def test_budgeted__with_and_without_a_budget__says_whether_the_ledger_counts() -> None:
    assert governor(0, bound=20).budgeted
    assert not governor(0).budgeted


SETTINGS = f"""
[chain]
id = 1
http = ["http://127.0.0.1:8545"]
[[deployment]]
name = "core"
protocol = "aave-v3"
addresses_provider = "{checksum(account(7))}"
"""


def test_reload__another_limit__is_in_the_new_policy(tmp_path: Path) -> None:
    file = tmp_path / "keeper.toml"
    file.write_text(SETTINGS)
    reloader = Reloader(load(file, env={}), cast("Any", None), lambda: load(file, env={}), plans=False)
    assert reloader.max_head_age() == 300
    file.write_text(SETTINGS + "[guards]\nmax_head_age_seconds = 60\n")
    found = reloader.reload()
    assert (found.max_head_age, reloader.max_head_age()) == (60, 60)
    assert [difference.key for difference in found.differences] == ["guards.max_head_age_seconds"]
