"""Holds liquidations by others against what the keeper had decided about the accounts."""

from collections.abc import Collection, Iterable
from typing import NamedTuple

from keeper.app.desk import told
from keeper.index.follower import Liquidated
from keeper.ledger.missed import Missed, Why
from keeper.plan.model import Plan, Rejection
from keeper.protocols.base import AssetInfo, Market
from keeper.types import Address


class Decision(NamedTuple):
    """The last decision on an account, and the block at which it was first seen liquidatable."""

    since: int
    outcome: Plan | Rejection


class Misses:
    """Remembers the decisions of the heads before. `ours` is the executor's address."""

    def __init__(self, ours: Address | None) -> None:
        self._ours = ours
        self._decisions: dict[tuple[str, Address], Decision] = {}

    def remember(self, deployment: str, block: int, outcomes: Iterable[Plan | Rejection]) -> None:
        """Take note of what was decided at `block`; accounts without decision are forgotten."""
        fresh = {}
        for outcome in outcomes:
            key = (deployment, outcome.account)
            known = self._decisions.get(key)
            fresh[key] = Decision(known.since if known else block, outcome)
        kept = {key: value for key, value in self._decisions.items() if key[0] != deployment}
        self._decisions = kept | fresh

    def classify(
        self,
        market: Market,
        liquidations: Iterable[Liquidated],
        known: int,
        in_flight: Collection[tuple[str, Address]],
    ) -> list[Missed]:
        """What others liquidated and why we did not; `known` accounts were in the book before."""
        theirs = [found for found in liquidations if found.event.liquidator != self._ours]
        assets = {info.address: info for info in market.assets()} if theirs else {}
        missed = []
        for found in theirs:
            event = found.event
            why, detail = self._why(market, found, known, in_flight)
            missed.append(
                Missed(
                    tx_hash=found.tx_hash,
                    place=found.place,
                    time=found.time,
                    block=found.block,
                    deployment=market.deployment,
                    account=event.account,
                    debt=event.debt,
                    collateral=event.collateral,
                    repaid=event.repaid,
                    seized=event.seized,
                    liquidator=event.liquidator,
                    bonus_usd=_worth(event.seized, assets.get(event.collateral))
                    - _worth(event.repaid, assets.get(event.debt)),
                    why=why,
                    detail=detail,
                )
            )
        return missed

    def _why(
        self,
        market: Market,
        found: Liquidated,
        known: int,
        in_flight: Collection[tuple[str, Address]],
    ) -> tuple[Why, str]:
        key = (market.deployment, found.event.account)
        decision = self._decisions.get(key)
        row = market.book.row(found.event.account)
        if row is None or row >= known:
            return Why.NOT_TRACKED, "the book did not have the account"
        if key in in_flight:
            return Why.OUTBID, "ours was on its way"
        if decision is None:
            return Why.SAME_BLOCK, "liquidatable for the first time in the block that liquidated it"
        if isinstance(decision.outcome, Plan):
            blocks = found.block - decision.since
            return Why.LATE, f"{blocks} blocks after we saw it: {told(decision.outcome)}"
        return Why.REJECTED, told(decision.outcome)


def _worth(amount: int, asset: AssetInfo | None) -> int:
    return 0 if asset is None else amount * (asset.price or 0) // 10**asset.decimals
