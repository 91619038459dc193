"""The verbs: where each is and what it does, without importing it. A new verb is one entry.

`attribute` is the function of the verb, or a `typer.Typer` where the verb has verbs of its own.
"""

from typing import NamedTuple


class Verb(NamedTuple):
    """One verb of the command line."""

    module: str
    attribute: str
    help: str


VERBS = {
    "init": Verb("keeper.cli.init", "init", "Write a commented keeper.toml and .env."),
    "doctor": Verb("keeper.cli.doctor", "doctor", "Check every dependency, one line each."),
    "demo": Verb("keeper.cli.demo", "demo", "A local market, a crash, and the keeper at work. Needs no key."),
    "run": Verb("keeper.cli.run", "run", "The daemon: watch, plan and (mode live) liquidate."),
    "positions": Verb("keeper.cli.positions", "positions", "Accounts ranked by health."),
    "explain": Verb("keeper.cli.explain", "explain", "Everything about one account."),
    "plans": Verb("keeper.cli.plans", "plans", "What could be liquidated now, and what it would pay."),
    "risk": Verb("keeper.cli.risk", "risk", "Bad debt, distance to liquidation, price shocks. Needs no key."),
    "audit": Verb("keeper.cli.audit", "audit", "The index against the chain; exit 1 on a mismatch."),
    "ledger": Verb("keeper.cli.ledger", "ledger", "What was tried, what it promised, what it brought."),
    "replay": Verb("keeper.cli.replay", "replay", "Recorded runs of real contracts through the same code."),
    "executor": Verb("keeper.cli.executor", "app", "Deploy, look at and empty the executor contract."),
    "devnet": Verb("keeper.cli.devnet", "app", "A local chain with real contracts and borrowers."),
}
