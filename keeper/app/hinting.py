"""From the settings to a watch over the hints of relays."""

from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager

from keeper.app.announce import Announcer
from keeper.app.daemon import Daemon
from keeper.app.doctor.contracts import operator_of
from keeper.app.fates import Fates
from keeper.app.forecast import Forecaster
from keeper.app.hinted import HintRunner, Objection
from keeper.app.hinted_update import HintedRelay
from keeper.app.lane import Lane
from keeper.app.native import wrapped_native
from keeper.app.planning import make_bidder
from keeper.app.route import reputation
from keeper.artifacts import load_artifact
from keeper.beside import beside
from keeper.chain.builder import Builder
from keeper.chain.hints import hint_stream
from keeper.chain.pool import Pool
from keeper.chain.relay import RelayClient, RelayObserver
from keeper.config.model import Config
from keeper.config.relay import RelayMethod
from keeper.errors import ConfigError
from keeper.execute.dispatch import Dispatcher
from keeper.execute.executor import Executor
from keeper.ops.metrics import Metrics
from keeper.ops.watch import Watch
from keeper.types import Mode


async def make_hint_runner(  # noqa: PLR0917 - the parts it shares with the daemon
    config: Config,
    mode: Mode,
    chain: Pool,
    lanes: Sequence[Lane],
    dispatcher: Dispatcher,
    announcer: Announcer,
    metrics: Metrics,
    *,
    objection: Objection,
    observer: RelayObserver,
    stack: AsyncExitStack,
) -> HintRunner | None:
    """Who liquidates behind hinted updates, None where there are no streams or nothing is planned.

    The connections to the relays are closed with `stack`; `objection` as in HintRunner.

    Raises:
        ConfigError: there is no executor, or the key for relays is none.
        Transient: the chain cannot be reached.
    """
    if not config.hints or mode is Mode.WATCH:
        return None
    address = config.executor.address
    if address is None:
        raise ConfigError("executor.address: not set; [[hints]] needs it; run `keeper executor deploy`")
    relays = [await stack.enter_async_context(each) for each in _relays(config, observer)]
    hosts = [settings.relay.public for settings in config.hints]
    # Where all transactions go to builders, the plans bring their bids along.
    bidder = None if config.relay.urls else make_bidder(config, chain)
    return HintRunner(
        chain,
        Forecaster(lanes, dispatcher, config.chain.id, await wrapped_native(config, chain), bidder),
        dispatcher,
        Executor(address, load_artifact("executor").abi),
        await operator_of(chain, address),
        relays=[HintedRelay(*each) for each in zip(hosts, relays, strict=True)],
        life=config.relay.target_blocks,
        objection=objection,
        fates=Fates(announcer, metrics),
    )


def _relays(config: Config, observer: RelayObserver) -> list[RelayClient]:
    """One client for each stream: a bundle that names a hint is of use to its own relay only."""
    key = reputation(config.relay)
    seconds = config.relay.deadline_seconds
    return [
        RelayClient(
            [Builder(settings.relay.reveal(), key, deadline=seconds)],
            RelayMethod.MEV_BUNDLE,
            names=config.relay.builders,
            observer=observer,
        )
        for settings in config.hints
    ]


@asynccontextmanager
async def watched_hints(
    config: Config, daemon: Daemon, runner: HintRunner, watch: Watch
) -> AsyncIterator[None]:
    """Show `daemon` every hint that `runner` takes while the block runs."""
    urls = [settings.stream.reveal() for settings in config.hints]
    async with hint_stream(runner.judge, urls, observer=watch) as hints, beside(daemon.meet_all(hints)):
        yield
