"""From the settings to a watch over pending oracle updates."""

from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager

from keeper.app.announce import Announcer
from keeper.app.backrun import Backrunner
from keeper.app.connect import make_endpoints
from keeper.app.daemon import Daemon
from keeper.app.doctor.contracts import operator_of
from keeper.app.fates import Fates
from keeper.app.forecast import Forecaster
from keeper.app.lane import Lane
from keeper.app.native import wrapped_native
from keeper.artifacts import load_artifact
from keeper.beside import beside
from keeper.chain.mempool import pending_stream
from keeper.chain.pool import Pool
from keeper.config.backrun import Route
from keeper.config.model import Config
from keeper.config.relay import RelayMethod
from keeper.errors import ConfigError
from keeper.execute.dispatch import Dispatcher
from keeper.execute.executor import Executor
from keeper.ops.metrics import Metrics
from keeper.ops.watch import Watch
from keeper.types import Mode

BUNDLES = frozenset({RelayMethod.BUNDLE, RelayMethod.MEV_BUNDLE})
"""Ways to ask a relay that can place transactions behind others."""


async def make_backrunner(  # noqa: PLR0917 - the parts it shares with the daemon
    config: Config,
    mode: Mode,
    chain: Pool,
    lanes: Sequence[Lane],
    dispatcher: Dispatcher,
    announcer: Announcer,
    metrics: Metrics,
) -> Backrunner | None:
    """Who liquidates behind pending updates, None where that is off or nothing is planned.

    Raises:
        ConfigError: there is no executor. Transient: the chain cannot be reached.
    """
    if not config.backrun.enabled or mode is Mode.WATCH:
        return None
    address = config.executor.address
    if address is None:
        raise ConfigError("executor.address: not set; backrun.enabled needs it; run `keeper executor deploy`")
    if config.backrun.route is Route.BUNDLE and not (config.relay.urls and config.relay.method in BUNDLES):
        raise ConfigError(
            'backrun.route: "bundle" needs relay.urls, and relay.method "bundle" or "mev-bundle"'
        )
    return Backrunner(
        chain,
        Forecaster(lanes, dispatcher, config.chain.id, await wrapped_native(config, chain)),
        dispatcher,
        Executor(address, load_artifact("executor").abi),
        await operator_of(chain, address),
        bundles=config.backrun.route is Route.BUNDLE,
        fates=Fates(announcer, metrics),
    )


@asynccontextmanager
async def watched_updates(
    config: Config, daemon: Daemon, backrunner: Backrunner, watch: Watch
) -> AsyncIterator[None]:
    """Show `daemon` every pending transaction that `backrunner` wants while the block runs."""
    async with AsyncExitStack() as stack:
        urls = [url.reveal() for url in config.chain.ws]
        endpoints = [] if urls else make_endpoints(config, watch)
        for endpoint in endpoints:
            await stack.enter_async_context(endpoint)
        pending = await stack.enter_async_context(
            pending_stream(backrunner.wants, urls, endpoints, chain_id=config.chain.id, observer=watch)
        )
        await stack.enter_async_context(beside(daemon.meet_all(pending)))
        yield
