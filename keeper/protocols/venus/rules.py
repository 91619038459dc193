"""All that differs between the dialects: Venus' core pool and plain Compound v2."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Rules:
    """Conditions of one dialect."""

    protocol: str
    membership_to_seize: bool
    """Whether only markets the account has entered can be seized."""
    prices_of_empty_markets: bool
    """Whether an entered market must have a price even where the account holds and owes nothing."""
    deprecation: bool
    """Whether a market without factor, borrowing and suppliers' interest may be liquidated freely."""
    soft_failures: bool
    """Whether a refusal by the comptroller is an event instead of a revert."""


VENUS = Rules(
    protocol="venus",
    membership_to_seize=True,
    prices_of_empty_markets=False,
    deprecation=False,
    soft_failures=True,
)

COMPOUND_V2 = Rules(
    protocol="compound-v2",
    membership_to_seize=False,
    prices_of_empty_markets=True,
    deprecation=True,
    soft_failures=False,
)
