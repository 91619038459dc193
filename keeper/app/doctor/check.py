"""The result of looking at one dependency."""

from typing import NamedTuple


class Check(NamedTuple):
    """One dependency: whether it works, and what was found or what to do."""

    name: str
    ok: bool
    detail: str
