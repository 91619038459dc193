"""From configured endpoints to the chain."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from keeper.chain.node_state import Rules
from keeper.chain.observe import ChainObserver
from keeper.chain.pool import Pool, Settings
from keeper.chain.rpc import Rpc
from keeper.chain.throttle import Throttle
from keeper.config.model import Config
from keeper.config.secrets import SecretUrl
from keeper.errors import Unreachable, WrongChain


def make_endpoints(config: Config, observer: ChainObserver | None = None) -> list[Rpc]:
    """One client an HTTP endpoint, in the order configured. The caller closes them."""
    return [_endpoint(url, config, observer) for url in config.chain.http]


def _endpoint(url: SecretUrl, config: Config, observer: ChainObserver | None) -> Rpc:
    return Rpc(
        url.reveal(),
        throttle=Throttle(config.chain.requests_per_second),
        deadline=config.chain.deadline_seconds,
        units_per_day=config.chain.units_per_day,
        observer=observer,
    )


@asynccontextmanager
async def connect(config: Config, observer: ChainObserver | None = None) -> AsyncIterator[Pool]:
    """The configured chain, checked, its nodes watched: closed when the block ends.

    Raises:
        WrongChain: an endpoint serves another chain. Unreachable: none of them answers.
    """
    pool = Pool(
        make_endpoints(config, observer),
        config.chain.id,
        settings=_settings(config),
        observer=observer,
        send_only=[_endpoint(url, config, observer) for url in config.chain.send_only],
    )
    async with pool:
        await _check(pool, config.chain.id)
        async with pool.watched():
            yield pool


def _settings(config: Config) -> Settings:
    chain = config.chain
    return Settings(
        rules=Rules(lag_blocks=chain.lag_blocks, lag_seconds=chain.lag_seconds),
        watch_seconds=chain.watch_seconds,
        log_check=chain.log_check,
        log_samples=chain.log_samples,
        in_flight=chain.log_ranges,
    )


async def _check(pool: Pool, chain_id: int) -> None:
    """Say which setting is in doubt: the chain stage knows endpoints, not settings."""
    try:
        await pool.check()
    except WrongChain as error:
        raise WrongChain(f"chain.id: {chain_id}: {error}; correct chain.id or chain.http") from None
    except Unreachable as error:
        raise Unreachable(f"chain.http: {error}; start the node or correct chain.http") from None
