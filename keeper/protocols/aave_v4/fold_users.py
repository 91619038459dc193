"""Spoke events about accounts: shares, premium, collateral flags, pinned risk parameters."""

from collections.abc import Iterable

from keeper.protocols.aave_v4.event import Event
from keeper.protocols.aave_v4.records import Reserve, asset_of, reserves, terms_of
from keeper.protocols.base import Book, LiquidationEvent, Side
from keeper.protocols.decode import topic, topic_address, topic_int, word, word_address
from keeper.protocols.oracles.words import data as signed_word
from keeper.protocols.trust import gap
from keeper.types import Address, Log

LIQUIDATION_CALL = topic(
    "LiquidationCall(uint256,uint256,address,address,bool,uint256,uint256,(int256,int256,uint256),"
    "uint256,uint256,uint256)"
)
_REMOVE = topic("Remove(uint256,address,uint256,uint256)")


def supplied(book: Book, event: Event) -> None:
    """Supply."""
    log = event.log
    _add(book, topic_address(log, 3), topic_int(log, 1), Side.COLLATERAL, word(log, 0))


def withdrawn(book: Book, event: Event) -> None:
    """Withdraw."""
    log = event.log
    _add(book, topic_address(log, 3), topic_int(log, 1), Side.COLLATERAL, -word(log, 0))


def borrowed(book: Book, event: Event) -> None:
    """Borrow; the premium on it comes with RefreshPremiumDebt."""
    log = event.log
    _add(book, topic_address(log, 3), topic_int(log, 1), Side.DEBT, word(log, 0))


def repaid(book: Book, event: Event) -> None:
    """Repay."""
    log = event.log
    account, reserve = topic_address(log, 3), topic_int(log, 1)
    _add(book, account, reserve, Side.DEBT, -word(log, 0))
    _premium(book, account, reserve, log, 2)


def liquidated(book: Book, event: Event) -> None:
    """LiquidationCall. Shares given to the liquidator are credited to it by no other event."""
    log = event.log
    collateral, debt, account = topic_int(log, 1), topic_int(log, 2), topic_address(log, 3)
    receives_shares, taken, given = word(log, 1), word(log, 8), word(log, 9)
    _add(book, account, collateral, Side.COLLATERAL, -taken)
    _add(book, account, debt, Side.DEBT, -word(log, 3))
    _premium(book, account, debt, log, 4)
    if not given:
        return
    if receives_shares:
        _add(book, word_address(log, 0), collateral, Side.COLLATERAL, given)
    else:
        _keep_surplus(book, collateral, given)


def _keep_surplus(book: Book, reserve: int, given: int) -> None:
    """The hub turns the amount paid out into shares again, rounded to its own cost, not the account's."""
    listed: Reserve = book.get(("reserve", reserve))
    burnt = book.get(("removed", listed.hub, listed.asset_id))
    surplus = book.get(("surplus", reserve), 0)
    if surplus is not None and burnt is not None and burnt != given:
        book.put(("surplus", reserve), surplus + given - burnt)


def deficit_reported(book: Book, event: Event) -> None:
    """ReportDeficit: the account owes no more in this reserve."""
    log = event.log
    account, reserve = topic_address(log, 2), topic_int(log, 1)
    _add(book, account, reserve, Side.DEBT, -word(log, 0))
    _premium(book, account, reserve, log, 1)


def premium_refreshed(book: Book, event: Event) -> None:
    """RefreshPremiumDebt."""
    log = event.log
    _premium(book, topic_address(log, 2), topic_int(log, 1), log, 0)


def risk_premium_updated(book: Book, event: Event) -> None:
    """UpdateUserRiskPremium."""
    book.put(("risk_premium", topic_address(event.log, 1)), word(event.log, 0))


def collateral_set(book: Book, event: Event) -> None:
    """SetUsingAsCollateral.

    Disabling refreshes the keys of what is still enabled, and says so before it says what was disabled:
    that reserve's key is taken back.
    """
    log = event.log
    account, reserve, enabled = topic_address(log, 3), topic_int(log, 1), bool(word(log, 0))
    book.set_enabled(account, reserve, enabled)
    if not enabled:
        for bumped, before in book.get(("bumped", account), ()):
            if bumped == reserve:
                _pin(book, account, reserve, before)


def all_keys_refreshed(book: Book, event: Event) -> None:
    """RefreshAllUserDynamicConfig: the latest key for all reserves used as collateral."""
    account = topic_address(event.log, 1)
    bumped = []
    for reserve in reserves(book):
        if book.enabled(account, reserve.id):
            before = terms_of(book, account, reserve.id).key
            if before != reserve.key:
                bumped.append((reserve.id, before))
                _pin(book, account, reserve.id, reserve.key)
    if bumped or book.get(("bumped", account)):
        book.put(("bumped", account), tuple(bumped))


def one_key_refreshed(book: Book, event: Event) -> None:
    """RefreshSingleUserDynamicConfig: the latest key for a reserve that becomes collateral."""
    account, number = topic_address(event.log, 1), word(event.log, 0)
    reserve: Reserve = book.get(("reserve", number))
    _pin(book, account, number, reserve.key)


def _add(book: Book, account: Address, reserve: int, side: Side, shares: int) -> None:
    if not shares:
        return
    left = book.quantity(account, reserve, side) + shares
    if left < 0:
        gap(book, f"{account} gave up more of reserve {reserve} than the logs since start_block gave it")
    book.set_quantity(account, reserve, side, max(left, 0))


def _premium(book: Book, account: Address, reserve: int, log: Log, position: int) -> None:
    """Apply the PremiumDelta that starts at word `position`."""
    shares, offset = signed_word(log, position), signed_word(log, position + 1)
    if shares or offset:
        old = terms_of(book, account, reserve)
        new = old._replace(
            premium_shares=old.premium_shares + shares, premium_offset=old.premium_offset + offset
        )
        book.put(("terms", account, reserve), new)


def _pin(book: Book, account: Address, reserve: int, key: int) -> None:
    old = terms_of(book, account, reserve)
    if old.key != key:
        book.put(("terms", account, reserve), old._replace(key=key))


def liquidation_events(book: Book, spoke: Address, logs: Iterable[Log]) -> list[LiquidationEvent]:
    """The LiquidationCalls of `spoke` among `logs`; what was paid out is in the hub's Remove before it."""
    found = []
    paid: dict[tuple[str, Address, int], int] = {}
    for log in logs:
        if log.topics and log.topics[0] == _REMOVE and topic_address(log, 2) == spoke:
            paid[log.tx_hash, log.address, topic_int(log, 1)] = word(log, 1)
        if log.address == spoke and log.topics and log.topics[0] == LIQUIDATION_CALL:
            found.append(_liquidation(book, log, paid))
    return found


def _liquidation(book: Book, log: Log, paid: dict[tuple[str, Address, int], int]) -> LiquidationEvent:
    collateral: Reserve = book.get(("reserve", topic_int(log, 1)))
    debt: Reserve = book.get(("reserve", topic_int(log, 2)))
    # Shares instead of tokens, or none at all: their part of what the account lost.
    seized = word(log, 7) * word(log, 9) // word(log, 8) if word(log, 8) else 0
    if not word(log, 1) and word(log, 9):
        seized = paid.get((log.tx_hash, collateral.hub, collateral.asset_id), seized)
    return LiquidationEvent(
        account=topic_address(log, 3),
        debt=_underlying(book, debt),
        collateral=_underlying(book, collateral),
        repaid=word(log, 2),
        seized=seized,
        liquidator=word_address(log, 0),
    )


def _underlying(book: Book, reserve: Reserve) -> Address:
    asset = asset_of(book, reserve)
    return asset.underlying if asset else Address("")
