"""What happens in the demo: a market at peace, prices that fall, and a keeper that follows them."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import aclosing
from pathlib import Path
from time import monotonic
from typing import Any, NamedTuple

from keeper.app.view import open_view
from keeper.config.load import load
from keeper.config.model import Config
from keeper.demo.configure import Site, configure
from keeper.demo.process import KeeperProcess
from keeper.demo.standing import Standing, standing
from keeper.devnet.actors import fallen
from keeper.devnet.borrowers import Mix
from keeper.devnet.network import Network
from keeper.errors import Degraded
from keeper.ledger.model import LedgerEntry
from keeper.ledger.store import Ledger
from keeper.store import Database
from keeper.types import Address

BLOCK_SECONDS = 1
MIX = Mix(near_limit=80, dust=8)
"""A market as it is after a long rise: most borrowers lean on their limit."""

CRASH: tuple[Mapping[str, int], ...] = (
    {"WETH": 4, "wstETH": 4, "WBTC": 3, "LINK": 5},
    {"WETH": 5, "wstETH": 5, "WBTC": 3, "LINK": 6, "GOLD": 2},
    {"WETH": 4, "wstETH": 4, "WBTC": 4, "LINK": 4, "GOLD": 3},
)
"""Percents that prices fall by in each wave, of the price before it."""

QUIET_HEADS = 4
"""Heads without a plan or a transaction on its way before a wave counts as over."""

WAVE_SECONDS = 90.0

Tell = Callable[[str], None]
Progress = Callable[[str, int, int], None]


class Story(NamedTuple):
    """How it went. `before` and `after` are how the markets stand around the crash."""

    protocols: Sequence[str]
    config: Config
    entries: list[LedgerEntry]
    symbols: Mapping[Address, tuple[str, int]]
    prices: Mapping[str, tuple[int, int]]
    before: Standing
    after: Standing
    rejected: list[dict[str, Any]]
    seconds: float


async def play(
    folder: Path,
    *,
    borrowers: int,
    seed: int,
    progress: Progress,
    tell: Tell,
    protocols: Sequence[str] = (),
) -> Story:
    """Set `protocols` up in `folder`, let prices fall in waves, and let the keeper work.

    Without any it is Aave v3.6; `borrowers` of each.

    Raises:
        ConfigError: something is not installed. Degraded: the keeper ended badly or never got quiet.
    """
    started = monotonic()
    async with Network.start(
        protocols=protocols, borrowers=borrowers, seed=seed, mix=MIX, progress=progress
    ) as network:
        progress("executor", 0, 1)
        site = await configure(network, folder / "keeper.toml", seed=seed)
        progress("executor", 1, 1)
        await network.node.request("evm_setIntervalMining", BLOCK_SECONDS)
        config = load(site.config, env={})
        before, first_prices = await _standing(config), await network.prices.now()
        rejected = await _crash(network, site, tell)
        after, last_prices = await _standing(config), await network.prices.now()
        return Story(
            protocols=[deployment.kind for deployment in network.deployments],
            config=config,
            entries=await _entries(config),
            symbols=network.prices.symbols,
            prices={name: (first_prices[name], last_prices[name]) for name in first_prices},
            before=before,
            after=after,
            rejected=rejected,
            seconds=monotonic() - started,
        )


async def _crash(network: Network, site: Site, tell: Tell) -> list[dict[str, Any]]:
    """Run the waves with the daemon and an arbitrageur at work; returns what the daemon turned down last."""
    async with KeeperProcess.start(site.config, "live") as keeper, aclosing(keeper.events()) as events:
        turned_down = await _until_quiet(events, network, tell)
        for number, falls in enumerate(CRASH, 1):
            words = ", ".join(f"{symbol} -{percent}%" for symbol, percent in falls.items())
            tell(f"wave {number}: {words}")
            prices = fallen(await network.prices.now(), falls)
            # Markets move first, feeds report it: the keeper must not live off a stale exchange.
            await network.arbitrageur.lead(prices)
            await network.prices.set(prices)
            turned_down = await _until_quiet(events, network, tell)
        if await keeper.stop():
            raise Degraded("the keeper did not stop cleanly")
    return turned_down


async def _until_quiet(
    events: AsyncIterator[dict[str, Any]], network: Network, tell: Tell
) -> list[dict[str, Any]]:
    """Wait until nothing is left to do; returns what was turned down then."""
    quiet = 0
    try:
        async with asyncio.timeout(WAVE_SECONDS):
            async for event in events:
                if event["event"] == "outcome":
                    tell(_outcome(event))
                elif event["event"] in {"halted", "degraded"}:
                    raise Degraded(f"the keeper is {event['event']}: {event.get('reason')}")
                elif event["event"] == "head":
                    await network.arbitrageur.act()
                    quiet = 0 if event["plans"] or event["in_flight"] else quiet + 1
                    if quiet == QUIET_HEADS:
                        found: list[dict[str, Any]] = event["rejected"]
                        return found
    except TimeoutError:
        raise Degraded(f"the keeper was still busy after {WAVE_SECONDS:.0f} s") from None
    raise Degraded("the keeper ended before it was asked to")


def _outcome(event: Mapping[str, Any]) -> str:
    realised = event.get("realised", {})
    net = int(realised.get("net_usd", 0)) / 1e8
    return f"{event['outcome']:<8} {event['account']}  net ${net:,.2f}  block {realised.get('block', '-')}"


async def _standing(config: Config) -> Standing:
    async with open_view(config, None) as view:
        return standing(view)


async def _entries(config: Config) -> list[LedgerEntry]:
    async with await Database.open(config.store.url.reveal()) as database:
        return await Ledger(database).entries()
