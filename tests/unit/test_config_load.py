"""Loading keeper.toml: layers, exact values, and every mistake reported at once."""

import os
from pathlib import Path

import pytest

from keeper.config.deployment import PROTOCOL_ADDRESSES
from keeper.config.load import load
from keeper.config.model import Config, LogFormat
from keeper.errors import ConfigError
from keeper.types import Mode

PROVIDER = "0x2f39d218133AFaB8F2B819B1066c7E434Ad94E9e"
KEY = "0x" + "ab" * 32
GOOD = f"""
[chain]
id = 31337
http = ["http://127.0.0.1:8545"]
[[deployment]]
name = "aave-core"
protocol = "aave-v3"
addresses_provider = "{PROVIDER}"
"""


def write(folder: Path, text: str, env: str | None = None) -> Path:
    file = folder / "keeper.toml"
    file.write_text(text)
    if env is not None:
        (folder / ".env").write_text(env)
    return file


def problems(file: Path, env: dict[str, str] | None = None, **overrides: object) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        load(file, overrides, env or {})
    return str(caught.value).splitlines()


def test_load__minimal_file__defaults_fill_the_rest(tmp_path: Path) -> None:
    config = load(write(tmp_path, GOOD), env={})

    assert config.mode is Mode.PAPER
    assert config.chain.ws == ()
    assert config.deployment[0].settings == {"addresses_provider": PROVIDER.lower()}
    assert config.strategy.min_profit_usd == 10**8
    assert config.strategy.max_gas_price == 300 * 10**9
    assert (config.ops.host, config.ops.port) == ("127.0.0.1", 9464)


def test_load__full_file_of_the_design__is_read(tmp_path: Path) -> None:
    text = f"""mode = "paper"
[chain]
id = 1
http = ["http://a.example", "https://b.example"]
ws = ["ws://a.example"]
[store]
url = "postgresql://keeper:pw@db.example/keeper"
[[deployment]]
name = "aave-core"
protocol = "aave-v3"
addresses_provider = "{PROVIDER}"
start_block = 16291127
[[swap]]
kind = "uniswap-v3"
factory = "{PROVIDER}"
quoter = "{PROVIDER.lower()}"
[executor]
address = "{PROVIDER}"
[strategy]
min_profit_usd = "1"
max_gas_price_gwei = 300
"""
    config = load(write(tmp_path, text), env={})

    assert [url.reveal() for url in config.chain.http] == ["http://a.example", "https://b.example"]
    assert config.store.url.reveal() == "postgresql://keeper:pw@db.example/keeper"
    assert config.swap[0].quoter == PROVIDER.lower()
    assert config.executor.address == PROVIDER.lower()
    assert config.deployment[0].start_block == 16291127


def test_load__each_layer__wins_over_the_one_below(tmp_path: Path) -> None:
    file = write(tmp_path, "mode = 'watch'\n" + GOOD, "KEEPER__CHAIN__ID=2\nKEEPER__MODE=paper\n")

    assert load(file, env={}).chain.id == 2
    assert load(file, env={"KEEPER__CHAIN__ID": "3"}).chain.id == 3
    assert load(file, {"chain.id": 4, "mode": None}, {"KEEPER__CHAIN__ID": "3"}).chain.id == 4
    assert load(file, env={}).mode is Mode.PAPER


def test_load__lists_in_the_environment__are_split_at_commas(tmp_path: Path) -> None:
    env = {"KEEPER__CHAIN__HTTP": "http://a.example, http://b.example"}
    config = load(write(tmp_path, GOOD), env=env)
    assert [url.reveal() for url in config.chain.http] == ["http://a.example", "http://b.example"]


def test_load__list_entries_in_the_environment__change_and_add_sections(tmp_path: Path) -> None:
    env = {
        "KEEPER__DEPLOYMENT__0__START_BLOCK": "7",
        "KEEPER__DEPLOYMENT__1__NAME": "second",
        "KEEPER__DEPLOYMENT__1__PROTOCOL": "aave-v3",
        "KEEPER__DEPLOYMENT__1__ADDRESSES_PROVIDER": PROVIDER,
    }
    config = load(write(tmp_path, GOOD), env=env)
    assert [(d.name, d.start_block) for d in config.deployment] == [("aave-core", 7), ("second", 0)]


def test_load__empty_variable__counts_as_not_set(tmp_path: Path) -> None:
    assert load(write(tmp_path, GOOD), env={"KEEPER__MODE": ""}).mode is Mode.PAPER


@pytest.mark.parametrize(
    ("text", "expected"),
    [('"0.1"', 10**7), ("0.1", 10**7), ("12345678.00000001", 1234567800000001), ('"0"', 0), ("3", 3 * 10**8)],
)
def test_load__decimal_amounts__are_exact(tmp_path: Path, text: str, expected: int) -> None:
    config = load(write(tmp_path, f"{GOOD}[strategy]\nmin_profit_usd = {text}\n"), env={})
    assert config.strategy.min_profit_usd == expected


def test_load__gas_price_with_decimals__is_exact_wei(tmp_path: Path) -> None:
    config = load(write(tmp_path, f"{GOOD}[strategy]\nmax_gas_price_gwei = 0.000000001\n"), env={})
    assert config.strategy.max_gas_price == 1


def test_load__relative_paths__are_relative_to_the_file(tmp_path: Path) -> None:
    (tmp_path / "key.txt").write_text(KEY)
    file = write(tmp_path, GOOD, "KEEPER_PRIVATE_KEY_FILE=key.txt\n")

    config = load(file, env={})

    assert config.store.url.reveal() == f"sqlite:///{tmp_path}/keeper.db"
    assert config.signer.private_key_file == tmp_path / "key.txt"


def test_load__memory_and_absolute_databases__stay_as_they_are(tmp_path: Path) -> None:
    for url in ("sqlite:///:memory:", "sqlite:////var/lib/keeper.db", "postgresql://h/d"):
        assert load(write(tmp_path, GOOD), {"store.url": url}, {}).store.url.reveal() == url


def test_load__flags__are_read_like_the_file(tmp_path: Path) -> None:
    config = load(write(tmp_path, GOOD), {"ops.log_format": "json", "ops.port": 0}, {})
    assert (config.ops.log_format, config.ops.port) == (LogFormat.JSON, 0)


def test_load__many_mistakes__are_all_reported_with_key_value_reason_and_fix(tmp_path: Path) -> None:
    wrong_checksum = "0x2F39d218133AFaB8F2B819B1066c7E434Ad94E9e"
    text = f"""mode = "lvie"
[chain]
id = true
http = ["foo", "wss://a.example/v3/token"]
deadline_seconds = -1
[store]
url = "mysql://h/d"
[[deployment]]
name = "a"
protocol = "aave-v3"
addresses_provider = "{wrong_checksum}"
start_block = "x"
quoter = 1
[[deployment]]
name = "a"
protocol = "aave-v9"
[[deployment]]
protocol = "aave-v3"
[[swap]]
kind = "uniswap-v3"
factory = 3
[executor]
adress = "0x"
[strategy]
min_profit_usd = 0.123456789
min_proft_usd = 3
[stratgy]
own_capital = true
"""
    protocols = ", ".join(f'"{name}"' for name in PROTOCOL_ADDRESSES)
    mistyped = "not an address: its checksum is wrong, a character was mistyped"
    example = f'write e.g. "{PROVIDER}"'
    assert problems(write(tmp_path, text)) == [
        """mode: "lvie": not one of 'watch', 'paper' or 'live'; write e.g. "paper\"""",
        "chain.id: true: not a number; write e.g. 31337",
        'chain.http: "foo": not an http(s) URL; write e.g. "http://127.0.0.1:8545"',
        'chain.http: "wss://a.example": not an http(s) URL; write e.g. "http://127.0.0.1:8545"',
        "chain.deadline_seconds: -1: should be greater than 0; write e.g. 10",
        'store.url: "mysql://h": not a SQLite or Postgres URL; write e.g. "sqlite:///keeper.db"',
        'deployment[0].start_block: "x": not a whole number; write e.g. 0',
        f'deployment[0].addresses_provider: "{wrong_checksum}": {mistyped}; {example}',
        "deployment[0].quoter: 1: unknown key; did you mean swap.quoter?",
        f'deployment[1].protocol: "aave-v9": unknown protocol, known: {protocols}; write e.g. "aave-v3"',
        'deployment[2].name: not set: required; write e.g. "aave-core"',
        f"deployment[2].addresses_provider: not set: required; {example}",
        f"swap[0].factory: 3: not an address: text is needed; {example}",
        f"swap[0].quoter: not set: required; {example}",
        'executor.adress: "0x": unknown key; did you mean executor.address?',
        'strategy.min_profit_usd: "0.123456789": more than 8 decimals; write e.g. "1"',
        "strategy.min_proft_usd: 3: unknown key; did you mean strategy.min_profit_usd?",
        "stratgy: {…}: unknown key; did you mean strategy?",
        'deployment[1].name: "a": used twice; give each its own name',
    ]


def test_load__mistake_in_the_environment_or_a_flag__names_where_it_came_from(tmp_path: Path) -> None:
    env = {"KEEPER__CHAIN__IDD": "3", "KEEPER__OPS__PORT": "70000"}
    assert problems(write(tmp_path, GOOD), env, mode="fast") == [
        """mode (--mode): "fast": not one of 'watch', 'paper' or 'live'; write e.g. "paper\"""",
        'chain.idd (KEEPER__CHAIN__IDD): "3": unknown key; did you mean chain.id?',
        'ops.port (KEEPER__OPS__PORT): "70000": should be less than or equal to 65535; write e.g. 9464',
    ]


def test_load__no_file__says_how_to_get_one(tmp_path: Path) -> None:
    (line,) = problems(tmp_path / "keeper.toml")
    assert line.endswith("keeper.toml: no such file; run `keeper init` or name another with --config")


def test_load__empty_file__says_how_to_fill_it(tmp_path: Path) -> None:
    (line,) = problems(write(tmp_path, "# nothing\n"))
    assert "empty" in line
    assert "keeper init" in line


def test_load__broken_toml__names_line_and_column(tmp_path: Path) -> None:
    (line,) = problems(write(tmp_path, "[chain]\nid = \n"))
    assert "not valid TOML" in line
    assert "line 2, column 6" in line


def test_load__file_that_is_no_text__is_one_line(tmp_path: Path) -> None:
    file = tmp_path / "keeper.toml"
    file.write_bytes(b"\xff\xfe\x00")
    assert len(problems(file)) == 1
    assert "cannot be read" in problems(tmp_path)[0]


def test_load__sections_of_the_wrong_shape__are_named(tmp_path: Path) -> None:
    assert problems(write(tmp_path, "chain = 3\ndeployment = 4\n")) == [
        "chain: 3: not a section; write a section [chain] (docs/configuration.md)",
        "deployment: 4: not a list; write a section [[deployment]] (docs/configuration.md)",
    ]


def test_load__section_of_the_wrong_shape_and_a_variable_below_it__reports_the_shape(tmp_path: Path) -> None:
    lines = problems(write(tmp_path, "chain = 3\n"), {"KEEPER__CHAIN__ID": "1"})
    assert lines[0].startswith("chain: 3: not a section")


def test_load__no_deployment__asks_for_one(tmp_path: Path) -> None:
    lines = problems(write(tmp_path, '[chain]\nid = 1\nhttp = "http://a.example"\n'))
    assert lines == ["deployment: not set: required; write a section [[deployment]] (docs/configuration.md)"]


def test_load__protocol_addresses_under_settings__are_refused(tmp_path: Path) -> None:
    (line,) = problems(write(tmp_path, GOOD + "[deployment.settings]\n"))
    assert "addresses stand directly in [[deployment]]" in line


def test_load__zero_address__is_refused(tmp_path: Path) -> None:
    (line,) = problems(write(tmp_path, GOOD.replace(PROVIDER, "0x" + "00" * 20)))
    assert "the zero address" in line


def test_load__live_without_key_and_executor__names_both(tmp_path: Path) -> None:
    assert problems(write(tmp_path, GOOD), mode="live") == [
        'executor.address: not set: mode "live" needs it; run `keeper executor deploy` and write its address',
        'KEEPER_PRIVATE_KEY: not set: mode "live" needs a key; set it in .env, or its _FILE form',
    ]


def test_load__live_with_key_and_executor__is_accepted(tmp_path: Path) -> None:
    file = write(tmp_path, GOOD + f'[executor]\naddress = "{PROVIDER}"\n', f"KEEPER_PRIVATE_KEY={KEY}\n")
    config = load(file, {"mode": "live"}, {})
    assert config.mode is Mode.LIVE
    assert config.signer.private_key is not None
    assert config.signer.private_key.reveal() == KEY


def test_load__live_with_a_keystore_but_no_password__asks_for_it(tmp_path: Path) -> None:
    (tmp_path / "store.json").write_text("{}")
    text = (
        GOOD + f'[executor]\naddress = "{PROVIDER}"\n[signer]\nkind = "keystore"\nkeystore = "store.json"\n'
    )
    (line,) = problems(write(tmp_path, text), mode="live")
    assert line.startswith("KEEPER_KEYSTORE_PASSWORD: not set")


@pytest.mark.parametrize(
    ("variables", "said"),
    [
        ("KEEPER_RELAY_KEY=0x12", "not a private key"),
        ("KEEPER_RELAY_KEY_FILE=nothing", "no such file"),
        (f"KEEPER_RELAY_KEY={KEY}\nKEEPER_PRIVATE_KEY={KEY}", "the key that holds the money"),
    ],
)
def test_load__key_of_the_relay_is_wrong__is_said(tmp_path: Path, variables: str, said: str) -> None:
    (line,) = problems(write(tmp_path, GOOD, f"{variables}\n"))
    assert said in line
    assert line.startswith("KEEPER_RELAY_KEY")
    assert KEY not in line


def test_load__key_of_the_relay_in_the_file__refused(tmp_path: Path) -> None:
    (line,) = problems(write(tmp_path, GOOD + f'[relay]\nkey = "{KEY}"\n'))
    assert line == "relay.key: (secret): a secret in keeper.toml; move it to KEEPER_RELAY_KEY in .env"


HINTS = '[[hints]]\nstream = "https://a.example/TOKENTOKEN"\nrelay = "https://b.example"\n'


def test_load__hints__from_the_file_or_the_environment(tmp_path: Path) -> None:
    variables = {
        "KEEPER__HINTS__0__STREAM": "https://c.example",
        "KEEPER__HINTS__0__RELAY": "https://d.example",
    }
    for config in (load(write(tmp_path, GOOD + HINTS), env={}), load(write(tmp_path, GOOD), env=variables)):
        [hints] = config.hints
        assert hints.stream.reveal().startswith("https://")
        assert "TOKENTOKEN" not in repr(config)


def test_load__hints__each_mistake_is_told(tmp_path: Path) -> None:
    half = '[[hints]]\nstream = "wss://a.example"\nurl = "x"\n'
    found = problems(write(tmp_path, GOOD + HINTS + HINTS + half))
    assert [line.partition(":")[0] for line in found] == [
        "hints[2].stream",
        "hints[2].relay",
        "hints[2].url",
        "hints[1].stream",
    ]
    assert not any("TOKENTOKEN" in line for line in found)


def test_load__env_file_with_a_broken_line__names_the_line(tmp_path: Path) -> None:
    (line,) = problems(write(tmp_path, GOOD, "KEEPER__MODE=paper\nnonsense\n"))
    assert line.endswith(".env: line 2: not NAME=value; correct that line")


def test_load__password_with_a_dollar__is_taken_literally(tmp_path: Path) -> None:
    config = load(write(tmp_path, GOOD, "KEEPER_KEYSTORE_PASSWORD='a$HOME${X}'\n"), env={})
    assert config.signer.password is not None
    assert config.signer.password.reveal() == "a$HOME${X}"


def test_load__env_file__never_changes_the_process_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KEEPER__CHAIN__ID", "9")
    file = write(tmp_path, GOOD, "KEEPER__CHAIN__ID=2\nKEEPER__MODE=watch\n")

    config = load(file)

    assert (config.chain.id, config.mode) == (9, Mode.WATCH)
    assert "KEEPER__MODE" not in os.environ


def test_config__after_loading__is_frozen(tmp_path: Path) -> None:
    config: Config = load(write(tmp_path, GOOD), env={})
    with pytest.raises(ValueError, match="frozen"):
        config.mode = Mode.LIVE


MARKET = "0x" + "ab" * 32


def morpho(lines: str) -> str:
    addresses = f'name = "blue"\nprotocol = "morpho-blue"\nmorpho = "{PROVIDER}"\n'
    return f'[chain]\nid = 1\nhttp = "http://a.example"\n[[deployment]]\n{addresses}{lines}\n'


def test_load__protocol_with_options__has_those_that_were_given(tmp_path: Path) -> None:
    options = f'usd_oracle = "{PROVIDER}"\ndeny_markets = ["{MARKET.upper().replace("X", "x")}"]'
    (deployment,) = load(write(tmp_path, morpho(options)), env={}).deployment
    address = PROVIDER.lower()
    assert deployment.settings == {"morpho": address, "usd_oracle": address, "deny_markets": (MARKET,)}


def test_load__list_of_markets_in_the_environment__is_written_with_commas(tmp_path: Path) -> None:
    env = {"KEEPER__DEPLOYMENT__0__ALLOW_MARKETS": f"{MARKET},{MARKET}"}
    (deployment,) = load(write(tmp_path, morpho("")), env=env).deployment
    assert deployment.settings["allow_markets"] == (MARKET, MARKET)


def test_load__options_of_another_protocol_or_no_market_ids__are_errors(tmp_path: Path) -> None:
    (line,) = problems(write(tmp_path, GOOD + f'deny_markets = ["{MARKET}"]\n'))
    assert "deployment[0].deny_markets: […]: unknown key" in line
    (line,) = problems(write(tmp_path, morpho('allow_markets = ["0x12"]')))
    assert "deployment[0].allow_markets: […]: '0x12' is no market id" in line
    assert "write e.g. [" in line
