"""`keeper doctor` against a real devnet, sound and broken."""

import json
import socket
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from keeper.app.doctor import Examination, examine
from keeper.chain.rpc import Rpc
from keeper.cli.main import main
from keeper.clock import SystemClock
from keeper.config.load import load
from keeper.config.model import Config
from keeper.demo.configure import Site, configure
from keeper.devnet.anvil import Anvil
from keeper.devnet.network import Network
from keeper.devnet.node import Node
from keeper.devnet.relay import LocalRelay
from keeper.index.conversation import converse
from keeper.plan.flash_swap import VERSION, FlashSwaps
from keeper.types import Address, checksum

NOBODY = "0x" + "11" * 20


async def look(config: Config) -> Examination:
    return await examine(config, SystemClock())


def failed(examination: Examination) -> dict[str, str]:
    return {check.name: check.detail for check in examination.checks if not check.ok}


def changed(site: Site, **overrides: Any) -> Config:
    return load(site.config, {key.replace("__", "."): value for key, value in overrides.items()}, {})


@pytest.fixture
async def site(tmp_path: Path) -> AsyncIterator[Site]:
    async with Network.start(borrowers=1) as network:
        yield await configure(network, tmp_path / "keeper.toml", seed=1)


async def test_examine__sound_devnet__every_dependency_is_ok(site: Site) -> None:
    examination = await look(load(site.config, env={}))

    assert failed(examination) == {}
    assert examination.reachable
    kinds = [check.name.split()[0] for check in examination.checks]
    expected = "config rpc chain logs clock ws deployment swap executor signer balance store"
    assert kinds == expected.split()
    (executor,) = (check for check in examination.checks if check.name == "executor")
    assert checksum(site.operator) in executor.detail


async def test_examine__executor_is_older__goes_on_without_flash_swaps_and_is_told(site: Site) -> None:
    config = load(site.config, env={})
    tokens = [Address(NOBODY)]
    url = config.chain.http[0].reveal()
    async with Node(url) as node, Rpc(url) as rpc:
        assert await converse(FlashSwaps(site.executor).lend(tokens), rpc, "latest")
        await node.request("anvil_setCode", site.executor, "0x" + await without_version(node, site.executor))
        assert not await converse(FlashSwaps(site.executor).lend(tokens), rpc, "latest")
    examination = await look(config)
    assert failed(examination) == {}
    (executor,) = (check for check in examination.checks if check.name == "executor")
    assert "knows no flash swaps" in executor.detail
    assert "`keeper executor deploy --force`" in executor.detail


async def without_version(node: Node, executor: Address) -> str:
    """Code that does all that the executor's does, on the same storage, but has no `version()`."""
    copy = "0x" + "c0" * 20
    await node.request("anvil_setCode", copy, await node.request("eth_getCode", executor, "latest"))
    refuse_version = f"5f3560e01c63{VERSION.hex()}14603b57"
    pass_on = f"365f5f375f5f365f73{copy[2:]}5af43d5f5f3e603757"
    return refuse_version + pass_on + "3d5ffd" + "5b3d5ff3" + "5b5f5ffd"


async def test_examine__lenders__each_answers_for_its_kind_and_the_executor_must_be_open_to_it(
    site: Site,
) -> None:
    config = load(site.config, env={})
    [deployment], [swap] = config.deployment, config.exchanges
    names = dict.fromkeys(("balancer", "morpho"), deployment.settings["addresses_provider"])
    lenders = [{"kind": kind, "address": address} for kind, address in names.items()]
    found = failed(await look(changed(site, lender=lenders)))
    assert set(found) == {"lender balancer", "lender morpho", "executor"}
    assert "has no getProtocolFeesCollector()" in found["lender balancer"]
    assert "keeper executor allow" in found["executor"]
    assert checksum(swap.factory) not in found["executor"]


async def test_examine__broken_in_many_places__each_is_named(site: Site) -> None:
    http = load(site.config, env={}).chain.http[0].reveal()
    config = changed(
        site,
        chain__http=[http, "http://127.0.0.1:1"],
        chain__ws=["ws://127.0.0.1:1/SECRETTOKEN"],
        deployment=[{"name": "a", "protocol": "aave-v3", "addresses_provider": NOBODY}],
        swap=[{"kind": "uniswap-v3", "factory": site.executor, "quoter": site.executor}],
        executor__address=NOBODY,
    )
    examination = await look(config)

    found = failed(examination)
    assert set(found) == {
        "rpc http://127.0.0.1:1", "ws ws://127.0.0.1:1", "deployment a", "swap uniswap-v3", "executor",
    }  # fmt: skip
    assert "addresses_provider" in found["deployment a"]
    assert "no contract there" in found["deployment a"]
    assert "has no factory()" in found["swap uniswap-v3"]
    assert "no contract there" in found["executor"]
    assert examination.reachable
    assert "SECRETTOKEN" not in str(examination)


async def test_examine__builders__sound_unsigned_and_dead_are_told_apart(site: Site) -> None:
    node_url = load(site.config, env={}).chain.http[0].reveal()
    dead = "http://127.0.0.1:1"
    settings = {"relay.bid_bps": 100, "relay.deadline_seconds": 5.0}
    async with Node(node_url) as node, LocalRelay.start(node) as relay:
        urls = [relay.url, dead]
        signed = load(site.config, settings | {"relay.urls": urls}, {"KEEPER_RELAY_KEY": "0x" + "5e" * 32})
        found = {check.name: check for check in (await look(signed)).checks}
        assert found[f"relay {relay.url}"].ok
        assert "signed by 0x" in found[f"relay {relay.url}"].detail
        assert not found[f"relay {dead}"].ok
        assert (found["bid"].ok, found["bid"].detail.startswith("1 %, paid in 0x")) == (True, True)

        unsigned = load(site.config, {"relay.urls": [relay.url]}, {})
        assert "check KEEPER_RELAY_KEY" in failed(await look(unsigned))[f"relay {relay.url}"]


async def test_examine__key_that_may_not_operate__is_said(site: Site) -> None:
    key = site.config.with_suffix(".key")
    key.write_text("0x" + "11" * 32)
    found = failed(await look(changed(site, mode="live")))
    assert "is neither owner nor operator" in found["executor"]
    assert "send some to the signer" in found["balance"]


async def test_examine__another_chain_id__fails_that_check_and_skips_the_contracts(site: Site) -> None:
    examination = await look(changed(site, chain__id=5))
    assert {name.split()[0] for name in failed(examination)} == {"chain", "ws"}
    assert not [check for check in examination.checks if check.name.startswith("deployment")]
    assert examination.reachable


def run(words: list[str], capsys: pytest.CaptureFixture[str]) -> tuple[int, list[dict[str, Any]]]:
    code = main(["doctor", "--json", *words])
    checks = json.loads(capsys.readouterr().out)["checks"]
    assert all(set(check) == {"name", "ok", "detail"} for check in checks)
    return code, checks


def test_doctor__no_configuration__is_code_2(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, checks = run(["--config", str(tmp_path / "keeper.toml")], capsys)
    assert code == 2
    assert [(check["name"], check["ok"]) for check in checks] == [("config", False)]


def test_doctor__nobody_answers__is_code_3(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    file = tmp_path / "keeper.toml"
    words = ["init", "--yes", "--chain-id", "1", "--addresses-provider", NOBODY, "--config", str(file)]
    assert main([*words, "--http", f"http://127.0.0.1:{port}"]) == 0
    capsys.readouterr()

    code, checks = run(["--config", str(file)], capsys)

    assert code == 3
    assert [check["name"] for check in checks if not check["ok"]] == [f"rpc http://127.0.0.1:{port}"]


async def test_examine__chain_without_the_contracts__fails_only_them(tmp_path: Path) -> None:
    words = ["init", "--yes", "--chain-id", "31337", "--addresses-provider", NOBODY]
    assert main([*words, "--config", str(tmp_path / "keeper.toml")]) == 0
    async with Anvil.start() as anvil:
        config = load(tmp_path / "keeper.toml", {"chain.http": anvil.http}, {})
        assert list(failed(await look(config))) == ["deployment aave-core"]


async def test_examine__values_in_no_dollars_and_no_oracle_for_them__says_that_nothing_is_planned(
    tmp_path: Path,
) -> None:
    async with Network.start(protocols=["morpho-blue"], borrowers=1) as network:
        site = await configure(network, tmp_path / "keeper.toml", seed=1)
        assert failed(await look(load(site.config, env={}))) == {}
        lines = site.config.read_text().splitlines(keepends=True)
        site.config.write_text("".join(line for line in lines if not line.startswith("usd_oracle")))

        [detail] = failed(await look(load(site.config, env={}))).values()
        assert "nothing is planned: values are in loan token; name a usd_oracle" in detail
        assert failed(await look(load(site.config, {"mode": "watch"}, {}))) == {}
