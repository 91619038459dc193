"""From configured endpoints to the chain."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from keeper.chain.observe import RequestObserver
from keeper.chain.pool import Pool
from keeper.chain.rpc import Rpc
from keeper.chain.throttle import Throttle
from keeper.config.model import Config
from keeper.errors import Unreachable, WrongChain


def make_endpoints(config: Config, observer: RequestObserver | None = None) -> list[Rpc]:
    """One client an HTTP endpoint, in the order configured. The caller closes them."""
    return [
        Rpc(
            url.reveal(),
            throttle=Throttle(config.chain.requests_per_second),
            deadline=config.chain.deadline_seconds,
            observer=observer,
        )
        for url in config.chain.http
    ]


@asynccontextmanager
async def connect(config: Config, observer: RequestObserver | None = None) -> AsyncIterator[Pool]:
    """The configured chain, checked: closed when the block ends.

    Raises:
        WrongChain: an endpoint serves another chain. Unreachable: none of them answers.
    """
    async with Pool(make_endpoints(config, observer), config.chain.id) as pool:
        await _check(pool, config.chain.id)
        yield pool


async def _check(pool: Pool, chain_id: int) -> None:
    """Say which setting is in doubt: the chain stage knows endpoints, not settings."""
    try:
        await pool.check()
    except WrongChain as error:
        raise WrongChain(f"chain.id: {chain_id}: {error}; correct chain.id or chain.http") from None
    except Unreachable as error:
        raise Unreachable(f"chain.http: {error}; start the node or correct chain.http") from None
