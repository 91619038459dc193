"""Nothing secret shows: not in the configuration's text forms, not in errors."""

import copy
import pickle
from pathlib import Path

import pytest
from pydantic import BaseModel

from keeper.config.keys import OPTION_KEYS, PROTOCOL_KEYS, all_keys
from keeper.config.load import load
from keeper.config.model import Config
from keeper.config.secrets import Secret, SecretUrl, plain, public_url, scrub, tokens
from keeper.errors import ConfigError

KEY = "0x" + "c0ffee11" * 8
RELAY_KEY = "0x" + "5ea1ed77" * 8
PROVIDER = "0x2f39d218133AFaB8F2B819B1066c7E434Ad94E9e"
TOKENS = {
    "KEEPER_PRIVATE_KEY": KEY,
    "KEEPER_KEYSTORE_PASSWORD": "hunter2-password",
    "KEEPER__CHAIN__HTTP": "https://user:httppassword@rpc.example:8443/v3/HTTPTOKEN1?apikey=HTTPTOKEN2",
    "KEEPER__CHAIN__WS": "wss://rpc.example/ws/WSTOKEN12",
    "KEEPER__CHAIN__SEND_ONLY": "https://builder.example/SENDTOKEN1",
    "KEEPER__SIGNER__URL": "https://signer:signpassword@signer.example/v1/SIGNTOKEN1",
    "KEEPER__STORE__URL": "postgresql://keeper:dbpassword@db.example/keeper",
    "KEEPER__SWAP__0__KIND": "http-aggregator",
    "KEEPER__SWAP__0__URL": "https://quotes.example/QUOTETOKEN/quote",
    "KEEPER__SWAP__0__ROUTER": "0x" + "0c" * 20,
    "KEEPER__SWAP__0__API_KEY": "QUOTEKEY1",
    "KEEPER__RELAY__URLS": "https://builder.example/RELAYTOKEN",
    "KEEPER_RELAY_KEY": RELAY_KEY,
    "KEEPER__HINTS__0__STREAM": "https://hints.example/STREAMTOKEN",
    "KEEPER__HINTS__0__RELAY": "https://relay.example/HINTTOKEN",
}
CANARIES = (
    KEY[2:],
    "hunter2",
    "httppassword",
    "HTTPTOKEN1",
    "HTTPTOKEN2",
    "WSTOKEN12",
    "dbpassword",
    "SENDTOKEN1",
    "signpassword",
    "SIGNTOKEN1",
    "QUOTETOKEN",
    "QUOTEKEY1",
    "RELAYTOKEN",
    "STREAMTOKEN",
    "HINTTOKEN",
    RELAY_KEY[2:],
)
PUBLIC = {
    "mode", "chain.id", "chain.deadline_seconds", "chain.requests_per_second", "chain.units_per_day",
    "chain.watch_seconds", "chain.lag_blocks", "chain.lag_seconds", "chain.log_check",
    "chain.log_samples", "chain.log_ranges", "chain.quorum", "strategy.quorum_usd", "strategy.two_steps",
    "guards.kill_file",
    "guards.max_plan_usd", "guards.deny", "guards.allow", "guards.oracle_gap_bps", "guards.toxic",
    "guards.max_head_age_seconds",
    "guards.max_loss_usd_hour", "guards.max_loss_usd_day", "guards.max_gas_usd_hour",
    "guards.max_gas_usd_day", "deployment[].name", "deployment[].protocol",
    "deployment[].start_block", "swap[].kind",
    "lender[].kind", "lender[].address", "backrun.enabled", "backrun.route",
    "swap[].factory",
    "swap[].quoter", "swap[].router", "swap[].deadline_seconds", "strategy.own_capital",
    "executor.address", "strategy.min_profit_usd", "strategy.max_gas_price_gwei",
    "signer.kind", "signer.keystore", "signer.password_file", "signer.private_key_file",
    "signer.address", "signer.ca_file", "signer.cert_file", "signer.key_file", "signer.deadline_seconds",
    "transactions.max_in_flight", "transactions.optimistic", "transactions.queue_blocks",
    "transactions.confirmations", "transactions.bump_blocks", "transactions.bump_percent",
    "transactions.quote_multiple", "transactions.quote_multiple_above_gwei",
    "transactions.cancel_gas_price_gwei", "transactions.stuck_blocks", "transactions.blind_failures",
    "transactions.mempool", "transactions.stop_seconds", "transactions.last_look",
    "relay.method", "relay.builders", "relay.target_blocks", "relay.bid_bps", "relay.fall_back",
    "relay.deadline_seconds", "relay.key_file",
    "standby.enabled", "standby.name", "standby.lease_seconds", "standby.blind_seconds",
    "audit.accounts_per_block", "ops.host", "ops.port", "ops.log_format", "ops.log_level",
    *(f"deployment[].{key}" for key in (*PROTOCOL_KEYS, *OPTION_KEYS)),
}  # fmt: skip
SECRET = {
    "chain.http", "chain.ws", "chain.send_only", "store.url",
    "signer.private_key", "signer.password", "signer.url", "swap[].url", "swap[].api_key",
    "relay.urls", "relay.key", "hints[].stream", "hints[].relay",
}  # fmt: skip


def secret_config(folder: Path) -> Config:
    file = folder / "keeper.toml"
    file.write_text(
        '[chain]\nid = 1\n[[deployment]]\nname = "a"\nprotocol = "aave-v3"\n'
        f'addresses_provider = "{PROVIDER}"\n'
    )
    return load(file, env=TOKENS)


def assert_clean(text: str) -> None:
    assert [canary for canary in CANARIES if canary in text] == []


def test_settings__all_of_them__are_declared_public_or_secret() -> None:
    assert not PUBLIC & SECRET
    assert {key.name for key in all_keys()} == PUBLIC | SECRET


def test_settings__declared_secret__are_held_as_secrets(tmp_path: Path) -> None:
    config = secret_config(tmp_path)
    values = {
        "chain.http": config.chain.http[0],
        "chain.ws": config.chain.ws[0],
        "chain.send_only": config.chain.send_only[0],
        "signer.url": config.signer.url,
        "store.url": config.store.url,
        "swap[].url": config.swap[0].url,
        "swap[].api_key": config.swap[0].api_key,
        "relay.urls": config.relay.urls[0],
        "relay.key": config.relay.key,
        "hints[].stream": config.hints[0].stream,
        "hints[].relay": config.hints[0].relay,
        "signer.private_key": config.signer.private_key,
        "signer.password": config.signer.password,
    }
    assert values.keys() == SECRET
    assert all(isinstance(value, Secret) for value in values.values())


def test_config__every_text_form__shows_no_secret(tmp_path: Path) -> None:
    config = secret_config(tmp_path)
    for model in (
        config,
        config.chain,
        config.store,
        config.signer,
        config.relay,
        config.swap[0],
        config.hints[0],
    ):
        assert isinstance(model, BaseModel)
        for text in (repr(model), str(model), str(model.model_dump()), model.model_dump_json()):
            assert_clean(text)
    assert "https://rpc.example:8443" in repr(config)


def test_config__known_secrets__cover_every_token(tmp_path: Path) -> None:
    known = secret_config(tmp_path).secrets()
    assert {KEY, KEY[2:], "hunter2-password", "httppassword", "HTTPTOKEN1", "HTTPTOKEN2", "WSTOKEN12"} < known
    assert {"dbpassword", "QUOTETOKEN", "QUOTEKEY1", "RELAYTOKEN", RELAY_KEY[2:], "HINTTOKEN"} < known
    assert not {"keeper", "rpc.example", "v3", "user"} & known


def test_errors__about_secret_values__do_not_show_them(tmp_path: Path) -> None:
    file = tmp_path / "keeper.toml"
    file.write_text(
        f"""my_key = "{KEY}"
executor = "{KEY}"
[chain]
id = 1
http = ["ftp://u:httppassword@rpc.example/HTTPTOKEN1", "rpc.example/v3/HTTPTOKEN1", "http://a b/HTTPTOKEN2"]
ws = "https://rpc.example/WSTOKEN12"
htpp = "https://rpc.example/HTTPTOKEN1"
[store]
url = "mysql://keeper:dbpassword@db.example/keeper"
[[deployment]]
name = "a"
protocol = "aave-v3"
addresses_provider = "{KEY}"
[signer]
private_key = "{KEY}"
password = "hunter2-password"
[[swap]]
kind = "http-aggregator"
api_key = "QUOTEKEY1"
url = "htp://quotes.example/QUOTETOKEN"
"""
    )
    with pytest.raises(ConfigError) as caught:
        load(file, env={"KEEPER_PRIVATE_KEY": KEY + "00"})
    text = str(caught.value)
    assert_clean(text)
    assert caught.value.__cause__ is None
    assert (
        "signer.private_key: (secret): a secret in keeper.toml; move it to KEEPER_PRIVATE_KEY in .env" in text
    )
    assert "KEEPER_PRIVATE_KEY: (secret): not a private key" in text
    assert "signer.password: (secret)" in text


def test_errors__key_given_twice__says_so(tmp_path: Path) -> None:
    (tmp_path / "key").write_text(KEY)
    env = {"KEEPER_PRIVATE_KEY": KEY, "KEEPER_PRIVATE_KEY_FILE": str(tmp_path / "key")}
    (tmp_path / "keeper.toml").write_text("[chain]\nid = 1\n")
    with pytest.raises(ConfigError, match="set together with KEEPER_PRIVATE_KEY_FILE"):
        load(tmp_path / "keeper.toml", env=env)


def test_errors__missing_key_file__is_named(tmp_path: Path) -> None:
    (tmp_path / "keeper.toml").write_text("[chain]\nid = 1\n")
    with pytest.raises(ConfigError, match=r'KEEPER_PRIVATE_KEY_FILE: ".*/nothing": no such file'):
        load(tmp_path / "keeper.toml", env={"KEEPER_PRIVATE_KEY_FILE": "nothing"})


def test_secret__any_text_form__hides_the_value() -> None:
    secret = Secret("hunter2")
    for text in (repr(secret), str(secret), f"{secret}", "%s" % secret, str([secret])):  # noqa: UP031
        assert "hunter2" not in text
    with pytest.raises(TypeError):
        pickle.dumps(secret)
    with pytest.raises(TypeError):
        copy.copy(secret)


def test_secret__equality__compares_values() -> None:
    assert Secret("a") == Secret("a")
    assert Secret("a") != Secret("b")
    assert Secret("a") != "a"
    assert len({Secret("a"), Secret("a")}) == 1


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("https://main.example/v3/abc", "https://main.example"),
        ("https://tok@main.example:99/v3?x=1", "https://main.example:99"),
        ("wss://main.example?key=abc", "wss://main.example"),
        ("main.example/v3/abc", "main.example"),
        ("https://a.example/https://tok", "https://a.example"),
        ("sqlite:///keeper.db", "sqlite:///keeper.db"),
        ("postgresql://u:p@h:5432/d", "postgresql://h:5432"),
        ("foo", "foo"),
    ],
)
def test_public_url__any_url__keeps_scheme_host_and_port(url: str, shown: str) -> None:
    assert public_url(url) == shown


def test_scrub__text_with_urls_and_keys__hides_both() -> None:
    text = f"cannot reach https://a.example/v3/TOKEN: key {KEY}, tx {KEY}"
    assert scrub(text) == f"cannot reach https://a.example key {KEY}, tx {KEY}"
    assert KEY not in scrub(text, keys=True)


def test_plain__control_characters__become_spaces() -> None:
    assert plain("a\x1b[31mb\r\nc\u202ed") == "a [31mb c d"


def test_tokens__file_database__has_none() -> None:
    assert tokens(SecretUrl("sqlite:////var/lib/keeper/keeper.db")) == frozenset()
