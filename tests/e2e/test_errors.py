"""Every mistake a user can make: one clear line, the right exit code, never a traceback."""

import asyncio
import socket
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import pytest_asyncio
from pydantic import SecretStr

from keeper.app.administer import Administrator
from keeper.chain.pool import Pool
from keeper.chain.rpc import Rpc
from keeper.clock import SystemClock
from keeper.devnet.exchange.uniswap_v3 import deploy_uniswap_v3
from keeper.execute.signer import LocalSigner
from keeper.types import WAD, Address, checksum
from tests.e2e.relay import Relay
from tests.e2e.world import Result, World, keeper

pytestmark = pytest.mark.asyncio(loop_scope="module")

NOBODY = "0x" + "11" * 20
STRANGER_KEY = "0x" + "22" * 32
POOR_KEY = "0x" + "33" * 32
AT_ONCE = 3
LIVE = ("run", "--mode", "live", "--once")


class Scene(NamedTuple):
    """What the cases need of the world, by the names that stand in their changes and words."""

    world: World
    places: dict[str, str]


class Case(NamedTuple):
    """A command, what is wrong, and what must be said about it."""

    words: tuple[str, ...]
    changes: dict[str, Any]
    code: int
    said: tuple[str, ...]


CASES = {
    "wrong chain id": Case(
        ("positions",), {"chain.id": 5}, 2, ("chain.id", "5", "serves chain 31337", "correct")
    ),
    "nothing listens at the endpoint": Case(
        ("positions",),
        {"chain.http": ["http://127.0.0.1:1"]},
        3,
        ("chain.http", "http://127.0.0.1:1", "start"),
    ),
    "node without eth_getLogs": Case(
        ("positions",), {"chain.http": ["RELAY"]}, 2, ("RELAY", "eth_getLogs", "is not available")
    ),
    "no contract at the provider": Case(
        ("run", "--once"),
        {"deployment.0.addresses_provider": NOBODY},
        2,
        ("addresses_provider", "0x1111", "no contract there", "check"),
    ),
    "no contract at the provider, reports": Case(
        ("positions",),
        {"deployment.0.addresses_provider": NOBODY},
        2,
        ("addresses_provider", "0x1111", "check the address"),
    ),
    "another contract at the provider": Case(
        ("positions",),
        {"deployment.0.addresses_provider": "FACTORY"},
        2,
        ("addresses_provider", "FACTORY", "PoolAddressesProvider", "check the address"),
    ),
    "start block after the deployment": Case(
        ("positions",),
        {"deployment.0.start_block": 25},
        2,
        ("start_block", "8 reserves", "must not be later"),
    ),
    "start block after the head": Case(
        ("positions",),
        {"deployment.0.start_block": 9000},
        2,
        ("start_block", "9000", "later than block", "write"),
    ),
    "quoter of another factory": Case(
        ("run", "--once"), {"swap.0.quoter": "OTHER_QUOTER"}, 2, ("swap", "quoter", "OTHER_FACTORY", "write")
    ),
    "store in a folder that is not there": Case(
        ("positions",), {"store.url": "sqlite:///no/such/keeper.db"}, 2, ("store.url", "no/such", "check")
    ),
    "live without key": Case(LIVE, {"signer": None}, 2, ("KEEPER_PRIVATE_KEY", "not set", "set it")),
    "live without executor": Case(LIVE, {"executor": None}, 2, ("executor.address", "not set", "deploy")),
    "executor without code": Case(
        LIVE, {"executor.address": NOBODY}, 2, ("executor.address", "0x1111", "no contract", "check")
    ),
    "executor is another contract": Case(
        ("run", "--once"),
        {"executor.address": "FACTORY"},
        2,
        ("executor", "FACTORY", "another kind of contract"),
    ),
    "executor show at another contract": Case(
        ("executor", "show"), {"executor.address": "FACTORY"}, 2, ("executor.address", "FACTORY", "check")
    ),
    "executor of someone else": Case(
        LIVE,
        {"signer.private_key_file": "stranger.key"},
        2,
        ("executor", "neither owner nor operator", "key"),
    ),
    "executor closed to the pool": Case(
        LIVE,
        {"executor.address": "CLOSED_EXECUTOR"},
        2,
        ("executor", "CLOSED_EXECUTOR", "POOL", "executor allow"),
    ),
    "no money for gas": Case(
        LIVE,
        {"signer.private_key_file": "poor.key", "executor.address": "POOR_EXECUTOR"},
        2,
        ("signer", "for gas", "send some"),
    ),
    "port in use": Case(
        ("run", "--once"), {"ops.port": "PORT"}, 2, ("ops.port", "PORT", "already in use", "choose another")
    ),
    "shock of no form": Case(("risk", "--shock", "WETH-20"), {}, 2, ("--shock", "WETH-20", "write")),
    "shock of an unknown asset": Case(("risk", "--shock", "FOO=-20%"), {}, 2, ("--shock", "FOO", "WETH")),
    "explain no address": Case(("explain", "0x12"), {}, 2, ("ACCOUNT", "0x12", "40 hex digits")),
    "explain a wrong checksum": Case(
        ("explain", "0x5FbDB2315678afecb367f032d93F642f64180aA3"), {}, 2, ("ACCOUNT", "checksum")
    ),
    "explain an account without position": Case(("explain", NOBODY), {}, 1, ("0x1111", "no position")),
    "block that is not there": Case(
        ("positions", "--block", "9000"), {}, 2, ("--block", "9000", "the newest one is")
    ),
    "health factor that is no number": Case(
        ("positions", "--below", "nan"), {}, 2, ("--below", "nan", "write e.g.")
    ),
}


async def administer(world: World) -> tuple[Address, Address]:
    """An executor that is open to nothing, and one whose operator cannot pay for gas."""
    key = world.site.config.with_suffix(".key").read_text().strip()
    chain_id, poor = world.network.anvil.chain_id, LocalSigner.from_key(SecretStr(POOR_KEY)).address
    await world.network.node.fund([poor], WAD // 10**6)
    async with Pool([Rpc(world.network.anvil.http)], chain_id) as chain:
        administrator = Administrator(chain, chain_id, LocalSigner.from_key(SecretStr(key)), SystemClock())
        closed = await administrator.deploy(None, [], [world.network.exchange.factory])
        pool, factory = world.network.market.pool, world.network.exchange.factory
        return closed, await administrator.deploy(poor, [pool], [factory])


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def scene(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Scene]:
    async with (
        World.start(tmp_path_factory.mktemp("errors"), borrowers=4) as world,
        Relay.start(world.network.anvil.http) as relay,
    ):
        relay.refused.add("eth_getLogs")
        closed, poor = await administer(world)
        network = world.network
        tokens = await network.actors.view.tokens()
        other = await deploy_uniswap_v3(network.node, network.market.admin, tokens, ())
        with socket.create_server(("127.0.0.1", 0)) as taken:
            places = {
                "RELAY": relay.http,
                "FACTORY": checksum(network.exchange.factory),
                "POOL": checksum(network.market.pool),
                "OTHER_QUOTER": checksum(other.quoter),
                "OTHER_FACTORY": checksum(other.factory),
                "CLOSED_EXECUTOR": checksum(closed),
                "POOR_EXECUTOR": checksum(poor),
                "PORT": str(taken.getsockname()[1]),
            }
            yield Scene(world, places)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def results(scene: Scene, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Result]:
    """All cases, a few at a time: starting Python is most of the work."""
    folder = tmp_path_factory.mktemp("cases")
    free = asyncio.Semaphore(AT_ONCE)

    async def run(number: int, case: Case) -> Result:
        async with free:
            changes = {key: placed(value, scene.places) for key, value in case.changes.items()}
            config = scene.world.config(folder / str(number), changes)
            (config.parent / "stranger.key").write_text(STRANGER_KEY)
            (config.parent / "poor.key").write_text(POOR_KEY)
            return await keeper(config, *case.words)

    found = await asyncio.gather(*(run(number, case) for number, case in enumerate(CASES.values())))
    return dict(zip(CASES, found, strict=True))


def placed(value: Any, places: dict[str, str]) -> Any:
    """`value` with the names of places replaced by where they are."""
    if isinstance(value, list):
        return [placed(item, places) for item in value]
    found = places.get(value, value) if isinstance(value, str) else value
    return int(found) if value == "PORT" else found


@pytest.mark.parametrize("name", CASES)
async def test_command__with_a_mistake__says_it_in_one_line(
    name: str, results: dict[str, Result], scene: Scene
) -> None:
    case, result = CASES[name], results[name]
    lines = result.err.splitlines()
    assert len(lines) == 1, result.err
    assert lines[0].startswith("keeper: ")
    missing = [word for word in case.said if scene.places.get(word, word) not in lines[0]]
    assert not missing, lines[0]
    assert result.code == case.code
    assert "Traceback" not in result.out + result.err


@pytest.mark.parametrize(
    ("content", "said"),
    [("", ("empty", "keeper init")), ("a = = 1", ("not valid TOML", "line 1", "correct"))],
    ids=["empty", "broken"],
)
async def test_config__no_settings_in_it__names_the_file(
    content: str, said: tuple[str, ...], tmp_path: Path
) -> None:
    file = tmp_path / "keeper.toml"
    file.write_text(content)
    result = await keeper(file, "ledger")
    assert (result.code, result.out, len(result.err.splitlines())) == (2, "", 1)
    assert result.err.startswith(f"keeper: {file}: ")
    assert all(word in result.err for word in said)


async def test_config__missing__names_the_file_and_init(tmp_path: Path) -> None:
    result = await keeper(tmp_path / "nowhere.toml", "ledger")
    assert (result.code, result.out) == (2, "")
    assert result.err.splitlines() == [
        f"keeper: {tmp_path}/nowhere.toml: no such file; run `keeper init` or name another with --config"
    ]


async def test_config__many_mistakes__a_line_each(scene: Scene, tmp_path: Path) -> None:
    changes = {
        "chain.id": "x",
        "swap.0.factory": "0x12",
        "swap.0.quoter": "0x5FbDB2315678afecb367f032d93F642f64180aA3",
        "strategy.min_profit_usd": "1,5",
        "ops.prot": 1,
    }
    result = await keeper(scene.world.config(tmp_path, changes), "ledger")
    lines = result.err.splitlines()
    assert (result.code, result.out, len(lines)) == (2, "", len(changes))
    found = {line.removeprefix("keeper: ").split(": ")[0]: line for line in lines}
    assert "not a whole number; write e.g." in found["chain.id"]
    assert '"0x12": not an address' in found["swap[0].factory"]
    assert "checksum is wrong, a character was mistyped; write e.g." in found["swap[0].quoter"]
    assert '"1,5": not a decimal number; write e.g.' in found["strategy.min_profit_usd"]
    assert found["ops.prot"].endswith("unknown key; did you mean ops.port?")


async def test_key_in_the_file__is_refused__and_never_shown(scene: Scene, tmp_path: Path) -> None:
    config = scene.world.config(tmp_path, {"signer.private_key": STRANGER_KEY})
    result = await keeper(config, "ledger")
    assert result.code == 2
    assert "signer.private_key" in result.err
    assert "22" * 8 not in result.out + result.err
