"""From liquidatable accounts to plans: the plan stage's front door."""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from itertools import islice
from typing import Any, NamedTuple

from keeper.errors import Degraded
from keeper.index.conversation import converse
from keeper.plan.aggregator import Aggregator
from keeper.plan.data_fee import FREE, DataFee
from keeper.plan.data_fees import DataFees
from keeper.plan.lasting import Horizon
from keeper.plan.liquidity import Liquidity
from keeper.plan.model import Plan, Reason, Rejection
from keeper.plan.pairs import pairs_to_know
from keeper.plan.quotes import quoted
from keeper.plan.route import Path, SameAsset, Venue
from keeper.plan.search import search
from keeper.plan.second_opinion import OPEN, SecondOpinion
from keeper.plan.sequence import LARGE, Runner, State, Turn, best_order
from keeper.plan.shortlist import Paths
from keeper.plan.strategy import Strategy
from keeper.plan.terms import Offer, Terms, Trial
from keeper.plan.together import together
from keeper.plan.two_steps import in_two_steps
from keeper.plan.uniswap_v3.lending import PoolLender
from keeper.plan.verdict import Case, judge
from keeper.ports import ChainReader
from keeper.protocols.bank import Bank
from keeper.protocols.base import FlashSource, Market, Reads, Refusal
from keeper.types import Address, BlockRef

PAIRS = 24
"""Pairs of one account that are quoted, the ones that pay most at the oracle's prices.

It only bounds what an account with very many legs costs: exchanges and the oracle disagree, so the best
pair need not be among the first few.
"""


class Race(NamedTuple):
    """What accounts would pay alone: each case with its trials, offer by offer."""

    terms: Terms
    entries: Sequence[tuple[Case, Sequence[Trial | None]]]
    paths: Paths
    liquidity: Liquidity

    def impact(self, plan: Plan) -> float | None:
        """See `Liquidity.impact`."""
        return self.liquidity.impact(plan.route, plan.opportunity.collateral.address)


class Planner:
    """Finds the best pair, route and size for each account and says why where there is none.

    `banks` lend besides who is given with each call: the owner, pools, lenders that no deployment brings.
    `aggregators` are asked by `reconsider` only, when what needs no asking is on its way. Without
    `data_fees` bytes cost nothing but their gas.
    """

    def __init__(
        self,
        chain: ChainReader,
        venues: Sequence[Venue],
        strategy: Strategy,
        banks: Sequence[Bank] = (),
        aggregators: Sequence[Aggregator] = (),
        *,
        data_fees: DataFees | None = None,
    ) -> None:
        self._chain = chain
        self._second = SecondOpinion(aggregators)
        self._data_fees = data_fees
        self._banks = banks
        self._venues: Mapping[Address, Venue] = {venue.factory: venue for venue in (SameAsset(), *venues)}
        self._strategy = strategy

    async def refresh(self, market: Market, block: BlockRef) -> None:
        """Bring what the venues know of the market's tokens up to date; free while it is fresh.

        Called ahead of need, on blocks without candidates, it keeps discovery out of `plan`.

        Raises:
            Transient: no node answered in time.
        """
        pairs = pairs_to_know([asset.address for asset in market.assets()], market.pairs())
        discoveries = together([venue.discover(pairs, block.number) for venue in self._venues.values()])
        everything: list[Reads[Any]] = [discoveries, self._data_fee(block)]
        await converse(together(everything), self._chain, block.number)

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

        Each is made as if it were the only one. `gas_price` in wei is what a transaction would pay now;
        `native_price` is the USD price (8 decimals) of 1e18 wei. `sources` lend what is repaid: the
        market's own unless more are given. All accounts share every round of quotes.

        Raises:
            Transient: no node answered in time.
        """
        terms = self._terms(market, frame, gas_price, native_price, sources)
        race = await self._race(terms, block, accounts)
        return [
            judge(case, _best(trials), race.terms, self._strategy, block) for case, trials in race.entries
        ]

    async def burst(  # noqa: PLR0917 - as plan, and what the burst shares
        self,
        market: Market,
        frame: Any,
        block: BlockRef,
        accounts: Sequence[Address],
        gas_price: int,
        native_price: int,
        sources: Sequence[FlashSource] | None = None,
        ahead: Sequence[Plan] = (),
        later: Horizon | None = None,
    ) -> list[Plan | Rejection]:
        """As `plan`, for accounts that are liquidated together.

        Each plan is quoted on what `ahead` and the turns before its own leave. Sizes are such that the
        protocol accepts them until the block `later`, where one is given.

        Raises:
            Transient: no node answered in time.
        """
        terms = replace(self._terms(market, frame, gas_price, native_price, sources), later=later)
        race = await self._race(terms, block, accounts)
        terms = race.terms
        state = State(terms, race.liquidity, self._strategy.min_profit_usd)
        for plan in ahead:
            state.make_way(plan)
        runners, alone = [], []
        for case, trials in race.entries:
            verdict = judge(case, _best(trials), terms, self._strategy, block)
            if isinstance(verdict, Plan):
                ceilings = [
                    terms.ceiling(offer, race.paths[offer.pair], race.liquidity.pools)
                    for offer in case.offers
                ]
                runners.append(Runner.of(case, trials, ceilings))
            else:
                alone.append(verdict)
        last = await converse(best_order(runners, race.paths, state, self._venues), self._chain, block.number)
        taken = [judge(case, trial, terms, self._strategy, block) for case, trial in last.turns]
        plans = [verdict for verdict in taken if isinstance(verdict, Plan)]
        late = [_late(verdict) for verdict in taken if isinstance(verdict, Rejection)]
        turns = [
            replace(plan, turn=turn, impact=race.impact(plan))
            for turn, plan in enumerate(plans, start=len(ahead))
        ]
        turns = await self._in_two_steps(turns, last.turns, state, race.paths)
        everyone: list[Plan | Rejection] = [*turns, *late, *alone]
        verdicts = {verdict.account: verdict for verdict in everyone}
        return [verdicts[account] for account in accounts]

    async def reconsider(  # noqa: PLR0917 - as plan
        self,
        market: Market,
        frame: Any,
        block: BlockRef,
        rejections: Sequence[Rejection],
        gas_price: int,
        native_price: int,
        sources: Sequence[FlashSource] | None = None,
    ) -> list[Plan]:
        """Plans for accounts without one, sold by aggregators that pay enough where the pools do not.

        Takes as long as the slowest aggregator's deadline, and nothing where none could help.
        """
        terms = self._terms(market, frame, gas_price, native_price, sources)
        least = self._strategy.min_profit_usd
        cases = [_open(each.account, terms) for each in rejections if each.reason in OPEN]
        offers = [offer for case in cases for offer in case.offers]
        _, terms = await self._surroundings(terms, offers, (), block)
        wanted = [(case, self._second.wanted(case.offers, terms, least)) for case in cases]
        asked = [(case, sales) for case, sales in wanted if sales]
        trials = await asyncio.gather(*(self._second.best(sales, terms) for _, sales in asked))
        verdicts = [
            judge(case, trial, terms, self._strategy, block)
            for (case, _), trial in zip(asked, trials, strict=True)
        ]
        return [verdict for verdict in verdicts if isinstance(verdict, Plan)]

    async def _in_two_steps(
        self, plans: Sequence[Plan], turns: Sequence[Turn], start: State, paths: Paths
    ) -> list[Plan]:
        """`plans` with two steps in place of one where that brings more; the second steps go last."""
        if not self._strategy.two_steps or not 0 < len(plans) <= LARGE:
            return list(plans)
        block = plans[0].block
        reads = in_two_steps(turns, start.on_loans(), paths, self._venues)
        found = await converse(reads, self._chain, block.number)
        better: list[Plan] = []
        turn = max(plan.turn for plan in plans)
        for plan in plans:
            steps = found.get(plan.account)
            verdicts = [
                judge(case, trial, terms, self._strategy, block) for case, trial, terms in steps or ()
            ]
            both = [verdict for verdict in verdicts if isinstance(verdict, Plan)]
            if len(both) < 2:
                better.append(plan)
                continue
            turn += 1
            first, second = both
            later = replace(second, turn=turn)
            better.append(replace(first, turn=plan.turn, second=later, impact=plan.impact))
        return better

    async def _race(self, terms: Terms, block: BlockRef, accounts: Sequence[Address]) -> Race:
        """The best trial of every offer of `accounts`, each made as if it were the only one."""
        await self.refresh(terms.market, block)
        cases = [_open(account, terms) for account in accounts]
        offers = [offer for case in cases for offer in case.offers]
        paths = {offer.pair: self._paths(*offer.pair) for offer in offers}
        ways = [path for those in paths.values() for path in those]
        liquidity, terms = await self._surroundings(terms, offers, ways, block)
        conversation = quoted(search(offers, paths, terms, liquidity.pools), self._venues, liquidity)
        trials = iter(await converse(conversation, self._chain, block.number))
        return Race(
            terms, [(case, list(islice(trials, len(case.offers)))) for case in cases], paths, liquidity
        )

    async def _surroundings(
        self, terms: Terms, offers: Sequence[Offer], paths: Sequence[Path], block: BlockRef
    ) -> tuple[Liquidity, Terms]:
        """The pools on `paths`, and `terms` with what lenders and the chain ask, all read together.

        The banks are asked for the tokens that some offer has to repay.
        """
        tokens = {offer.opportunity.debt.address for offer in offers if terms.borrows(offer)}
        lending = together([bank.lend(tokens) for bank in self._banks] if tokens else [])
        sights = together([venue.observe(paths, block) for venue in self._venues.values()])
        everything: list[Reads[Any]] = [lending, sights, self._data_fee(block)]
        lent, seen, fee = await converse(together(everything), self._chain, block.number)
        sources = [source for those in lent for source in those]
        locked = {source.key: source.lender for source in sources if isinstance(source, PoolLender)}
        pools = {key: pool for those in seen for key, pool in those.items()}
        return Liquidity(pools), replace(
            terms, sources=[*sources, *terms.sources], pools=locked, data_fee=fee
        )

    def _data_fee(self, block: BlockRef) -> Reads[DataFee]:
        return FREE if self._data_fees is None else (yield from self._data_fees.read(block))

    def _terms(
        self,
        market: Market,
        frame: Any,
        gas_price: int,
        native_price: int,
        sources: Sequence[FlashSource] | None,
    ) -> Terms:
        return Terms(
            market=market,
            frame=frame,
            gas=self._strategy.gas,
            gas_price=gas_price,
            native_price=native_price,
            flash_loan=self._strategy.flash_loan,
            sources=market.flash_sources() if sources is None else sources,
        )

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


def _late(rejection: Rejection) -> Rejection:
    """A candidate that paid alone and does not after the others."""
    detail = f"after the plans before it: {rejection.detail}"
    return replace(rejection, reason=Reason.CROWDED_OUT, detail=detail)
