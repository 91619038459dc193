"""From the configured exchanges and strategy to a planner."""

from keeper.config.model import Config
from keeper.plan.planner import Planner
from keeper.plan.strategy import Strategy
from keeper.plan.uniswap_v3.venue import UniswapV3
from keeper.ports import ChainReader
from keeper.types import Mode


def make_planner(config: Config, chain: ChainReader) -> Planner:
    """A planner over every configured exchange."""
    venues = [UniswapV3(swap.factory, swap.quoter) for swap in config.swap]
    strategy = Strategy(
        min_profit_usd=config.strategy.min_profit_usd, max_gas_price=config.strategy.max_gas_price
    )
    return Planner(chain, venues, strategy)


def plans_in(mode: Mode) -> bool:
    """Whether a daemon in `mode` makes plans; watching teams need none."""
    return mode is not Mode.WATCH
