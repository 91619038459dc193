"""Events of a market (vToken, cToken): balances, loans, cash, interest, reserves."""

from keeper.protocols.base import Book, Side
from keeper.protocols.decode import topic_address, word, word_address
from keeper.protocols.trust import gap
from keeper.protocols.venus.event import Event
from keeper.protocols.venus.records import (
    SCALE,
    Facts,
    Loan,
    Reduction,
    Role,
    State,
    facts_of,
    set_loan,
    state_of,
    vtokens,
    watch,
)
from keeper.types import WAD, ZERO_ADDRESS, Address


def transfer(book: Book, event: Event) -> None:
    """Balances of vTokens change hands; out of the market itself they are minted."""
    log, number = event.log, event.number
    sender, receiver, tokens = topic_address(log, 1), topic_address(log, 2), word(log, 0)
    if sender != log.address:
        _add(book, sender, number, -tokens)
    if receiver == log.address:
        book.put(("received", number), tokens)
    _add(book, receiver, number, tokens)


def _add(book: Book, account: Address, number: int, tokens: int) -> None:
    if tokens:
        held = book.quantity(account, number, Side.COLLATERAL) + tokens
        if held < 0:
            gap(book, f"{account} gave up more of market {number} than the logs since start_block gave it")
        book.set_quantity(account, number, Side.COLLATERAL, max(held, 0))


def minted(book: Book, event: Event) -> None:
    """Mint in either version: (minter, amount, vTokens[, the minter's new balance])."""
    _supplied(book, event, 1)


def minted_behalf(book: Book, event: Event) -> None:
    """MintBehalf in either version: (payer, receiver, amount, vTokens[, the receiver's new balance])."""
    _supplied(book, event, 2)


def _supplied(book: Book, event: Event, place: int) -> None:
    state = state_of(book, event.number)
    amount, tokens = word(event.log, place), word(event.log, place + 1)
    _put(book, event, state._replace(cash=state.cash + amount, supply=state.supply + tokens))


def redeemed(book: Book, event: Event) -> None:
    """Redeem in either version; the vTokens were sent to the market just before."""
    state = state_of(book, event.number)
    amount, tokens = word(event.log, 1), word(event.log, 2)
    _add(book, event.log.address, event.number, -tokens)
    _put(book, event, state._replace(cash=state.cash - amount, supply=state.supply - tokens))


def redeem_fee(book: Book, event: Event) -> None:
    """Part of a redemption that went to the treasury."""
    _add_cash(book, event, -word(event.log, 1))


def borrowed(book: Book, event: Event) -> None:
    """Borrow carries what the account owes now; no cash leaves when a flash loan's rest becomes debt."""
    log, state = event.log, state_of(book, event.number)
    became_debt = book.get(("flash_repaid", event.number)) == log.tx_hash
    cash = state.cash - (0 if became_debt else word(log, 1))
    _owe(book, event, word_address(log, 0), word(log, 2))
    _put(book, event, state._replace(cash=cash, borrows=word(log, 3)))


def repaid(book: Book, event: Event) -> None:
    """RepayBorrow carries what the account still owes."""
    log, state = event.log, state_of(book, event.number)
    _owe(book, event, word_address(log, 1), word(log, 3))
    _put(book, event, state._replace(cash=state.cash + word(log, 2), borrows=word(log, 4)))


def _owe(book: Book, event: Event, account: Address, principal: int) -> None:
    index = state_of(book, event.number).borrow_index
    owe(book, account, event.number, Loan(principal, index))


def owe(book: Book, account: Address, number: int, loan: Loan) -> None:
    """Enter a loan, exactly and as the leg that screens see."""
    set_loan(book, account, number, loan)
    book.set_quantity(account, number, Side.DEBT, -(-loan.principal * SCALE // loan.interest_index))


def accrued(book: Book, event: Event) -> None:
    """AccrueInterest. Reserves paid out meanwhile were announced first, with the interest in them."""
    log, number = event.log, event.number
    state = state_of(book, number)
    cash, interest = word(log, 0), word(log, 1)
    reserves = state.reserves + state.reserve_factor * interest // WAD
    reduction: Reduction | None = book.get(("reduced", number))
    if reduction is not None:
        book.put(("reduced", number), None)
        if reduction.block == log.block:
            cash, reserves = cash - reduction.amount, reduction.reserves
            book.put(("payout_block", number), log.block)
    _put(book, event, _grown(state, event, 2)._replace(cash=cash, reserves=reserves))


def accrued_without_cash(book: Book, event: Event) -> None:
    """AccrueInterest of the first cTokens: (interest, borrow index, total borrows)."""
    state = state_of(book, event.number)
    reserves = state.reserves + state.reserve_factor * word(event.log, 0) // WAD
    _put(book, event, _grown(state, event, 1)._replace(reserves=reserves))


def _grown(state: State, event: Event, place: int) -> State:
    log = event.log
    return state._replace(
        borrow_index=word(log, place), borrows=word(log, place + 1), block=log.block, time=event.timestamp
    )


def reserves_added(book: Book, event: Event) -> None:
    """ReservesAdded. By the market itself: its share of a seizure, whose vTokens it was just sent."""
    log, number = event.log, event.number
    state = state_of(book, number)._replace(reserves=word(log, 2))
    if word_address(log, 0) == log.address:
        tokens: int = book.get(("received", number), 0)
        _add(book, log.address, number, -tokens)
        _put(book, event, state._replace(supply=state.supply - tokens))
    else:
        _put(book, event, state._replace(cash=state.cash + word(log, 1)))


def reserves_reduced(book: Book, event: Event) -> None:
    """ReservesReduced: by itself, or inside an accrual whose own event comes next."""
    log, number = event.log, event.number
    state = state_of(book, number)
    amount, reserves = word(log, 1), word(log, 2)
    if _is_fresh(state, facts_of(book, number), event):
        _put(book, event, state._replace(cash=state.cash - amount, reserves=reserves))
    else:
        book.put(("reduced", number), Reduction(log.block, amount, reserves))


def _is_fresh(state: State, facts: Facts | None, event: Event) -> bool:
    if facts is not None and facts.timed:
        return state.time == event.timestamp
    return state.block == event.log.block


def payout_delta(book: Book, event: Event) -> None:
    """How many blocks apart accruals pay the reserves out."""
    book.put(("payout_delta", event.number), word(event.log, 1))


def reserve_factor(book: Book, event: Event) -> None:
    """The reserves' share of interest changed."""
    state = state_of(book, event.number)
    _put(book, event, state._replace(reserve_factor=word(event.log, 1)))


def model_changed(book: Book, event: Event) -> None:
    """Another interest rate model; the first one marks the market's first accrual."""
    log, number = event.log, event.number
    if word_address(log, 0) == ZERO_ADDRESS:
        state = state_of(book, number)
        _put(book, event, state._replace(block=log.block, time=event.timestamp))
    model = word_address(log, 1)
    book.put(("model", number), model)
    watch(book, model, Role.MODEL)


def cash_synced(book: Book, event: Event) -> None:
    """The market counted its tokens again."""
    state = state_of(book, event.number)
    _put(book, event, state._replace(cash=word(event.log, 1)))


def flash_lent(book: Book, event: Event) -> None:
    """A flash loan left; the exchange rate goes on counting it as cash."""
    book.put(("flash_lent", event.number), word(event.log, 2))


def flash_returned(book: Book, event: Event) -> None:
    """A flash loan came back, in part perhaps: what is missing becomes debt next, with no cash leaving."""
    lent: int = book.get(("flash_lent", event.number), 0)
    returned, protocol_fee = word(event.log, 0), word(event.log, 2)
    book.put(("flash_repaid", event.number), event.log.tx_hash)
    _add_cash(book, event, returned - protocol_fee - lent)


def upgraded(book: Book, event: Event) -> None:
    """Another implementation: what it said for good is read again."""
    book.put(("facts", event.number), None)


def _add_cash(book: Book, event: Event, amount: int) -> None:
    state = state_of(book, event.number)
    _put(book, event, state._replace(cash=state.cash + amount))


def _put(book: Book, event: Event, state: State) -> None:
    book.put(("state", event.number), state)


def numbers_by_underlying(book: Book, underlying: Address) -> list[int]:
    """Markets of an underlying token, as far as known."""
    known = ((number, facts_of(book, number)) for number in range(len(vtokens(book))))
    return [number for number, facts in known if facts and facts.underlying == underlying]
