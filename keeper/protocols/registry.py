"""Every protocol the keeper knows, by the name used in the configuration."""

from collections.abc import Mapping, Sequence
from types import MappingProxyType

from keeper.protocols.aave_v2.adapter import AaveV2
from keeper.protocols.aave_v3.adapter import AaveV3
from keeper.protocols.aave_v4.adapter import AaveV4
from keeper.protocols.adapter import Adapter
from keeper.protocols.comet.adapter import Comet
from keeper.protocols.euler_v2.adapter import EulerV2
from keeper.protocols.morpho_blue.adapter import MorphoBlue
from keeper.protocols.venus.adapter import compound_v2, venus

_ADAPTERS: Sequence[Adapter] = (
    AaveV3(),
    AaveV2(),
    AaveV4(),
    MorphoBlue(),
    Comet(),
    EulerV2(),
    venus(),
    compound_v2(),
)

ADAPTERS: Mapping[str, Adapter] = MappingProxyType({adapter.protocol: adapter for adapter in _ADAPTERS})
