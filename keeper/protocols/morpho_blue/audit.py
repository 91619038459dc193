"""The book against Morpho's own storage: what to ask, how to compare, how to mend.

Health has no view; it follows from the position, the market, the rate and the price, each of which is
compared. A position the book never heard of shows in the totals, which must equal the sums over all.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

from keeper.protocols.base import Book, Difference, Reads, Side
from keeper.protocols.decode import address, uint
from keeper.protocols.morpho_blue import calls
from keeper.protocols.morpho_blue.fold_setup import authorize
from keeper.protocols.morpho_blue.frame import rate
from keeper.protocols.morpho_blue.position import Position
from keeper.protocols.morpho_blue.records import (
    Terms,
    Totals,
    markets,
    morpho,
    number_of,
    replace,
    split,
    supply_shares,
    totals,
)
from keeper.types import ZERO_ADDRESS, Address

_POSITION = ("supply_shares", "borrow_shares", "collateral")


def audit_accounts(book: Book, accounts: Sequence[Address]) -> Reads[list[Difference]]:
    """Differences of `accounts`, and of what they let pre-liquidation contracts do."""
    if not accounts:
        return []
    operators = [(account, contract) for account in accounts for contract in _contracts(book, account)]
    answers = yield [
        *(calls.position(book, account) for account in accounts),
        *(calls.is_authorized(book, split(account)[0], contract) for account, contract in operators),
    ]
    found = [
        difference
        for account, answer in zip(accounts, answers, strict=False)
        for difference in _compared(account, _held(book, account), _read(answer, _POSITION))
    ]
    for (account, contract), answer in zip(operators, answers[len(accounts) :], strict=True):
        ours = int(contract in book.get(("authorized", split(account)[0]), ()))
        found += _compared(
            account, {f"authorized[{contract}]": ours}, {f"authorized[{contract}]": uint(answer)}
        )
    return found


def audit_markets(book: Book, timestamp: int) -> Reads[list[Difference]]:
    """Differences of every market that was ever used; `timestamp` is the block's that is read."""
    used = [(number, terms) for number, terms in markets(book) if totals(book, number).supply_shares]
    if not used:
        return []
    recipient, *stored = yield [
        calls.fee_recipient(book),
        *(calls.market(book, terms) for _, terms in used),
    ]
    sums = _sums(book)
    contract = morpho(book)
    ours = {"fee_recipient": int(book.get(("recipient",), ZERO_ADDRESS), 16)}
    found = list(_compared(contract, ours, {"fee_recipient": uint(recipient)}))
    for (number, terms), answer in zip(used, stored, strict=True):
        ours, theirs = totals(book, number)._asdict(), _read(answer, Totals._fields)
        ours["sum_of_borrow_shares"] = sums[number, "borrow_shares"]
        theirs["sum_of_borrow_shares"] = theirs["borrow_shares"]
        # Who supplies how much moves no liquidation, so that this puts nobody in quarantine.
        supply = f"sum_of_supply_shares[{terms.id}]"
        found += _compared(
            contract, {supply: sums[number, "supply_shares"]}, {supply: theirs["supply_shares"]}
        )
        if terms.irm == ZERO_ADDRESS:
            del theirs["updated"]  # moved by accruals that nothing logs, and without effect
        found += _compared(Address(terms.id), ours, theirs)
    found += yield from _audit_curves(book, used, timestamp)
    return found


def _audit_curves(book: Book, used: Sequence[tuple[int, Terms]], timestamp: int) -> Reads[list[Difference]]:
    """Models whose rates are derived from logs."""
    curves = [(number, terms) for number, terms in used if book.get(("curve", terms.irm))]
    if not curves:
        return []
    answers = yield [
        each
        for number, terms in curves
        for each in (calls.rate_at_target(terms), calls.borrow_rate(terms, totals(book, number)))
    ]
    found: list[Difference] = []
    for (number, terms), at_target, average in zip(curves, answers[::2], answers[1::2], strict=True):
        ours = {
            "rate_at_target": book.get(("rate_at_target", number), 0),
            "borrow_rate": rate(book, number, timestamp),
        }
        theirs = {"rate_at_target": uint(at_target), "borrow_rate": uint(average)}
        found += _compared(Address(terms.id), ours, theirs)
    return found


def heal(book: Book, subject: Address) -> Reads[None]:
    """Take over what Morpho stores of an account, of a market (by its id), or of all (by its address)."""
    number = number_of(book, subject)
    if subject == morpho(book):
        (recipient,) = yield [calls.fee_recipient(book)]
        replace(book, ("recipient",), address(recipient) or ZERO_ADDRESS)
    elif number is None:
        yield from _heal_account(book, subject)
    else:
        yield from _heal_market(book, number)


def _heal_account(book: Book, account: Address) -> Reads[None]:
    owner, market_id = split(account)
    number = number_of(book, market_id)
    if number is None:
        return
    contracts = _contracts(book, account)
    answer, *allowed = yield [
        calls.position(book, account),
        *(calls.is_authorized(book, owner, contract) for contract in contracts),
    ]
    read = _read(answer, _POSITION)
    supply, shares, collateral = (read[name] for name in _POSITION)
    if supply is None or shares is None or collateral is None:
        return
    terms: Terms = book.get(("market", number))
    before = Position.of(book, account)
    replace(book, ("supply", account), supply)
    if shares != before.borrow_shares:
        book.set_quantity(account, terms.loan_number, Side.DEBT, shares)
    if collateral != before.collateral:
        book.set_quantity(account, terms.collateral_number, Side.COLLATERAL, collateral)
        book.set_enabled(account, terms.collateral_number, True)
        gained = collateral - before.collateral
        book.put(("collateral", number), book.get(("collateral", number), 0) + gained)
    for contract, answer in zip(contracts, allowed, strict=True):
        authorize(book, owner, contract, allowed=bool(uint(answer)))


def _heal_market(book: Book, number: int) -> Reads[None]:
    """Where a model does not answer as derived, it is only read from now on."""
    terms: Terms = book.get(("market", number))
    curved = bool(book.get(("curve", terms.irm)))
    answers = yield [calls.market(book, terms), *([calls.rate_at_target(terms)] if curved else [])]
    read = _read(answers[0], Totals._fields)
    values = {name: value for name, value in read.items() if value is not None}
    if len(values) < len(read):
        return
    if Totals(**values) != totals(book, number):
        replace(book, ("totals", number), Totals(**values))
    elif curved and uint(answers[1]) == book.get(("rate_at_target", number)):
        book.put(("curve", terms.irm), 0)
    if curved:
        replace(book, ("rate_at_target", number), uint(answers[1]))


def _contracts(book: Book, account: Address) -> tuple[Address, ...]:
    number = number_of(book, split(account)[1])
    found: tuple[Address, ...] = book.get(("pres", number), ()) if number is not None else ()
    return found


def _held(book: Book, account: Address) -> Mapping[str, int]:
    position = Position.of(book, account)
    values = supply_shares(book, account), position.borrow_shares, position.collateral
    return dict(zip(_POSITION, values, strict=True))


def _read(answer: bytes | None, names: Sequence[str]) -> dict[str, int | None]:
    return {name: uint(answer, place) for place, name in enumerate(names)}


def _compared(
    subject: Address, ours: Mapping[str, int], theirs: Mapping[str, int | None]
) -> Iterator[Difference]:
    for name, value in theirs.items():
        if value is not None and ours[name] != value:
            yield Difference(subject, name, ours[name], value)


def _sums(book: Book) -> Counter[tuple[int, str]]:
    """Shares of all accounts by market."""
    sums: Counter[tuple[int, str]] = Counter()
    for key, shares in book.items("supply"):
        number = number_of(book, split(Address(str(key[1])))[1])
        if number is not None:
            sums[number, "supply_shares"] += shares
    for account in book.accounts():
        number = number_of(book, split(account)[1])
        if number is not None:
            sums[number, "borrow_shares"] += Position.of(book, account).borrow_shares
    return sums
