"""Every preset against the npm package that publishes it; scripts/setup unpacks the files that are needed."""

import json
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from keeper.config.deployment import PROTOCOL_ADDRESSES, Deployment
from keeper.config.presets import Network, networks
from keeper.types import is_checksummed

PACKAGES = Path(__file__).parents[2] / ".cache/packages"
NETWORKS = networks()
LETTERS = {"bnb": "BNB"}
MORPHO_CHAINS = {"ethereum": "EthMainnet", "bnb": "BscMainnet", "unichain": "Unichain"}
UNISWAP_CHAINS = {"ethereum": "MAINNET", "arbitrum": "ARBITRUM_ONE"}

Said = Mapping[str, Any]


def text(package: str, file: str) -> str:
    return (PACKAGES / package / file).read_text()


def block(source: str, start: str, end: str) -> str:
    """The part of `source` between the first `start` and the next `end`."""
    _, found, rest = source.partition(start)
    assert found, start
    return rest.partition(end)[0]


def one(source: str, pattern: str) -> str:
    found = re.search(pattern, source)
    assert found, pattern
    return found[1]


def book(module: str, chain_id: int) -> str:
    """A module of Aave's address book, made sure to be of that chain."""
    source = text("@aave-dao/aave-address-book", f"dist/{module}.mjs")
    assert int(float(one(source, r"CHAIN_ID = ([\de]+)"))) == chain_id
    return source


def suffix(network: Network) -> str:
    return LETTERS.get(network.name, network.name.capitalize())


def aave(table: Said, network: Network) -> Said:
    version = "AaveV" + str(table["protocol"])[-1]
    branch = {"aave-v3-prime": "Lido", "aave-v3-etherfi": "EtherFi"}.get(table["name"], "")
    source = book(f"{version}{suffix(network)}{branch}", network.chain_id)
    return {"addresses_provider": one(source, r'POOL_ADDRESSES_PROVIDER = "(\w+)"')}


def aave_v4(table: Said, network: Network) -> Said:
    name = table["name"].removeprefix("aave-v4-").replace("-", "_").upper()
    spokes = block(book(f"AaveV4{suffix(network)}", network.chain_id), "var SPOKES = {", "};")
    return {"spoke": one(spokes, rf'\b{name}_E?SPOKE: "(\w+)"')}


def morpho(table: Said, network: Network) -> Said:
    chain = MORPHO_CHAINS.get(network.name, f"{network.name.capitalize()}Mainnet")
    package = "@morpho-org/morpho-ts"
    ids = text(package, "lib/esm/chain.js")
    assert int(one(ids, rf'ChainId\["{chain}"\] = (\d+)')) == network.chain_id
    addresses, _, blocks = text(package, "lib/esm/addresses.js").partition("const _deployments")
    here, there = (block(part, f"[ChainId.{chain}]: {{", "\n    },") for part in (addresses, blocks))
    said: dict[str, Any] = {
        "morpho": one(here, r'morpho: "(\w+)"'),
        "pre_liquidation_factory": one(here, r'preLiquidationFactory: "(\w+)"'),
        "start_block": int(one(there, r"morpho: (\d+)n")),
    }
    return {**said, **usd_oracle(table, network)}


def usd_oracle(table: Said, network: Network) -> Said:
    if "usd_oracle" not in table:
        return {}
    return {"usd_oracle": one(book(f"AaveV3{suffix(network)}", network.chain_id), r'ORACLE = "(\w+)"')}


def migration(network: Network, protocol: str) -> str:
    source = text("@morpho-org/migration-sdk-viem", "lib/esm/config.js")
    registry = block(source, "migrationAddressesRegistry", "export const migrationAddresses")
    here = block(registry, f"[ChainId.{network.name[:3].capitalize()}", "\n    },")
    return block(here, f"[MigratableProtocol.{protocol}]: {{", "\n        },")


def comet(table: Said, network: Network) -> Said:
    token = table["name"].removeprefix("comet-")
    said = {"comet": one(migration(network, "compoundV3"), rf'{token}: \{{\s*address: "(\w+)"')}
    return {**said, **usd_oracle(table, network)}


def compound(_: Said, network: Network) -> Said:
    source = migration(network, "compoundV2")
    return {"comptroller": one(source, r'comptroller: \{\s*address: "(\w+)"')}


def venus(_: Said, network: Network) -> Said:
    assert network.name == "bnb"
    source = text("@venusprotocol/venus-protocol", "deployments/bscmainnet_addresses.json")
    published = json.loads(source)
    assert int(published["chainId"]) == network.chain_id
    return {"comptroller": published["addresses"]["Unitroller"]}


PUBLISHED: Mapping[str, Callable[[Said, Network], Said]] = {
    "aave-v2": aave,
    "aave-v3": aave,
    "aave-v4": aave_v4,
    "comet": comet,
    "compound-v2": compound,
    "morpho-blue": morpho,
    "venus": venus,
}


class Exchange(NamedTuple):
    factory: str
    quoter: str


def uniswap(network: Network) -> Exchange:
    """The factory from sdk-core; the quoter from the router, as sdk-core often names the first version's."""
    chain = UNISWAP_CHAINS.get(network.name, network.name.upper())
    core = text("@uniswap/sdk-core", "dist/cjs/src/addresses.js")
    ids = text("@uniswap/sdk-core", "dist/cjs/src/chains.js")
    assert int(one(ids, rf'ChainId\["{chain}"\] = (\d+)')) == network.chain_id
    here = block(core, f"const {chain}_ADDRESSES = {{", "};")
    shared = "...DEFAULT_ADDRESSES" in here
    factories = block(core, "const DEFAULT_ADDRESSES = {", "};") if shared else here
    router = text("@uniswap/smart-order-router", "build/main/util/addresses.js")
    quoters = block(router, "exports.QUOTER_V2_ADDRESSES = Object", "exports.NEW_QUOTER")
    its_own = f"CHAIN_TO_ADDRESSES_MAP[sdk_core_1.ChainId.{chain}].quoterAddress" in quoters
    chains = text("@uniswap/smart-order-router", "build/main/util/chains.js")
    alike = block(chains, "exports.NETWORKS_WITH_SAME_UNISWAP_ADDRESSES = [", "];")
    assert its_own is not shared
    assert (f"ChainId.{chain}," in alike) is shared
    quoter = one(here, r"quoterAddress: '(\w+)'") if its_own else one(quoters, r"Map\('(\w+)'")
    return Exchange(one(factories, r"v3CoreFactoryAddress: '(\w+)'"), quoter)


CASES = [(network, table) for network in NETWORKS.values() for table in network.deployments]


@pytest.mark.parametrize(
    ("network", "table"), CASES, ids=lambda case: case["name"] if isinstance(case, dict) else case.name
)
def test_deployment__its_package__publishes_the_same(network: Network, table: Said) -> None:
    facts = {key: value for key, value in table.items() if key not in {"name", "protocol"}}
    published = PUBLISHED[table["protocol"]](table, network)
    assert {key: str(value).lower() for key, value in facts.items()} == {
        key: str(value).lower() for key, value in published.items()
    }


@pytest.mark.parametrize(
    "network", [each for each in NETWORKS.values() if each.swap], ids=lambda each: each.name
)
def test_swap__its_packages__publish_the_same(network: Network) -> None:
    assert network.swap is not None
    expected = uniswap(network)
    assert (network.swap["factory"].lower(), network.swap["quoter"].lower()) == (
        expected.factory.lower(),
        expected.quoter.lower(),
    )


def test_presets__every_deployment__is_a_valid_setting_with_checksums() -> None:
    for network, table in CASES:
        deployment = Deployment.model_validate(table)
        assert set(PROTOCOL_ADDRESSES[deployment.protocol]) <= set(deployment.settings)
        addresses = [value for value in table.values() if str(value).startswith("0x")]
        assert all(is_checksummed(address) for address in addresses), (network.name, table)


def test_presets__names_and_chain_ids__are_unique() -> None:
    ids = [network.chain_id for network in NETWORKS.values()]
    assert len(ids) == len(set(ids))
    for network in NETWORKS.values():
        names = [table["name"] for table in network.deployments]
        assert len(names) == len(set(names))
