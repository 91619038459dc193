"""How the executor carries out a liquidation: one deferred check around all of its steps."""

from eth_abi.abi import encode

from keeper.protocols.base import Book, Dialect, Instruction, Opportunity, Settlement
from keeper.protocols.euler_v2.frame import EulerFrame
from keeper.protocols.euler_v2.math import to_shares
from keeper.protocols.euler_v2.records import deployment, ltvs, vaults
from keeper.types import Address

_TOLERANCE = 1_000
"""Least shares are asked for less this part: a share is worth more from second to second."""


def instruct(book: Book, opportunity: Opportunity, settlement: Settlement, frame: EulerFrame) -> Instruction:
    """The debt is taken over before it is paid, so no capital is needed."""
    collateral = opportunity.collateral.asset
    shares = to_shares(frame.vault(collateral).status, settlement.seize)
    data = encode(
        ["address", "address", "uint256"],
        [deployment(book).connector, vaults(book)[collateral], shares - shares // _TOLERANCE],
    )
    return Instruction(Dialect.EULER, vaults(book)[opportunity.debt.asset], data, self_funded=True)


def venues(book: Book) -> frozenset[Address]:
    """Vaults that lend against collateral."""
    return frozenset(address for number, address in enumerate(vaults(book)) if ltvs(book, number))
