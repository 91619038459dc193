"""Budgets over time: how much may be lost, and spent on gas, in an hour and in a day."""

from dataclasses import dataclass

from keeper.ledger.store import Ledger
from keeper.plan.verdict import dollars

HOUR = 3600
DAY = 24 * HOUR


@dataclass(frozen=True, slots=True)
class Allowance:
    """Most that may go in a period, USD with 8 decimals; None is no bound."""

    loss_hour: int | None = None
    loss_day: int | None = None
    gas_hour: int | None = None
    gas_day: int | None = None

    async def exceeded(self, ledger: Ledger, now: int) -> str | None:
        """Which budget is spent at `now` (Unix seconds), None while there is some left of all.

        A loss is what liquidations with a negative net result cost; profits do not make up for it: a
        keeper that loses every second time is broken, however lucky the other times.
        """
        for seconds, loss, gas in ((HOUR, self.loss_hour, self.gas_hour), (DAY, self.loss_day, self.gas_day)):
            if loss is None and gas is None:
                continue
            period = "an hour" if seconds == HOUR else "a day"
            spent = await ledger.spent(now - seconds)
            if loss is not None and spent.loss_usd >= loss:
                return f"lost {dollars(spent.loss_usd)} within {period}; guards allow {dollars(loss)}"
            if gas is not None and spent.gas_usd >= gas:
                return f"spent {dollars(spent.gas_usd)} on gas within {period}; guards allow {dollars(gas)}"
        return None
