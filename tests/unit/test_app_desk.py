"""Who may lend for a deployment's liquidations: all at the head whose books can be trusted."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, cast

import pytest

from keeper.app.desk import Desk, Situation
from keeper.plan.guards import Guards
from keeper.plan.model import Plan, Rejection
from keeper.protocols.base import FlashKind, FlashSource, Market
from keeper.protocols.flash import Lender
from keeper.types import Address, BlockRef, Hash

HEAD = BlockRef(7, Hash("0x07"), Hash("0x06"), 1_700_000_000, 1)
BORROWER = Address("0x" + "b0" * 20)


@dataclass
class Lending:
    """A market that brings one lender."""

    lender: Lender
    doubt: str | None = None

    def flash_sources(self) -> Sequence[Lender]:
        return (self.lender,)


class Asked:
    """A planner that remembers who was offered to lend."""

    def __init__(self) -> None:
        self.sources: Sequence[FlashSource] = ()

    async def burst(self, *given: Any) -> list[Plan | Rejection]:
        self.sources = given[6]
        return []


def lending(number: int, doubt: str | None = None) -> Lending:
    return Lending(Lender(FlashKind.AAVE, Address(f"0x{number:040x}"), {}), doubt)


OWN, OTHER, DOUBTFUL = lending(1), lending(2), lending(3, "logs are missing")


@pytest.mark.parametrize(("accounts", "lenders"), [([BORROWER], [OWN, OTHER]), ([], [])])
async def test_decide__several_deployments__those_in_no_doubt_lend_the_own_one_first(
    accounts: list[Address], lenders: list[Lending]
) -> None:
    planner = Asked()
    desk = Desk(cast("Any", planner), Guards(), None)
    markets = tuple(cast("Market", each) for each in (OTHER, DOUBTFUL, OWN))
    now = Situation(HEAD, None, 1, 1, markets)
    await desk.decide(cast("Market", OWN), accounts, now)
    assert list(planner.sources) == [each.lender for each in lenders]
