"""The book against the contracts' own views: what to ask, and how to compare.

Compares what they store (controllers, collaterals, shares, exact debts, a vault's totals) and what they
conclude (accountLiquidity). A holder the book never heard of shows in a vault's totalSupply.
"""

from collections.abc import Iterator, Sequence
from itertools import islice

from keeper.errors import Degraded
from keeper.protocols.base import Book, Difference, Reads, Side
from keeper.protocols.decode import address as decode_address
from keeper.protocols.decode import addresses, call, uint
from keeper.protocols.euler_v2.frame import EulerFrame
from keeper.protocols.euler_v2.health import exact_debt, liquidity
from keeper.protocols.euler_v2.position import Position
from keeper.protocols.euler_v2.records import (
    Ltv,
    controllers,
    deployment,
    ltvs,
    number_of,
    terms,
    vault,
    vaults,
)
from keeper.types import Address, Call

_STATUS = (
    "totalSupply()",
    "totalBorrowsExact()",
    "accumulatedFees()",
    "cash()",
    "interestAccumulator()",
    "interestRate()",
)
_TERMS = (
    "interestFee()",
    "maxLiquidationDiscount()",
    "liquidationCoolOffTime()",
    "configFlags()",
    "hookConfig()",
)


def audit_accounts(book: Book, accounts: Sequence[Address], frame: EulerFrame) -> Reads[list[Difference]]:
    """Differences of `accounts` at the block read; `frame` is at that block's timestamp."""
    calls = [_account_calls(book, account) for account in accounts]
    answers = iter((yield [asked for each in calls for asked in each]))
    found: list[Difference] = []
    for account, asked in zip(accounts, calls, strict=True):
        found += _account_differences(book, account, frame, list(islice(answers, len(asked))))
    return found


def _account_calls(book: Book, account: Address) -> list[Call]:
    connector = deployment(book).connector
    calls = [
        call(connector, "getControllers(address)", account),
        call(connector, "getCollaterals(address)", account),
        call(connector, "getLastAccountStatusCheckTimestamp(address)", account),
    ]
    for number, side, _, _ in book.legs(account):
        name = "debtOfExact(address)" if side is Side.DEBT else "balanceOf(address)"
        calls.append(call(vaults(book)[number], name, account))
    group = book.group(account)
    if group:
        calls.append(_liquidity_call(book, group - 1, account))
    return calls


def _liquidity_call(book: Book, controller: int, account: Address) -> Call:
    return call(vaults(book)[controller], "accountLiquidity(address,bool)", account, 1)


def _account_differences(
    book: Book, account: Address, frame: EulerFrame, answers: Sequence[bytes | None]
) -> Iterator[Difference]:
    position = Position.of(book, account)
    yield from _set_differences(book, position, answers)
    checked = uint(answers[2])
    if checked is not None and checked != position.checked:
        yield Difference(account, "last_status_check", position.checked, checked)
    for (number, side, quantity, _), answer in zip(book.legs(account), answers[3:], strict=False):
        ours, theirs = quantity, uint(answer)
        if side is Side.DEBT:
            since = book.get(("since", number, account))
            ours = exact_debt(position._replace(controller=number, owed=quantity, since=since), frame)
        if theirs is not None and ours != theirs:
            yield Difference(account, f"{'debt' if side else 'shares'}[{number}]", ours, theirs)
    if position.controller >= 0:
        yield from _liquidity_differences(position, frame, answers[-1])


def _set_differences(book: Book, position: Position, answers: Sequence[bytes | None]) -> Iterator[Difference]:
    """Controllers, and the enabled ones of the collaterals that have a number, as sums of addresses."""
    account = position.account
    named, enabled = addresses(answers[0]), addresses(answers[1])
    if named is not None and set(named) != set(controllers(book, account)):
        yield Difference(account, "controllers", _sum(controllers(book, account)), _sum(named))
    if enabled is not None:
        theirs = {each for each in enabled if number_of(book, each) is not None}
        ours = {each for number, each in enumerate(vaults(book)) if book.enabled(account, number)}
        if ours != theirs:
            yield Difference(account, "collaterals", _sum(ours), _sum(theirs))


def _sum(found: Sequence[Address] | set[Address]) -> int:
    return sum(int(each, 16) for each in found)


def _liquidity_differences(
    position: Position, frame: EulerFrame, answer: bytes | None
) -> Iterator[Difference]:
    try:
        found = liquidity(position, frame) if position.owed else None
    except Degraded:
        return  # without a quote the vault reverts as well
    if found is None:
        return
    for name, ours, theirs in (
        ("collateral", found.collateral, uint(answer, 0)),
        ("debt", found.liability, uint(answer, 1)),
    ):
        if theirs is not None and ours != theirs:
            yield Difference(position.account, name, ours, theirs)


def audit_vaults(book: Book, numbers: Sequence[int], frame: EulerFrame) -> Reads[list[Difference]]:
    """Differences of vaults: totals and terms, LTVs, and all accounts' shares against totalSupply."""
    calls = [_vault_calls(book, number) for number in numbers]
    answers = iter((yield [asked for each in calls for asked in each]))
    sums = _sums(book)
    found: list[Difference] = []
    for number, asked in zip(numbers, calls, strict=True):
        told = list(islice(answers, len(asked)))
        ours = {**_stored(book, number, frame), "shares": sums.get(number, 0)}
        for name, value in _told(book, number, told).items():
            if value is not None and value != ours[name]:
                held = vault(book, number)
                found.append(Difference(held.asset, f"{name}[{held.address}]", ours[name], value))
    return found


def _vault_calls(book: Book, number: int) -> list[Call]:
    address = vaults(book)[number]
    return [
        *(call(address, name) for name in (*_STATUS, *_TERMS)),
        *(call(address, "LTVFull(address)", vaults(book)[each]) for each in ltvs(book, number)),
    ]


def _stored(book: Book, number: int, frame: EulerFrame) -> dict[str, int]:
    told, rules = frame.vault(number).status, terms(book, number)
    values = {
        "total_supply": told.shares,
        "total_borrows": told.borrows,
        "accumulated_fees": told.fees,
        "cash": told.cash,
        "interest_accumulator": told.accumulator,
        "interest_rate": told.rate,
        "interest_fee": rules.interest_fee,
        "max_discount": rules.max_discount,
        "cool_off": rules.cool_off,
        "flags": rules.flags,
        "hook_target": int(rules.hook_target, 16),
        "hooked": rules.hooked,
    }
    for collateral in ltvs(book, number):
        ltv: Ltv = book.get(("ltv", number, collateral))
        values |= {f"ltv_{name}[{collateral}]": value for name, value in ltv._asdict().items()}
    return values


def _told(book: Book, number: int, answers: Sequence[bytes | None]) -> dict[str, int | None]:
    """The contract's answers under the names of `_stored`."""
    totals = [uint(answer) for answer in answers[: len(_STATUS)]]
    rules = answers[len(_STATUS) : len(_STATUS) + len(_TERMS)]
    supply, _, fees = totals[:3]
    names = ("total_supply", "total_borrows", "accumulated_fees", "cash", "interest_accumulator")
    values: dict[str, int | None] = dict(zip((*names, "interest_rate"), totals, strict=True))
    values["shares"] = None if supply is None or fees is None else supply - fees
    for name, answer in zip(("interest_fee", "max_discount", "cool_off", "flags"), rules, strict=False):
        values[name] = uint(answer)
    target = decode_address(rules[-1])
    values["hook_target"] = None if target is None else int(target, 16)
    values["hooked"] = uint(rules[-1], 1)
    for collateral, answer in zip(ltvs(book, number), answers[len(_STATUS) + len(_TERMS) :], strict=True):
        values |= {f"ltv_{name}[{collateral}]": uint(answer, at) for at, name in enumerate(Ltv._fields)}
    return values


def _sums(book: Book) -> dict[int, int]:
    sums: dict[int, int] = {}
    for account in book.accounts():
        for number, side, shares, _ in book.legs(account):
            if side is Side.COLLATERAL:
                sums[number] = sums.get(number, 0) + shares
    return sums
