"""From the configured exchanges and strategy to a planner."""

from keeper.app.allowance import Allowance
from keeper.app.bids import Bidder
from keeper.app.desk import Desk
from keeper.config.model import Config
from keeper.config.secrets import Secret
from keeper.plan.aggregator import Aggregator
from keeper.plan.confirm import Confirmer
from keeper.plan.data_fees import DataFees
from keeper.plan.flash_swap import FlashSwaps
from keeper.plan.guards import Guards
from keeper.plan.inventory import Inventory
from keeper.plan.planner import Planner
from keeper.plan.strategy import Strategy
from keeper.plan.uniswap_v3 import UniswapV3
from keeper.ports import ChainReader, QuorumChain, QuorumReader
from keeper.protocols.bank import Bank
from keeper.protocols.lenders import BANKS
from keeper.types import Mode


def make_planner(config: Config, chain: ChainReader) -> Planner:
    """A planner over every configured exchange."""
    venues = [UniswapV3(swap.factory, swap.quoter) for swap in config.exchanges]
    strategy = Strategy(
        min_profit_usd=config.strategy.min_profit_usd,
        max_gas_price=config.strategy.max_gas_price,
        two_steps=config.strategy.two_steps,
    )
    banks = [FlashSwaps(config.executor.address), *_banks(config), *venues]
    return Planner(chain, venues, strategy, banks, _aggregators(config), data_fees=DataFees())


def _banks(config: Config) -> list[Bank]:
    """Who lends besides deployments and pools: the owner where that is wanted, and the configured lenders."""
    executor = config.executor.address
    own = [Inventory(executor)] if config.strategy.own_capital and executor else []
    return [*own, *(BANKS[lender.kind](lender.address) for lender in config.lender)]


def _aggregators(config: Config) -> list[Aggregator]:
    """The configured aggregators; without an executor nobody could use what they offer."""
    taker = config.executor.address
    if taker is None:
        return []
    return [
        Aggregator(
            swap.url.reveal(),
            config.chain.id,
            swap.router,
            taker,
            swap.deadline_seconds,
            _headers(swap.api_key),
        )
        for swap in config.aggregators
    ]


def _headers(key: Secret | None) -> dict[str, str]:
    """What 0x and those who follow it (v2 of its API), and 1inch, take a key from."""
    version = {"0x-version": "v2"}
    if key is None:
        return version
    return {**version, "0x-api-key": key.reveal(), "Authorization": f"Bearer {key.reveal()}"}


def make_confirmer(config: Config, chain: QuorumReader) -> Confirmer | None:
    """Who confirms large plans, None where there are too few nodes for a quorum."""
    if not 1 < config.chain.quorum <= len(config.chain.http):
        return None
    return Confirmer(chain, config.chain.quorum, config.strategy.quorum_usd)


def make_desk(config: Config, chain: QuorumChain) -> Desk:
    """Everything between liquidatable accounts and plans, as configured."""
    guards = config.guards
    return Desk(
        make_planner(config, chain),
        Guards(
            max_plan_usd=guards.max_plan_usd,
            deny=frozenset(guards.deny),
            allow=frozenset(guards.allow),
            oracle_gap=guards.oracle_gap_bps,
            toxic=guards.toxic,
        ),
        make_confirmer(config, chain),
        _bidder(config, chain),
    )


def _bidder(config: Config, chain: ChainReader) -> Bidder | None:
    """Who adds bids to plans, None where none are wanted or nobody gets them."""
    settings, executor = config.relay, config.executor.address
    if not (settings.urls and settings.bid_bps) or executor is None:
        return None
    return Bidder(chain, executor, settings.bid_bps)


def make_allowance(config: Config) -> Allowance:
    """The configured budgets."""
    guards = config.guards
    return Allowance(
        loss_hour=guards.max_loss_usd_hour,
        loss_day=guards.max_loss_usd_day,
        gas_hour=guards.max_gas_usd_hour,
        gas_day=guards.max_gas_usd_day,
    )


def plans_in(mode: Mode) -> bool:
    """Whether a daemon in `mode` makes plans; watching teams need none."""
    return mode is not Mode.WATCH
