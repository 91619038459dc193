"""Which quotes the questions about borrowers need."""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from keeper.protocols.base import Book, Side
from keeper.protocols.euler_v2.math import total_assets
from keeper.protocols.euler_v2.records import Vault, ltvs, status, vault
from keeper.types import Address


class Pair(NamedTuple):
    """A quote in `controller`'s unit of account: of its own asset, or of shares of `held`."""

    controller: Vault
    held: Vault

    @property
    def base(self) -> Address:
        """What its oracle is asked about."""
        return self.held.asset if self.held.number == self.controller.number else self.held.address

    @property
    def oracle(self) -> Address:
        return self.controller.oracle

    @property
    def unit(self) -> Address:
        return self.controller.unit


def wanted(book: Book) -> list[Pair]:
    """Quotes for the debts of all borrowers, and for what they hold that their vault recognises."""
    legs, groups = book.columns(), book.groups()
    held = np.flatnonzero(legs.quantity > 0)
    group = groups[legs.account[held]].astype(np.int64)
    asset, side = legs.asset[held], legs.side[held]
    owing = np.zeros(len(groups), np.bool_)
    owing[legs.account[held][(side == Side.DEBT) & (group == asset + 1)]] = True
    relevant = owing[legs.account[held]] & legs.enabled[held]
    keys = np.unique(group[relevant] << 17 | side[relevant].astype(np.int64) << 16 | asset[relevant])
    return list(dict.fromkeys(_pairs(book, keys.tolist())))


def _pairs(book: Book, keys: list[int]) -> Iterator[Pair]:
    for key in keys:
        controller, side, number = (key >> 17) - 1, key >> 16 & 1, key & 0xFFFF
        judge = vault(book, controller)
        if side == Side.DEBT and number == controller:
            if judge.asset != judge.unit:
                yield Pair(judge, judge)
        elif side == Side.COLLATERAL and number in ltvs(book, controller):
            yield Pair(judge, vault(book, number))


def sample(book: Book, pair: Pair) -> int:
    """An amount like those that accounts have, with digits down to the last."""
    if not pair.held.asset:
        return 10**18 + 1
    told = status(book, pair.held.number)
    amount = total_assets(told) if pair.held.number == pair.controller.number else told.shares
    return max(amount, 10**6) | 1
