"""Rules for every test: exactly one kind, and no sockets in the pure ones."""

import socket

import pytest
from hypothesis import settings

# A deadline judges the machine, not the code: tests assert nothing about time. The suite tries the same
# examples every time; `pytest --hypothesis-profile explore` looks for new ones.
settings.register_profile("explore", deadline=None)
settings.register_profile("keeper", deadline=None, derandomize=True)
settings.load_profile("keeper")

KINDS = {"unit", "property", "vectors", "contract", "integration", "e2e", "chaos"}
PURE = {"unit", "property", "vectors"}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        folder = item.path.relative_to(item.config.rootpath / "tests").parts[0]
        if folder in KINDS:
            item.add_marker(folder)
        kinds = {mark.name for mark in item.iter_markers()} & KINDS
        if len(kinds) != 1:
            raise pytest.UsageError(f"{item.nodeid} needs exactly one kind, has {sorted(kinds)}")


@pytest.fixture(autouse=True)
def _no_sockets(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    if not PURE & {mark.name for mark in request.node.iter_markers()}:
        return

    def refuse(*_: object) -> None:
        raise AssertionError("a pure test opened a network connection")

    monkeypatch.setattr(socket.socket, "connect", refuse)
