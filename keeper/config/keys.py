"""The names of all settings, read off the model: for suggestions, examples and the documentation."""

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple, get_args

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from keeper.config.deployment import PROTOCOL_ADDRESSES, PROTOCOL_OPTIONS, Deployment
from keeper.config.model import Config
from keeper.config.secrets import Secret

PROTOCOL_KEYS = {key: text for keys in PROTOCOL_ADDRESSES.values() for key, text in keys.items()}
OPTION_KEYS = {key: option for options in PROTOCOL_OPTIONS.values() for key, option in options.items()}


class Key(NamedTuple):
    """One setting: its dotted name ("chain.http", "deployment[].name"), its field and its meaning."""

    name: str
    field: FieldInfo
    description: str


def all_keys(model: type[BaseModel] = Config, prefix: str = "") -> Iterator[Key]:
    """Every setting of `model` in the order of the model; protocol addresses after their deployment."""
    for name, field in model.model_fields.items():
        section = section_of(field)
        if section is not None:
            yield from all_keys(section, f"{prefix}{name}{'' if field.annotation is section else '[]'}.")
        elif model is Deployment and name == "settings":
            for key, meaning in PROTOCOL_KEYS.items():
                yield Key(f"{prefix}{key}", field, meaning)
            for key, option in OPTION_KEYS.items():
                yield Key(f"{prefix}{key}", option, option.description or "")
        else:
            yield Key(f"{prefix}{field.alias or name}", field, field.description or "")


def section_of(field: FieldInfo) -> type[BaseModel] | None:
    """The model a field holds, alone or in a list; None for a plain value."""
    found: type[BaseModel] | None = _find(field.annotation, BaseModel)
    return found


def is_secret_text(field: FieldInfo) -> bool:
    """Whether the value may only come from the environment (URLs may stand in the file)."""
    return _find(field.annotation, Secret) is Secret


def find(location: Sequence[str | int]) -> FieldInfo | None:
    """The field at a place like ("deployment", 0, "name"); None where the model has none."""
    names = [part for part in location if isinstance(part, str)]
    model: type[BaseModel] | None = Config
    field: FieldInfo | None = None
    for name in names:
        if model is None:
            return None
        if model is Deployment and name in OPTION_KEYS:
            return OPTION_KEYS[name]
        if model is Deployment and name in PROTOCOL_KEYS:
            name = "settings"  # noqa: PLW2901 - where the model keeps them
        field = next((f for n, f in model.model_fields.items() if (f.alias or n) == name), None)
        if field is None:
            return None
        model = section_of(field)
    return field


def _find(annotation: Any, base: type) -> Any:
    if isinstance(annotation, type) and issubclass(annotation, base):
        return annotation
    return next((found for part in get_args(annotation) if (found := _find(part, base))), None)
