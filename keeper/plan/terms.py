"""What one planning round has in common: how an offer is settled, paid for and accounted for."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from math import inf
from typing import Any, NamedTuple

from keeper.plan.data_fee import FREE, DataFee, transaction_size
from keeper.plan.funding import INVENTORY, UNNEEDED, Funding, Need, cheapest
from keeper.plan.lasting import Horizon, holds, nearly, ranges_until
from keeper.plan.liquidity import pools_of
from keeper.plan.model import Leg, Loan, Profit, Route
from keeper.plan.profit import account_for, gas_to_usd, to_usd
from keeper.plan.route import Path, PoolKey, Pools, Question, Quote, QuoteRequest, SplitRequest
from keeper.plan.sale import next_rate, sell
from keeper.plan.size import Ranges
from keeper.plan.strategy import GasModel
from keeper.plan.uniswap_v3.gas import swap_gas
from keeper.protocols.base import (
    AssetInfo,
    FlashKind,
    FlashSource,
    Instruction,
    Market,
    Opportunity,
    Refusal,
    Settlement,
)
from keeper.types import WAD, Address

HEADROOM = 10_000
"""A capped request exceeds what is taken by this fraction: at 100 % a year, the interest of 50 minutes."""

Pair = tuple[Address, Address]
Sale = Path | tuple[Path, ...]
"""One path, or several that share what is sold."""


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
    `data_fee` is what the chain takes for a transaction's bytes. `later` is the last block that a
    transaction may wait for, None: what is to come after the next one does not matter.
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
    later: Horizon | None = None

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
        if self.later is None:
            return True
        in_swap = trial.loan is not None and trial.loan.kind is FlashKind.FLASH_SWAP
        # The pool that pays first wants all that it was promised, the others take what there is.
        least = trial.route.amount_in if in_swap else nearly(trial.settlement.seize)
        return holds(self.market, trial.opportunity, trial.request, least, self.later)

    def lasting(self, offer: Offer) -> Ranges:
        """Sizes of the offer that last: those accepted throughout, and the largest where that is capped."""
        assert self.later is not None, "asked before"
        pair, whole = offer.opportunity, (offer.size, offer.size)
        ranges = ranges_until(self.market, pair, self.later)
        request = self.request(pair, offer.size, offer.most)
        capped = holds(self.market, pair, request, nearly(offer.most.seize), self.later)
        return (*ranges, whole) if capped and (not ranges or ranges[-1][1] < offer.size) else ranges

    def question(self, opportunity: Opportunity, sale: Sale, amount: int) -> Question:
        """What selling `amount` of the collateral would bring."""
        if isinstance(sale, Path):
            return QuoteRequest(sale, amount)
        return SplitRequest(sale, amount, self.gas_worth(opportunity.debt), self.gas.hop)

    def in_swap(self, opportunity: Opportunity, sale: Sale, settlement: Settlement) -> bool:
        """Whether a flash swap in the sale's first pool can pay: over one path, where somebody has to."""
        if not (isinstance(sale, Path) and sale.hops and self._flash_swaps and self.flash_loan):
            return False
        return not self.market.instruction(opportunity, settlement.repay, settlement).self_funded

    def borrows(self, offer: Offer) -> bool:
        """Whether somebody has to lend what the offer repays."""
        return self.flash_loan and not self._instruction(offer).self_funded

    def ceiling(self, offer: Offer, paths: Sequence[Path], pools: Pools) -> float:
        """USD (8 decimals) that no size of `offer` brings more than; inf with unknown pools.

        The first unit sells best, the bonus grows with the size, and no sale passes fewer pools. Over one
        path whose last unit still pays no size brings more than the largest.
        """
        rates = [next_rate(path, pools) for path in paths]
        if not all(rates):
            return inf
        hops = min((len(path.hops) for path in paths), default=0)
        gas = self.cost(self.gas.least + self.gas.swap(swap_gas(hops, 0), hops))
        seize, repay, debt = offer.most.seize, offer.most.repay, offer.opportunity.debt
        out = max(rates, default=0.0) * seize
        if len(paths) == 1:
            sold = sell(paths[0], seize, pools)
            if sold and next_rate(paths[0], sold.after) * seize >= repay:
                out = sold.amount_out
        return (out - repay) * (debt.price or 0) / float(10**debt.decimals) - gas

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

    def gas_worth(self, debt: AssetInfo) -> float:
        """What a unit of gas costs, debt-token units."""
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
        worth = self.gas_worth(opportunity.debt)
        spared = {kind: gas * worth for kind, gas in self.gas.no_loan.items()}
        return cheapest(self.sources, need, busy, spared)


def _route(quote: Quote, settlement: Settlement) -> Route:
    """The sale that was quoted, of all that is seized but for a flash swap's slack."""
    legs = tuple(Leg(path.factory, path.hops, amount) for path, amount in quote.parts if path.hops)
    if quote.call:
        router, data = quote.call
        legs = (Leg(router, (), settlement.seize, data),)
    return Route(legs, sum(leg.amount_in for leg in legs) or settlement.seize, quote.amount_out, quote.gas)
