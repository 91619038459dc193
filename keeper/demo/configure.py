"""A keeper.toml for a devnet, with a funded key and an executor: ready for every mode."""

import os
from pathlib import Path
from typing import NamedTuple

from eth_utils.crypto import keccak
from pydantic import SecretStr

from keeper.app.administer import Administrator
from keeper.chain.pool import Pool
from keeper.chain.rpc import Rpc
from keeper.clock import SystemClock
from keeper.devnet.deployment import Deployment
from keeper.devnet.network import Network
from keeper.errors import ConfigError
from keeper.execute.signer import LocalSigner
from keeper.types import WAD, Address, checksum

MARK = "# Written by `keeper devnet`; it is overwritten by the next one."
DEPLOYMENT = "aave-devnet"
COMPANIONS = (".key", ".db", ".db-wal", ".db-shm")

TEMPLATE = """{mark}
mode = "paper"

[chain]
id = {chain_id}
http = ["{http}"]
ws = ["{ws}"]
requests_per_second = 2000

[store]
url = "sqlite:///{store}"

{deployments}
[[swap]]
kind = "uniswap-v3"
factory = "{factory}"
quoter = "{quoter}"

[executor]
address = "{executor}"

[strategy]
min_profit_usd = "1"

[signer]
private_key_file = "{key_file}"

[ops]
port = {ops_port}
"""

DEPLOYMENT_TEMPLATE = """[[deployment]]
name = "{name}"
protocol = "{protocol}"
{settings}
start_block = {start_block}
"""


class Site(NamedTuple):
    """A configured devnet: its files, and who operates the executor."""

    config: Path
    executor: Address
    operator: Address


async def configure(network: Network, config: Path, *, seed: int, ops_port: int = 0) -> Site:
    """Fund a key of the devnet's own, deploy the executor with it, and write the files beside `config`.

    An old store of a former devnet is removed: its chain is gone.

    Raises:
        ConfigError: files that are not a devnet's would be overwritten; see `refuse_foreign`.
    """
    refuse_foreign(config)
    key = keccak(f"keeper devnet operator {seed}".encode())
    signer = LocalSigner.from_key(SecretStr(key.hex()))
    await network.node.fund([signer.address], 1000 * WAD)
    chain_id = network.anvil.chain_id
    async with Pool([Rpc(network.anvil.http)], chain_id) as chain:
        administrator = Administrator(chain, chain_id, signer, SystemClock())
        venues = [venue for deployment in network.deployments for venue in deployment.venues]
        weth = network.prices.address("WETH")
        executor = await administrator.deploy(None, venues, [network.exchange.factory], weth)
    _write(config, key, _text(network, config, executor, ops_port))
    return Site(config, executor, signer.address)


def _text(network: Network, config: Path, executor: Address, ops_port: int) -> str:
    return TEMPLATE.format(
        mark=MARK,
        chain_id=network.anvil.chain_id,
        http=network.anvil.http,
        ws=network.anvil.ws,
        store=config.with_suffix(".db").name,
        deployments="\n".join(
            _deployment_text(name, deployment) for name, deployment in named(network).items()
        ),
        factory=checksum(network.exchange.factory),
        quoter=checksum(network.exchange.quoter),
        executor=checksum(executor),
        key_file=config.with_suffix(".key").name,
        ops_port=ops_port,
    )


def named(network: Network) -> dict[str, Deployment]:
    """The deployments by the names that `configure` gives them; the first Aave is just "aave-devnet"."""
    names: dict[str, Deployment] = {}
    for deployment in network.deployments:
        aave = deployment.kind.startswith("aave") and DEPLOYMENT not in names
        names[DEPLOYMENT if aave else f"{deployment.kind}-devnet"] = deployment
    return names


def _deployment_text(name: str, deployment: Deployment) -> str:
    return DEPLOYMENT_TEMPLATE.format(
        name=name,
        protocol=deployment.protocol,
        settings="\n".join(f'{key} = "{checksum(address)}"' for key, address in deployment.settings.items()),
        start_block=deployment.start_block,
    )


def refuse_foreign(config: Path) -> None:
    """Make sure that `configure` will overwrite nothing but a former devnet's files.

    Raises:
        ConfigError: there is another configuration, a key or a store without a devnet's configuration
            beside it, or no such folder.
    """
    if not config.parent.is_dir():
        raise ConfigError(f"{config}: no such folder; create it or name another file with --config")
    if config.exists():
        first = config.read_text(encoding="utf-8", errors="replace")
        foreign = [] if first.startswith(MARK) else [config]
    else:
        foreign = [file for suffix in COMPANIONS if (file := config.with_suffix(suffix)).exists()]
    for file in foreign:
        raise ConfigError(f"{file}: exists and is not a devnet's; name another file with --config")


def _write(config: Path, key: bytes, text: str) -> None:
    for suffix in COMPANIONS:
        config.with_suffix(suffix).unlink(missing_ok=True)
    secret = os.open(config.with_suffix(".key"), os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(secret, "w", encoding="utf-8") as file:
        file.write(f"0x{key.hex()}\n")
    config.write_text(text, encoding="utf-8")
