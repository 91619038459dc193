"""The numbers of all vaults at one timestamp, computed as they are asked for."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from keeper.errors import Degraded
from keeper.protocols.base import Book
from keeper.protocols.euler_v2.math import accrue, liquidation_ltv, to_assets
from keeper.protocols.euler_v2.quotes import route_of, scaled
from keeper.protocols.euler_v2.records import (
    Asset,
    Hop,
    Ltv,
    Scale,
    Status,
    Terms,
    Vault,
    ltvs,
    status,
    terms,
    vault,
)
from keeper.types import Address, checksum

Steps = tuple[Hop | Scale, ...]

_UNKNOWN = Asset("", 18)


class Accrued(NamedTuple):
    """A vault at the frame's time."""

    vault: Vault
    status: Status
    terms: Terms


class EulerFrame:
    """Implements `keeper.protocols.base.Frame`.

    `prices` (USD, 8 decimals, by token) scale what oracles quote for the token, and for shares of vaults
    that hold it.
    """

    def __init__(self, book: Book, timestamp: int, prices: Mapping[Address, int]) -> None:
        self._book = book
        self.timestamp = timestamp
        self._prices = prices
        self._vaults: dict[int, Accrued] = {}
        self._steps: dict[tuple[int, int], Steps | None] = {}
        self._ltvs: dict[int, dict[int, int]] = {}
        self._ahead: dict[int, EulerFrame] = {}

    def ahead(self, seconds: int) -> "EulerFrame":
        """The same prices so much later."""
        if seconds not in self._ahead:
            self._ahead[seconds] = EulerFrame(self._book, self.timestamp + seconds, self._prices)
        return self._ahead[seconds]

    def vault(self, number: int) -> Accrued:
        """A vault with interest up to the frame's time."""
        found = self._vaults.get(number)
        if found is None:
            told, rules = status(self._book, number), terms(self._book, number)
            accrued = accrue(told, rules.interest_fee, self.timestamp)
            found = Accrued(vault(self._book, number), accrued, rules)
            self._vaults[number] = found
        return found

    def ltvs(self, controller: int) -> Mapping[int, int]:
        """Liquidation LTV (of 1e4) of every collateral that a vault recognises, by its number."""
        found = self._ltvs.get(controller)
        if found is None:
            found = {number: self._ltv(controller, number) for number in ltvs(self._book, controller)}
            self._ltvs[controller] = found
        return found

    def _ltv(self, controller: int, collateral: int) -> int:
        ltv: Ltv = self._book.get(("ltv", controller, collateral))
        return liquidation_ltv(ltv, self.timestamp)

    def debt_value(self, controller: int, assets: int) -> int:
        """What a debt of `assets` is worth in the controller's unit of account, at the middle price.

        Raises:
            Degraded: its oracle gives no quote; the vault reverts too.
        """
        return self._worth(controller, controller, assets)

    def collateral_value(self, controller: int, collateral: int, shares: int) -> int:
        """What shares of a collateral are worth in the controller's unit of account, likewise.

        Raises:
            Degraded: its oracle gives no quote; the vault reverts too.
        """
        return self._worth(controller, collateral, shares)

    def _worth(self, controller: int, number: int, amount: int) -> int:
        steps = self.steps(controller, number)
        if steps is None:
            held = checksum(vault(self._book, number).address)
            by = checksum(vault(self._book, controller).oracle)
            raise Degraded(f"the oracle {by} has no quote for what vault {held} stands for")
        return self.apply(steps, amount)

    def apply(self, steps: Sequence[Hop | Scale], amount: int) -> int:
        """Follow the steps of a quote."""
        for step in steps:
            if isinstance(step, Hop):
                amount = to_assets(self.vault(step.vault).status, amount)
            else:
                amount = amount * step.num // step.den
        return amount

    def steps(self, controller: int, number: int) -> Steps | None:
        """From shares of a collateral (assets, where `number` is the controller) to the unit of account.

        None where the oracle gives no quote.
        """
        key = (controller, number)
        if key not in self._steps:
            self._steps[key] = self._found_steps(controller, number)
        return self._steps[key]

    def _found_steps(self, controller: int, number: int) -> Steps | None:
        owner, held = vault(self._book, controller), vault(self._book, number)
        base = held.asset if number == controller else held.address
        if base == owner.unit:
            return ()
        route = route_of(self._book, owner.oracle, base, owner.unit)
        steps = None if route is None else scaled(self._book, route)
        if steps is None or not self._prices:
            return steps
        shift = self._shift(held.asset, owner.unit)
        return (*steps, shift) if shift.num != shift.den else steps

    def _shift(self, asset: Address, unit: Address) -> Scale:
        """How much more a token is worth in a unit of account under the frame's own prices."""
        old, unit_old = self._told(asset), self._told(unit)
        new, unit_new = self._prices.get(asset, old), self._prices.get(unit, unit_old)
        return Scale(new * unit_old, old * unit_new)

    def _told(self, token: Address) -> int:
        return self._book.get(("price", token)) or 1


def asset_record(book: Book, token: Address) -> Asset:
    """What a token said of itself; no name and 18 decimals while it was not asked."""
    found: Asset = book.get(("asset", token), _UNKNOWN)
    return found
