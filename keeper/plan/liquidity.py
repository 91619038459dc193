"""The pools of a planning round: as the chain has them, and as the plans of a burst leave them."""

from dataclasses import dataclass, field, replace

from keeper.plan.model import Route
from keeper.plan.route import Path, PoolKey, Pools, Quote, QuoteRequest, SplitRequest, keys
from keeper.plan.sale import next_rate, sell
from keeper.plan.split import best_division
from keeper.types import Address


@dataclass(frozen=True, slots=True)
class Liquidity:
    """What can be told of sales without asking the chain.

    `pools` are known exactly. `spoiled` ones were traded in by an earlier plan of the burst while not
    known: what the chain says of them does not hold any more, and nothing else does.
    """

    pools: Pools = field(default_factory=dict)
    spoiled: frozenset[PoolKey] = frozenset()

    def quote(self, request: QuoteRequest) -> Quote | None:
        """The exact quote, None where the pools are not known, or not far enough."""
        sold = sell(request.path, request.amount_in, self.pools) if request.path.hops else None
        return sold and Quote(sold.amount_out, sold.gas)

    def divide(self, request: SplitRequest) -> Quote | None:
        """The best sale over several paths at once; None when they cannot take it."""
        legs = best_division(request.paths, request.amount_in, self.pools, *request[2:])
        if not legs:
            return None
        out, gas = sum(leg.sold.amount_out for leg in legs), sum(leg.sold.gas for leg in legs)
        return Quote(out, gas, tuple((leg.path, leg.amount_in) for leg in legs))

    def told_by_chain(self, path: Path) -> bool:
        """Whether the chain's own answer about `path` holds and is worth a trip.

        A sale that leaves the known part of a pool has moved the price by a quarter: its last units cost more
        than they bring, so a smaller one pays more.
        """
        pools = keys(path)
        return not pools & self.spoiled and not (pools and pools <= self.pools.keys())

    def impact(self, route: Route, token_in: Address) -> float | None:
        """The share of its proceeds that selling `token_in` over `route` loses to the prices that it moves.

        None where some pool is not known.
        """
        if not route.legs:
            return 0.0
        rates = [next_rate(Path(leg.venue, token_in, leg.hops), self.pools) for leg in route.legs]
        unmoved = sum(rate * leg.amount_in for rate, leg in zip(rates, route.legs, strict=True))
        return 1 - route.amount_out / unmoved if all(rates) else None

    def after(self, route: Route, token_in: Address) -> "Liquidity":
        """What a plan that sells `token_in` over `route` leaves for the next ones."""
        pools, spoiled = dict(self.pools), set(self.spoiled)
        for leg in route.legs:
            path = Path(leg.venue, token_in, leg.hops)
            sold = sell(path, leg.amount_in, pools)
            if sold is None:
                spoiled |= keys(path)
                for key in keys(path):
                    pools.pop(key, None)
            else:
                # Whoever sells here next wants to know the tick, and shall not have to look for it each time.
                pools |= {key: pool._replace(at=pool.tick) for key, pool in sold.after.items()}
        return replace(self, pools=pools, spoiled=frozenset(spoiled))


def pools_of(route: Route, token_in: Address) -> frozenset[PoolKey]:
    """The pools that `route` trades in."""
    return frozenset(key for leg in route.legs for key in keys(Path(leg.venue, token_in, leg.hops)))
