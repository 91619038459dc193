"""Plans on demand: what the daemon would do now, for the verbs that only look."""

from collections.abc import Sequence

from keeper.app.desk import Situation
from keeper.app.native import native_price, wrapped_native
from keeper.app.pace import Pace
from keeper.app.planning import make_desk
from keeper.app.view import View
from keeper.plan.model import Plan, Rejection
from keeper.protocols.base import Market
from keeper.risk.scan import scan
from keeper.types import Address


class Appraiser:
    """Plans for accounts as of a view's block, landing in the block after it."""

    def __init__(self, view: View) -> None:
        self._view = view
        self._desk = make_desk(view.config, view.chain)

    async def candidates(self, market: Market) -> list[Plan | Rejection]:
        """A plan (or two in a row) or a reason for every liquidatable account, most profitable first."""
        found = scan(market, market.frame(await self._landing()))
        outcomes = await self.plan(market, [health.account for health in found.liquidatable])
        ranked = sorted(outcomes, key=_worth, reverse=True)
        return [step for each in ranked for step in (each.steps if isinstance(each, Plan) else (each,))]

    async def plan(self, market: Market, accounts: Sequence[Address]) -> list[Plan | Rejection]:
        """A plan or a reason for each of `accounts`, in their order."""
        view, block = self._view, self._view.block
        wrapped = await wrapped_native(view.config, view.chain)
        native = native_price(view.markets, wrapped, view.config.chain.id)
        now = Situation(
            head=block,
            frame=market.frame(await self._landing()),
            gas_price=block.base_fee + await view.chain.priority_fee(),
            native_price=native,
            markets=view.markets,
        )
        return await self._desk.decide(market, accounts, now)

    async def _landing(self) -> int:
        """When the block after the view's is expected, from the interval before it."""
        pace, block = Pace(), self._view.block
        if block.number:
            pace.observe(await self._view.chain.block(block.number - 1))
        pace.observe(block)
        return pace.next_timestamp


def _worth(outcome: Plan | Rejection) -> tuple[bool, int]:
    best = outcome if isinstance(outcome, Plan) else outcome.best
    return isinstance(outcome, Plan), sum(step.profit.net_usd for step in best.steps) if best else 0
