"""From liquidatable accounts to plans: the plan stage's front door."""

from collections.abc import Iterable, Mapping, Sequence
from itertools import islice
from typing import Any

from keeper.errors import Degraded
from keeper.index.conversation import converse
from keeper.plan.model import Plan, Rejection
from keeper.plan.quotes import quoted, together
from keeper.plan.route import Path, SameAsset, Venue
from keeper.plan.search import Offer, Terms, Trial, search
from keeper.plan.strategy import Strategy
from keeper.plan.verdict import Case, judge
from keeper.ports import ChainReader
from keeper.protocols.base import FlashSource, Market, Refusal
from keeper.types import Address, BlockRef

PAIRS = 24
"""Pairs of one account that are quoted, the ones that pay most at the oracle's prices.

It only bounds what an account with very many legs costs: exchanges and the oracle disagree, so the best
pair need not be among the first few.
"""


class Planner:
    """Finds the best pair, route and size for each account and says why where there is none."""

    def __init__(self, chain: ChainReader, venues: Sequence[Venue], strategy: Strategy) -> None:
        self._chain = chain
        self._venues: Mapping[Address, Venue] = {venue.factory: venue for venue in (SameAsset(), *venues)}
        self._strategy = strategy

    async def refresh(self, market: Market, block: BlockRef) -> None:
        """Bring what the venues know of the market's tokens up to date; free while it is fresh.

        Called ahead of need, on blocks without candidates, it keeps discovery out of `plan`.

        Raises:
            Transient: no node answered in time.
        """
        tokens = [asset.address for asset in market.assets()]
        discoveries = together([venue.discover(tokens, block.number) for venue in self._venues.values()])
        await converse(discoveries, self._chain, block.number)

    async def plan(  # noqa: PLR0917 - a stage's whole input, one name each
        self,
        market: Market,
        frame: Any,
        block: BlockRef,
        accounts: Sequence[Address],
        gas_price: int,
        native_price: int,
        sources: Sequence[FlashSource] | None = None,
    ) -> list[Plan | Rejection]:
        """The best plan of each account on the state of `block`, or why there is none, in order.

        `gas_price` in wei is what a transaction would pay now; `native_price` is the USD price
        (8 decimals) of 1e18 wei. `sources` lend what is repaid: the market's own unless more are given.
        All accounts share every round of quotes.

        Raises:
            Transient: no node answered in time.
        """
        await self.refresh(market, block)
        terms = Terms(
            market=market,
            frame=frame,
            gas=self._strategy.gas,
            gas_price=gas_price,
            native_price=native_price,
            flash_loan=self._strategy.flash_loan,
            sources=market.flash_sources() if sources is None else sources,
        )
        cases = [_open(account, terms) for account in accounts]
        offers = [offer for case in cases for offer in case.offers]
        paths = {offer.pair: self._paths(*offer.pair) for offer in offers}
        conversation = quoted(search(offers, paths, terms), self._venues)
        trials = iter(await converse(conversation, self._chain, block.number))
        return [
            judge(case, _best(islice(trials, len(case.offers))), terms, self._strategy, block)
            for case in cases
        ]

    def _paths(self, token_in: Address, token_out: Address) -> list[Path]:
        return [path for venue in self._venues.values() for path in venue.routes(token_in, token_out)]


def _open(account: Address, terms: Terms) -> Case:
    """Ask the protocol about every pair of the account and keep the offers worth quoting."""
    try:
        opportunities = terms.market.opportunities(account, terms.frame)
    except Degraded as error:
        return Case(account, fault=str(error))
    priced = [opportunity for opportunity in opportunities if opportunity.debt.price]
    answers = [terms.offer(opportunity) for opportunity in priced]
    offers = [answer for answer in answers if isinstance(answer, Offer)]
    return Case(
        account=account,
        opportunities=opportunities,
        unpriced=[opportunity for opportunity in opportunities if not opportunity.debt.price],
        refusals=[answer for answer in answers if isinstance(answer, Refusal)],
        offers=sorted(offers, key=Offer.oracle_profit, reverse=True)[:PAIRS],
    )


def _best(trials: Iterable[Trial | None]) -> Trial | None:
    return max(filter(None, trials), key=Trial.rank, default=None)
