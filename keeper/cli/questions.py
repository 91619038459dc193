"""What `keeper init` has to be told: by a preset, by flags, or by a person who is asked."""

import json
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import typer

from keeper.config.deployment import PROTOCOL_ADDRESSES
from keeper.config.presets import Network, network, networks
from keeper.config.problems import line
from keeper.config.reference import toml
from keeper.errors import ConfigError
from keeper.types import Mode

Flags = dict[str, str | None]
"""By dotted key; None is a flag that was not given."""

DEFAULT_PROTOCOL = "aave-v3"
OWN = ("chain.http", "chain.ws", "executor.address")
"""What no preset can know."""

QUESTIONS: Mapping[str, tuple[str, str | None]] = {
    "chain.id": ("Chain id", None),
    "chain.http": ("HTTP endpoint(s) of a node, with commas", "http://127.0.0.1:8545"),
    "chain.ws": ("WebSocket endpoint(s), empty for none", ""),
    "deployment[].name": ("Name of the deployment", "aave-core"),
    "deployment[].start_block": ("Block it was created in", "0"),
    "swap[].factory": ("Uniswap v3 factory, empty for none", ""),
    "swap[].quoter": ("Uniswap v3 QuoterV2, empty for none", ""),
    "executor.address": ("Executor contract, empty for none yet", ""),
}
NUMBERS = {"chain.id", "deployment[].start_block"}
LISTS = {"chain.http", "chain.ws"}


class Draft(NamedTuple):
    """A keeper.toml, and the names of the deployments in it."""

    text: str
    deployments: Sequence[str]


def drafted(mode: Mode, net: str | None, protocols: Sequence[str], flags: Flags, *, asking: bool) -> Draft:
    """The keeper.toml of these flags and, when `asking`, of what a person answers for those not given.

    Raises:
        ConfigError: no such preset, or flags that do not fit together.
    """
    chosen = net
    if asking and net is None and not any(flags.values()):
        known = ", ".join(networks())
        chosen = _asked(f"Network ({known}), empty for another", "") or None
    preset = None if chosen is None else network(chosen)
    if asking and not protocols:
        choice = preset.protocols if preset else list(PROTOCOL_ADDRESSES)
        first = DEFAULT_PROTOCOL if DEFAULT_PROTOCOL in choice else choice[0]
        protocols = [_asked(f"Protocol ({', '.join(choice)})", first)]
    wanted = list(dict.fromkeys(protocols)) or [DEFAULT_PROTOCOL]
    if preset is not None:
        return _preset(mode, preset.only(wanted), flags, asking=asking)
    if len(wanted) > 1:
        raise ConfigError(line("--protocol", ", ".join(wanted), "given twice", "several need --network"))
    return _answered(mode, wanted[0], flags, asking=asking)


def _preset(mode: Mode, net: Network, flags: Flags, *, asking: bool) -> Draft:
    clashing = [key for key, value in flags.items() if value is not None and key not in OWN]
    if clashing:
        why = f"the preset of {net.name} sets it"
        raise ConfigError("\n".join(line(key, "given", why, "leave it or --network out") for key in clashing))
    values = {"mode": f'"{mode}"', "chain.id": str(net.chain_id)}
    for key in OWN:
        values |= _as_toml(key, _answer(flags[key], QUESTIONS[key], asking))
    first, *others = net.deployments
    values |= {f"deployment[].{key}": json.dumps(value) for key, value in first.items()}
    values |= {f"swap[].{key}": json.dumps(value) for key, value in (net.swap or {}).items()}
    values |= {f"lender[].{key}": json.dumps(value) for key, value in (net.lender or {}).items()}
    more = [{key: json.dumps(value) for key, value in table.items()} for table in others]
    names = [str(table["name"]) for table in net.deployments]
    return Draft(toml(values, {"deployment": more}), names)


def _answered(mode: Mode, protocol: str, flags: Flags, *, asking: bool) -> Draft:
    """One deployment of `protocol`, as flags and answers describe it."""
    values: dict[str, Any] = {"mode": f'"{mode}"', "deployment[].protocol": json.dumps(protocol)}
    meanings = PROTOCOL_ADDRESSES.get(protocol, {})
    own = {
        f"deployment[].{key}": (f"{key}: {meaning.rstrip('.')}", None) for key, meaning in meanings.items()
    }
    foreign = [key for key in flags if key not in own and key not in QUESTIONS]
    if foreign and meanings:
        fix = f"its keys are: {', '.join(meanings)}"
        raise ConfigError("\n".join(line(key, "given", f"no key of {protocol}", fix) for key in foreign))
    answers: dict[str, str] = {}
    for key, question in _in_order(own).items():
        answers[key] = _answer(flags.get(key), question, asking)
        values |= _as_toml(key, answers[key])
    if answers["swap[].factory"] or answers["swap[].quoter"]:
        values["swap[].kind"] = '"uniswap-v3"'
    return Draft(toml(values), [answers["deployment[].name"]])


def _in_order(own: Mapping[str, tuple[str, None]]) -> dict[str, tuple[str, str | None]]:
    """The questions, the protocol's own ones behind the name of the deployment."""
    ordered: dict[str, tuple[str, str | None]] = {}
    for key, question in QUESTIONS.items():
        ordered[key] = question
        if key == "deployment[].name":
            ordered |= own
    return ordered


def _answer(flag: str | None, question: tuple[str, str | None], asking: bool) -> str:
    words, default = question
    if flag is not None:
        return flag
    return _asked(words, default) if asking else default or ""


def _asked(question: str, default: str | None) -> str:
    return str(typer.prompt(question, default=default, show_default=bool(default))).strip()


def _as_toml(key: str, answer: str) -> dict[str, str]:
    """An answer as a TOML value; an empty one leaves its key out, to be reported when it is needed."""
    if not answer:
        return {}
    if key in LISTS:
        return {key: json.dumps([part.strip() for part in answer.split(",") if part.strip()])}
    return {key: answer if key in NUMBERS and answer.isdigit() else json.dumps(answer)}
