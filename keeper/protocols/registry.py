"""Every protocol the keeper knows, by the name used in the configuration."""

from collections.abc import Mapping
from types import MappingProxyType

from keeper.protocols.aave_v2.adapter import AaveV2
from keeper.protocols.aave_v3.adapter import AaveV3
from keeper.protocols.base import Adapter
from keeper.protocols.venus.adapter import compound_v2, venus

_ADAPTERS: tuple[Adapter, ...] = (AaveV3(), AaveV2(), venus(), compound_v2())

ADAPTERS: Mapping[str, Adapter] = MappingProxyType({adapter.protocol: adapter for adapter in _ADAPTERS})
