"""Every protocol the keeper knows, by the name used in the configuration."""

from collections.abc import Mapping
from types import MappingProxyType

from keeper.protocols.aave_v3.adapter import AaveV3
from keeper.protocols.base import Adapter

ADAPTERS: Mapping[str, Adapter] = MappingProxyType({adapter.protocol: adapter for adapter in (AaveV3(),)})
