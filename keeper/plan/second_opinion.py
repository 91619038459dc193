"""Aggregators asked where they may still change a decision: after the pools that are known, never before.

The oracle's price bounds what anybody sensible pays for the collateral. Where even that would not turn a
rejection into a plan nobody is asked.
"""

import asyncio
from collections.abc import Sequence
from typing import NamedTuple

import structlog

from keeper.errors import Degraded, Transient
from keeper.plan.aggregator import DEFAULT_GAS, Aggregator, RouterCall
from keeper.plan.model import Reason
from keeper.plan.route import Quote
from keeper.plan.terms import Offer, Terms, Trial
from keeper.protocols.base import Settlement

_log = structlog.get_logger(__name__)

OPEN = frozenset({Reason.NO_ROUTE, Reason.UNPROFITABLE, Reason.BELOW_MINIMUM, Reason.CROWDED_OUT})
"""Rejections that another price for the collateral could have prevented."""

OFFERS = 2
"""Offers of one account that aggregators are asked about, the best at the oracle's prices."""


class Sale(NamedTuple):
    """An offer's repayment with what it seizes."""

    offer: Offer
    size: int
    settlement: Settlement


class SecondOpinion:
    """Asks all aggregators at once; whoever misses its own deadline is left out."""

    def __init__(self, aggregators: Sequence[Aggregator]) -> None:
        self._aggregators = aggregators

    def wanted(self, offers: Sequence[Offer], terms: Terms, least: int) -> list[Sale]:
        """The sales whose price could make a plan that pays `least` (USD, 8 decimals)."""
        gas = terms.cost(terms.gas.liquidation + DEFAULT_GAS)
        promising = [offer for offer in offers if offer.oracle_profit() - gas >= max(least, 1)]
        return [
            Sale(offer, offer.size, offer.most)
            for offer in promising[:OFFERS]
            if self._aggregators and offer.pair[0] != offer.pair[1]
        ]

    async def best(self, sales: Sequence[Sale], terms: Terms) -> Trial | None:
        """The most profitable trial that some aggregator's quote makes of `sales`."""
        asked = [(sale, aggregator) for sale in sales for aggregator in self._aggregators]
        answers = await asyncio.gather(*(self._ask(sale, aggregator) for sale, aggregator in asked))
        trials = [
            terms.trial(
                sale.offer.opportunity,
                sale.size,
                sale.settlement,
                Quote(call.amount_out, call.gas, call=(call.router, call.data)),
            )
            for (sale, _), call in zip(asked, answers, strict=True)
            if call
        ]
        return max(filter(None, trials), key=Trial.rank, default=None)

    async def _ask(self, sale: Sale, aggregator: Aggregator) -> RouterCall | None:
        pair = sale.offer.opportunity
        try:
            return await aggregator.quote(pair.collateral.address, pair.debt.address, sale.settlement.seize)
        except (Transient, Degraded) as error:
            _log.info("no_second_opinion", account=pair.account, reason=str(error))
            return None
