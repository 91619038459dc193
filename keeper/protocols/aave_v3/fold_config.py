"""PoolConfigurator events: reserves listed and dropped, configuration bits, eModes, grace periods."""

from typing import Any

from keeper.protocols.aave_v3 import configuration as bits
from keeper.protocols.aave_v3.configuration import Field
from keeper.protocols.aave_v3.event import Event
from keeper.protocols.aave_v3.fold_oracle import link
from keeper.protocols.aave_v3.records import (
    NOWHERE,
    Accrual,
    EModeCategory,
    Reserve,
    Role,
    Token,
    reserve_id,
    slots,
    watch,
)
from keeper.protocols.aave_v3.releases import rules_of
from keeper.protocols.base import Book
from keeper.protocols.decode import topic, topic_address, topic_int, word, word_address
from keeper.protocols.trust import doubt
from keeper.types import ZERO_ADDRESS

FIELDS: dict[str, tuple[tuple[Field, int], ...]] = {
    "CollateralConfigurationChanged(address,uint256,uint256,uint256)": (
        (bits.LTV, 0),
        (bits.THRESHOLD, 1),
        (bits.BONUS, 2),
    ),
    "ReserveBorrowing(address,bool)": ((bits.BORROWING, 0),),
    "ReserveFlashLoaning(address,bool)": ((bits.FLASH_LOANS, 0),),
    "ReserveActive(address,bool)": ((bits.ACTIVE, 0),),
    "ReserveFrozen(address,bool)": ((bits.FROZEN, 0),),
    "ReservePaused(address,bool)": ((bits.PAUSED, 0),),
    "ReserveFactorChanged(address,uint256,uint256)": ((bits.RESERVE_FACTOR, 1),),
    "BorrowCapChanged(address,uint256,uint256)": ((bits.BORROW_CAP, 1),),
    "SupplyCapChanged(address,uint256,uint256)": ((bits.SUPPLY_CAP, 1),),
    "LiquidationProtocolFeeChanged(address,uint256,uint256)": ((bits.PROTOCOL_FEE, 1),),
    "DebtCeilingChanged(address,uint256,uint256)": ((bits.DEBT_CEILING, 1),),
    "SiloedBorrowingChanged(address,bool,bool)": ((bits.SILOED, 1),),
    "BorrowableInIsolationChanged(address,bool)": ((bits.BORROWABLE_IN_ISOLATION, 1),),
    "ReserveStableRateBorrowing(address,bool)": ((bits.STABLE_BORROWING, 0),),
    "UnbackedMintCapChanged(address,uint256,uint256)": ((bits.UNBACKED_MINT_CAP, 1),),
    "EModeAssetCategoryChanged(address,uint8,uint8)": ((bits.EMODE, 1),),
}
"""Events that set configuration bits: which field takes which word of the data."""

BITMAPS = {
    "AssetCollateralInEModeChanged(address,uint8,bool)": "collateral",
    "AssetBorrowableInEModeChanged(address,uint8,bool)": "borrowable",
    "AssetLtvzeroInEModeChanged(address,uint8,bool)": "ltvzero",
}
"""Events that set a reserve's bit in a bitmap of an eMode category."""

_FIELDS_BY_TOPIC = {topic(signature): fields for signature, fields in FIELDS.items()}
_BITMAP_BY_TOPIC = {topic(signature): name for signature, name in BITMAPS.items()}


def reserve_initialized(book: Book, event: Event) -> None:
    """A reserve was listed: in the first free slot, else in a new one (PoolLogic.executeInitReserve)."""
    log = event.log
    asset, a_token = topic_address(log, 1), topic_address(log, 2)
    stable_token, v_token = word_address(log, 0), word_address(log, 1)
    token: Token | None = book.get(("token", a_token))
    if token is None:
        doubt(book, f"aToken {a_token} was listed but never initialised in the logs since start_block")
        return
    rules = rules_of(book)
    before = slots(book)
    number = before.index(NOWHERE) if NOWHERE in before else len(before)
    book.put(("reserves",), (*before[:number], asset, *before[number + 1 :]))
    book.put(("id", asset), number)
    book.put(("reserve", number), Reserve(number, asset, a_token, v_token, token.decimals))
    book.put(
        ("configuration", number), bits.initial(token.decimals, virtual_accounting=rules.virtual_balance)
    )
    book.put(("accrual", number), Accrual())
    for kind in ("scaled_debt", "deficit", "grace"):
        book.put((kind, number), 0)
    book.put(("liquidity", number), None)
    watch(book, a_token, rules.a_token, number)
    watch(book, v_token, rules.v_token, number)
    if stable_token != ZERO_ADDRESS:
        watch(book, stable_token, Role.STABLE_TOKEN, number)
    link(book, number)


def reserve_dropped(book: Book, event: Event) -> None:
    """A reserve was delisted; the pool allows it only when nobody holds or owes any."""
    asset = topic_address(event.log, 1)
    number = reserve_id(book, asset)
    if number is not None:
        before = slots(book)
        book.put(("reserves",), (*before[:number], NOWHERE, *before[number + 1 :]))
        book.put(("id", asset), None)
        # What was read of it must not pass for what another one listed under this number is like.
        for kind in ("price", "priced_by", "liquidity"):
            book.put((kind, number), None)


def configured(book: Book, event: Event) -> None:
    """Any event in FIELDS."""
    log = event.log
    # BorrowableInIsolationChanged alone does not index its asset.
    asset = topic_address(log, 1) if len(log.topics) > 1 else word_address(log, 0)
    number = reserve_id(book, asset)
    if number is None:
        return
    bitmap: int = book.get(("configuration", number))
    for field, position in _FIELDS_BY_TOPIC[log.topics[0]]:
        bitmap = field.write(bitmap, word(log, position))
    book.put(("configuration", number), bitmap)


def emode_added(book: Book, event: Event) -> None:
    """An eMode category was created or its percentages changed."""
    log = event.log
    number = topic_int(log, 1)
    old = _category(book, number)
    source = word_address(log, 3)
    ltv, threshold, bonus = word(log, 0), word(log, 1), word(log, 2)
    if source != old.price_source:
        book.put(("emode_price", number), None)
    book.put(("emode", number), old._replace(ltv=ltv, threshold=threshold, bonus=bonus, price_source=source))


def emode_isolated(book: Book, event: Event) -> None:
    """A category admits only its members as collateral for new debt, or no longer does."""
    number = topic_int(event.log, 1)
    book.put(("emode", number), _category(book, number)._replace(isolated=word(event.log, 0)))


def emode_member(book: Book, event: Event) -> None:
    """Any event in BITMAPS."""
    log = event.log
    reserve = reserve_id(book, topic_address(log, 1))
    if reserve is None:
        return
    number = word(log, 0)
    old = _category(book, number)
    name = _BITMAP_BY_TOPIC[log.topics[0]]
    bitmap: int = getattr(old, name)
    bitmap = bitmap | 1 << reserve if word(log, 1) else bitmap & ~(1 << reserve)
    changed: dict[str, Any] = {name: bitmap}
    book.put(("emode", number), old._replace(**changed))


def _category(book: Book, number: int) -> EModeCategory:
    known: tuple[int, ...] = book.get(("emodes",), ())
    if number not in known:
        book.put(("emodes",), (*known, number))
        return EModeCategory()
    category: EModeCategory = book.get(("emode", number))
    return category


def grace_changed(book: Book, event: Event) -> None:
    """Liquidations of the reserve stay barred until a time after the end of a pause."""
    _set_grace(book, event, word(event.log, 0))


def grace_disabled(book: Book, event: Event) -> None:
    """The grace period ended early."""
    _set_grace(book, event, 0)


def _set_grace(book: Book, event: Event, until: int) -> None:
    reserve = reserve_id(book, topic_address(event.log, 1))
    if reserve is not None:
        book.put(("grace", reserve), until)


def premium_updated(book: Book, event: Event) -> None:
    """The flash loan premium changed."""
    book.put(("premium",), word(event.log, 1))
