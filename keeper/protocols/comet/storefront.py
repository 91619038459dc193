"""buyCollateral: what the comet sells out of its reserves, and for how much (Comet.sol:1247-1286)."""

from keeper.protocols.base import Refusal
from keeper.protocols.comet.frame import Asset, CometFrame
from keeper.protocols.comet.math import discounted
from keeper.protocols.comet.records import BUY_PAUSED
from keeper.types import USD

Span = tuple[int, int]


def asking_price(asset: Asset, frame: CometFrame) -> int:
    """The collateral's price less the storefront discount, 8 decimals."""
    return discounted(asset.price, asset.terms.liquidation_factor, frame.terms.storefront)


def quote(asset: Asset, base: int, frame: CometFrame) -> int:
    """quoteCollateral: collateral for `base`, token units."""
    return frame.price * base * asset.terms.scale // asking_price(asset, frame) // frame.terms.scale


def cheapest(asset: Asset, amount: int, frame: CometFrame) -> int:
    """The least base tokens that buy at least `amount`."""
    cost, unit = _cost(asset, amount, frame)
    return -(-cost // unit)


def dearest(asset: Asset, amount: int, frame: CometFrame) -> int:
    """The most base tokens that buy no more than `amount`."""
    cost, unit = _cost(asset, amount + 1, frame)
    return -(-cost // unit) - 1


def _cost(asset: Asset, amount: int, frame: CometFrame) -> tuple[int, int]:
    """Base tokens for `amount`, as a fraction: quote(b) >= a exactly when b >= cost(a), floors included."""
    return amount * frame.terms.scale * asking_price(asset, frame), frame.price * asset.terms.scale


def span(asset: Asset, amount: int, frame: CometFrame) -> tuple[Span, ...]:
    """Base amounts that buy something, but not more than `amount`, and pay for no more than they get."""
    if not (amount and frame.price and asking_price(asset, frame)):
        return ()
    low = cheapest(asset, 1, frame)
    high = min(cheapest(asset, amount, frame), dearest(asset, amount, frame))
    return ((low, high),) if low <= high else ()


def closed(frame: CometFrame) -> Refusal | None:
    """Why nothing at all is for sale, None while the storefront is open."""
    if frame.paused & BUY_PAUSED:
        return Refusal("Paused", "buying collateral is paused")
    if frame.reserves >= frame.terms.target:
        return Refusal("NotForSale", "the reserves have reached their target")
    return None


def buy(asset: Asset, base: int, frame: CometFrame) -> int | Refusal:
    """Collateral that `base` buys, or why the contract refuses."""
    refusal = closed(frame)
    if refusal:
        return refusal
    if not (asset.price and frame.price and asking_price(asset, frame)):
        return Refusal("BadPrice", "a price feed has no answer")
    amount = quote(asset, base, frame)
    if amount > asset.stock:
        return Refusal("InsufficientReserves", f"{amount} exceed the {asset.stock} in reserves")
    return amount


def goods(frame: CometFrame) -> list[Asset]:
    """What the storefront sells now out of reserves at a discount that is worth looking at."""
    if closed(frame):
        return []
    return [asset for asset in frame.assets if span(asset, asset.stock, frame) and _edge(asset, frame) >= USD]


def _edge(asset: Asset, frame: CometFrame) -> int:
    """The discount on the whole stock, 8 decimals. Dust stays in reserves for ever; nobody asks about it."""
    return asset.value(asset.stock) - asset.stock * asking_price(asset, frame) // asset.terms.scale
