"""The most profitable liquidation of each account, found for a whole burst of accounts at once."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from math import ceil, inf, log
from typing import Any, NamedTuple

from keeper.plan.data_fee import FREE, DataFee, transaction_size
from keeper.plan.flash_swap import sold
from keeper.plan.funding import INVENTORY, UNNEEDED, Funding, Need, cheapest
from keeper.plan.lasting import holds, ranges_until
from keeper.plan.liquidity import pools_of
from keeper.plan.model import Leg, Loan, Profit, Route
from keeper.plan.profit import account_for, gas_to_usd, to_usd
from keeper.plan.quotes import Quoting
from keeper.plan.route import Path, PoolKey, Pools, Question, Quote, QuoteRequest, SplitRequest
from keeper.plan.sale import next_rate
from keeper.plan.size import Ranges, chosen_size, next_sizes
from keeper.plan.strategy import GasModel
from keeper.plan.together import together
from keeper.protocols.base import (
    FlashKind,
    FlashSource,
    Instruction,
    Market,
    Opportunity,
    Refusal,
    Settlement,
)
from keeper.types import WAD, Address

SPREAD = 4
"""The routes of a token pair are compared once for all accounts, at amounts at most this factor apart."""
DEEPEST = 4096
"""The smallest of these amounts is the smallest seizure divided by this: in a thin market a small part of
a large account may be all that pays, over a route that is not the best for more."""
ROUTES = 3
"""Routes that an offer is sized over."""
HEADROOM = 10_000
"""A capped request exceeds what is taken by this fraction: at 100 % a year, the interest of 50 minutes."""

WORTH_LASTING = 2
"""A size that lasts is taken unless it pays less than this fraction of the best one: what is skipped on chain
costs its gas and is planned anew, what is too small loses the rest for good."""

SHARING = 10
"""Paths that a sale over several of them is chosen from, the ones whose first unit brings most."""

Pair = tuple[Address, Address]
Sale = Path | tuple[Path, ...]
"""One path, or several that share what is sold."""
Paths = Mapping[Pair, Sequence[Path]]


class Probe(NamedTuple):
    """The best path for `amount` of the collateral. `worth`, USD (8 decimals), is without its swaps' gas."""

    amount: int
    path: Path
    worth: int


class Offer(NamedTuple):
    """An opportunity the protocol accepts, with its largest accepted repay and what that settles."""

    opportunity: Opportunity
    size: int
    most: Settlement

    @property
    def pair(self) -> Pair:
        return self.opportunity.collateral.address, self.opportunity.debt.address

    def oracle_profit(self) -> int:
        """USD (8 decimals) that the largest repay would bring at the oracle's prices, without costs."""
        collateral, debt = self.opportunity.collateral, self.opportunity.debt
        seized = to_usd(self.most.seize, collateral) if collateral.price else 0
        return seized - to_usd(self.most.repay, debt)

    def promise(self, probe: Probe) -> int:
        """USD (8 decimals) that seizing the probed amount would bring, before the fixed costs."""
        repay = self.most.repay * probe.amount // self.most.seize
        return probe.worth - to_usd(repay, self.opportunity.debt)


class Trial(NamedTuple):
    """One priced size of one opportunity over one route. `request`, `loan` as in Plan.

    `size` is what was meant to be repaid, before headroom and before the protocol's caps.
    """

    opportunity: Opportunity
    size: int
    request: int
    instruction: Instruction
    loan: Loan | None
    settlement: Settlement
    route: Route
    profit: Profit

    def rank(self) -> tuple[int, int]:
        """Orders trials: the more profitable, and the larger repay among equals."""
        return self.profit.net_usd, self.settlement.repay


@dataclass(frozen=True, slots=True)
class Terms:
    """What all trials of one planning round have in common.

    `sources` lend the debt asset; without `flash_loan` the executor's owner pays it. `pools` are those of
    the sources that trade too, by name: one that the sale passes cannot lend, for a pool is locked then.
    `data_fee` is what the chain takes for a transaction's bytes. `later` is the frame of the last block that
    a transaction may wait for, None: what is to come after the next one does not matter.
    """

    market: Market
    frame: Any
    gas: GasModel
    gas_price: int
    native_price: int
    flash_loan: bool
    sources: Sequence[FlashSource] = ()
    pools: Mapping[PoolKey, Address] = field(default_factory=dict)
    data_fee: DataFee = FREE
    later: Any = None

    def offer(self, opportunity: Opportunity) -> Offer | Refusal:
        """The opportunity with its largest accepted range end, or why the protocol refuses them all."""
        refusal = Refusal("no_range", "the protocol allows no repay amount")
        for size in sorted({end for bounds in opportunity.ranges for end in bounds}, reverse=True):
            settled = self.market.settle(opportunity, size, self.frame)
            if isinstance(settled, Settlement):
                return Offer(opportunity, size, settled)
            refusal = settled
        return refusal

    def cost(self, gas: int) -> int:
        """USD (8 decimals) of `gas` units."""
        return gas_to_usd(gas, self.gas_price, self.native_price)

    def request(self, opportunity: Opportunity, size: int, settlement: Settlement) -> int:
        """What to ask for: more than `size` where the protocol caps it, since debt grows until it is mined.

        A repayment meant to be whole that falls short by a second's interest is refused as dust.
        """
        padded = size + size // HEADROOM + 1
        if (
            size == opportunity.ranges[-1][1]
            and self.market.settle(opportunity, padded, self.frame) == settlement
        ):
            return padded
        return size

    def lasts(self, trial: Trial) -> bool:
        """Whether the protocol takes the trial also in the last block that it may wait for."""
        pair, now = trial.opportunity, trial.settlement
        return self.later is None or holds(self.market, pair, trial.request, now, self.later)

    def lasting(self, offer: Offer) -> Ranges:
        """Sizes of the offer that last: those accepted throughout, and the largest where that is capped."""
        pair, whole = offer.opportunity, (offer.size, offer.size)
        ranges = ranges_until(self.market, pair, self.later)
        request = self.request(pair, offer.size, offer.most)
        capped = holds(self.market, pair, request, offer.most, self.later)
        return (*ranges, whole) if capped and (not ranges or ranges[-1][1] < offer.size) else ranges

    def question(self, opportunity: Opportunity, sale: Sale, amount: int) -> Question:
        """What selling `amount` of the collateral would bring."""
        if isinstance(sale, Path):
            return QuoteRequest(sale, amount)
        return SplitRequest(sale, amount, self._gas_worth(opportunity), self.gas.hop)

    def sells(self, opportunity: Opportunity, sale: Sale, settlement: Settlement) -> int:
        """What of the collateral is sold: not quite all of it over one path where a flash swap can pay."""
        seized = settlement.seize
        if not (isinstance(sale, Path) and sale.hops and self._flash_swaps and self.flash_loan):
            return seized
        instruction = self.market.instruction(opportunity, settlement.repay, settlement)
        return seized if instruction.self_funded else sold(seized)

    def borrows(self, offer: Offer) -> bool:
        """Whether somebody has to lend what the offer repays."""
        return self.flash_loan and not self._instruction(offer).self_funded

    def ceiling(self, offer: Offer, paths: Sequence[Path], pools: Pools) -> float:
        """USD (8 decimals) that no size of `offer` brings more than, before gas; inf with unknown pools.

        The first unit sells best, and the bonus grows with the size.
        """
        rates = [next_rate(path, pools) for path in paths]
        if not all(rates):
            return inf
        out, debt = max(rates, default=0.0) * offer.most.seize, offer.opportunity.debt
        return (out - offer.most.repay) * (debt.price or 0) / float(10**debt.decimals)

    def funded(self, offer: Offer, busy: Collection[Address] = ()) -> bool:
        """Whether the offer's largest repayment can be paid for while the sale locks the `busy` lenders."""
        instruction = self._instruction(offer)
        need = Need.of(
            offer.opportunity,
            offer.most.repay,
            offer.most,
            instruction,
            in_swap=offer.pair[0] != offer.pair[1],
        )
        return self._funding(offer.opportunity, need, instruction, busy) is not None

    def trial(
        self, opportunity: Opportunity, size: int, settlement: Settlement, quote: Quote
    ) -> Trial | None:
        """The books of repaying `size`; None when nobody lends that much."""
        request = self.request(opportunity, size, settlement)
        instruction = self.market.instruction(opportunity, request, settlement)
        route = _route(quote, settlement)
        busy = self._busy(route, opportunity.collateral.address)
        in_swap = route.amount_in < settlement.seize
        need = Need.of(opportunity, request, settlement, instruction, in_swap=in_swap)
        funding = self._funding(opportunity, need, instruction, busy)
        if funding is None and quote.call:  # the router may pass by that pool, which simulation tells
            funding = self._funding(opportunity, need, instruction)
        if funding is None:
            return None
        size_in_bytes = transaction_size(instruction, route)
        data_gas = self.data_fee.gas(size_in_bytes)
        profit = account_for(
            settlement,
            route,
            opportunity.debt,
            flash_fee=funding.fee,
            gas=self.gas.total(settlement, route, funding.loan) + data_gas,
            gas_price=self.gas_price,
            native_price=self.native_price,
            data_fee=self.data_fee.wei(size_in_bytes),
            data_gas=data_gas,
        )
        return Trial(opportunity, size, request, instruction, funding.loan, settlement, route, profit)

    @property
    def _flash_swaps(self) -> bool:
        """Whether the executor can be paid by the pool that it sells to."""
        return any(source.kind is FlashKind.FLASH_SWAP for source in self.sources)

    def _gas_worth(self, opportunity: Opportunity) -> float:
        """What a unit of gas costs, debt-token units."""
        debt = opportunity.debt
        gas_usd = self.gas_price * self.native_price / WAD
        return gas_usd * float(10**debt.decimals) / (debt.price or 1)

    def _instruction(self, offer: Offer) -> Instruction:
        return self.market.instruction(offer.opportunity, offer.most.repay, offer.most)

    def _busy(self, route: Route, token_in: Address) -> Collection[Address]:
        """Lenders that selling `token_in` over `route` locks; all pools where nobody says which it takes."""
        if route.calls:
            return frozenset(self.pools.values())
        return {self.pools[key] for key in pools_of(route, token_in) if key in self.pools}

    def _funding(
        self,
        opportunity: Opportunity,
        need: Need,
        instruction: Instruction,
        busy: Collection[Address] = (),
    ) -> Funding | None:
        if instruction.self_funded:
            return UNNEEDED
        if not self.flash_loan:
            return INVENTORY
        worth = self._gas_worth(opportunity)
        spared = {kind: gas * worth for kind, gas in self.gas.no_loan.items()}
        return cheapest(self.sources, need, busy, spared)


def _route(quote: Quote, settlement: Settlement) -> Route:
    """The sale that was quoted, of all that is seized but for a flash swap's slack."""
    legs = tuple(Leg(path.factory, path.hops, amount) for path, amount in quote.parts if path.hops)
    if quote.call:
        router, data = quote.call
        legs = (Leg(router, (), settlement.seize, data),)
    return Route(legs, sum(leg.amount_in for leg in legs) or settlement.seize, quote.amount_out, quote.gas)


def search(offers: Sequence[Offer], paths: Paths, terms: Terms) -> Quoting[list[Trial | None]]:
    """The best trial of each offer, in the order given; None where no route quotes any size.

    The routes of each token pair are compared once for the whole burst, then each offer is sized over the few
    routes that promise most for some part of its largest seizure, then over several of them at once where the
    pools are known and that brings more. What does not last is sized again within what does.
    """
    probes = yield from _shortlist(offers, paths, terms)
    owners: list[int] = []
    sizings: list[Quoting[Trial | None]] = []
    for index, offer in enumerate(offers):
        for path in _promising(probes[offer.pair], offer):
            owners.append(index)
            sizings.append(_size(offer.opportunity, path, terms))
    best: list[Trial | None] = [None] * len(offers)
    for index, trial in zip(owners, (yield from together(sizings)), strict=True):
        best[index] = max(filter(None, (best[index], trial)), key=Trial.rank, default=None)
    shared = [
        _share(offer, _sharing(probes[offer.pair], paths[offer.pair]), trial, terms)
        for offer, trial in zip(offers, best, strict=True)
    ]
    found = yield from together(shared)
    if terms.later is None:
        return found
    lasting = [
        _lasting(offer, trial, probes[offer.pair], paths[offer.pair], terms)
        for offer, trial in zip(offers, found, strict=True)
    ]
    return (yield from together(lasting))


def _shortlist(
    offers: Sequence[Offer], paths: Paths, terms: Terms
) -> Quoting[Mapping[Pair, Sequence[Probe]]]:
    by_pair: dict[Pair, list[Offer]] = {}
    for offer in offers:
        by_pair.setdefault(offer.pair, []).append(offer)
    probes = yield from together([_compare(paths[pair], group, terms) for pair, group in by_pair.items()])
    return dict(zip(by_pair, probes, strict=True))


def _compare(paths: Sequence[Path], offers: Sequence[Offer], terms: Terms) -> Quoting[Sequence[Probe]]:
    """Which path is best for amounts across the sizes of `offers`, ascending."""
    seizes = [offer.most.seize for offer in offers]
    unknown = [Probe(max(seizes), path, 0) for path in paths[:ROUTES]]
    if len(paths) < 2:
        return unknown
    debt = offers[0].opportunity.debt
    amounts = _ladder(max(min(seizes) // DEEPEST, 1), max(seizes))
    requests = [QuoteRequest(path, amount) for amount in amounts for path in paths]
    quotes = yield requests
    best: dict[int, Probe] = {}
    for (path, amount), quote in zip(requests, quotes, strict=True):
        if quote is not None:
            worth = to_usd(quote.amount_out, debt) - terms.cost(terms.gas.swap(quote.gas, len(path.hops)))
            if amount not in best or worth > best[amount].worth:
                best[amount] = Probe(amount, path, worth)
    return list(best.values()) or unknown  # sizing may still find an amount that dry pools take


def _ladder(low: int, high: int) -> list[int]:
    """Amounts from `low` to `high`, evenly spaced in ratio, at most SPREAD apart; both ends exact."""
    steps = max(ceil(log(high / low, SPREAD)), 1)
    inner = (min(int(low * (high / low) ** (step / steps)), high) for step in range(1, steps))
    return sorted({low, *inner, high})


def _promising(probes: Sequence[Probe], offer: Offer) -> list[Path]:
    """The paths of the probes up to the first one not below the largest seizure, best promise first."""
    reach = next((probe.amount for probe in probes if probe.amount >= offer.most.seize), offer.most.seize)
    within = [probe for probe in probes if probe.amount <= reach]
    ranked = sorted(within, key=offer.promise, reverse=True)
    return list(dict.fromkeys(probe.path for probe in ranked))[:ROUTES]


def _sharing(probes: Sequence[Probe], paths: Sequence[Path]) -> tuple[Path, ...]:
    """The paths that may share a sale: the best for some amount first, then as the venues rank them."""
    return tuple(dict.fromkeys([*(probe.path for probe in probes), *paths]))[:SHARING]


def _share(
    offer: Offer, paths: tuple[Path, ...], single: Trial | None, terms: Terms
) -> Quoting[Trial | None]:
    """The better of `single` and the most profitable size over several of `paths` at once."""
    if len(paths) < 2:
        return single
    opportunity = offer.opportunity
    amounts = {offer.most.seize, single.settlement.seize if single else offer.most.seize}
    quotes = yield [terms.question(opportunity, paths, amount) for amount in amounts]
    if not any(quote and len(quote.parts) > 1 for quote in quotes):
        return single
    shared = yield from _size(opportunity, paths, terms)
    return max(filter(None, (single, shared)), key=Trial.rank, default=None)


def _lasting(
    offer: Offer, trial: Trial | None, probes: Sequence[Probe], paths: Sequence[Path], terms: Terms
) -> Quoting[Trial | None]:
    """`trial`, or the best size that lasts where it does not."""
    if trial is None or terms.lasts(trial):
        return trial
    several = _sharing(probes, paths)
    sales: list[Sale] = [*_promising(probes, offer), *([several] if len(several) > 1 else [])]
    ranges = terms.lasting(offer)
    found = yield from together([_size(offer.opportunity, sale, terms, ranges) for sale in sales])
    best = max((each for each in found if each and terms.lasts(each)), key=Trial.rank, default=None)
    return trial if best is None or best.profit.net_usd * WORTH_LASTING < trial.profit.net_usd else best


def _size(
    opportunity: Opportunity, sale: Sale, terms: Terms, ranges: Ranges | None = None
) -> Quoting[Trial | None]:
    """The most profitable size over one path or several; None when no size gets a quote.

    `ranges` are those of the opportunity where none are given.
    """
    ranges = opportunity.ranges if ranges is None else ranges
    trials: dict[int, Trial] = {}
    values: dict[int, int | None] = {}
    while sizes := next_sizes(ranges, values):
        outcomes = [(size, terms.market.settle(opportunity, size, terms.frame)) for size in sizes]
        settled = [(size, outcome) for size, outcome in outcomes if isinstance(outcome, Settlement)]
        amounts = [terms.sells(opportunity, sale, outcome) for _, outcome in settled]
        quotes = yield [terms.question(opportunity, sale, amount) for amount in amounts]
        for (size, settlement), amount, quote in zip(settled, amounts, quotes, strict=True):
            trial = quote and terms.trial(opportunity, size, settlement, _whole(sale, quote, amount))
            if trial is not None:
                trials[size] = trial
        values |= {size: trials[size].profit.net_usd if size in trials else None for size in sizes}
    chosen = chosen_size(ranges, values) if ranges else None
    return None if chosen is None else trials[chosen]


def _whole(sale: Sale, quote: Quote, amount: int) -> Quote:
    """`quote` with its parts; a sale over one path has one, of the whole `amount`."""
    return quote._replace(parts=((sale, amount),)) if isinstance(sale, Path) else quote
