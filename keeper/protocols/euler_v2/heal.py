"""Taking over what the chain stores, where the book was found to differ."""

from collections.abc import Sequence

from keeper.protocols.base import Book, Reads, Side
from keeper.protocols.decode import addresses, call, uint
from keeper.protocols.euler_v2.fold_accounts import set_collateral, set_controllers
from keeper.protocols.euler_v2.frame import EulerFrame
from keeper.protocols.euler_v2.records import Ltv, Status, Terms, deployment, ltvs, number_of, terms, vaults
from keeper.protocols.records import replace
from keeper.types import Address

_MOST_CONTROLLERS = 10


def heal_account(book: Book, account: Address, frame: EulerFrame) -> Reads[None]:
    """Take over the account's controllers, collaterals, shares and debt; `frame` is at the block read."""
    connector = deployment(book).connector
    controllers, collaterals, checked = yield [
        call(connector, "getControllers(address)", account),
        call(connector, "getCollaterals(address)", account),
        call(connector, "getLastAccountStatusCheckTimestamp(address)", account),
    ]
    named, enabled = addresses(controllers), addresses(collaterals)
    if named is None or enabled is None or len(named) > _MOST_CONTROLLERS:
        return
    set_controllers(book, account, tuple(named))
    replace(book, ("checked", account), uint(checked) or 0)
    for number, address in enumerate(vaults(book)):
        if book.enabled(account, number) != (address in enabled):
            set_collateral(book, account, address, enabled=address in enabled)
    yield from _heal_legs(book, account, frame, [*named, *enabled])


def _heal_legs(book: Book, account: Address, frame: EulerFrame, used: Sequence[Address]) -> Reads[None]:
    known = [number for each in used if (number := number_of(book, each)) is not None]
    numbers = sorted({*known, *(leg[0] for leg in book.legs(account))})
    names = ("balanceOf(address)", "debtOfExact(address)")
    answers = iter((yield [call(vaults(book)[n], name, account) for n in numbers for name in names]))
    for number in numbers:
        shares, owed = uint(next(answers)), uint(next(answers))
        if shares is not None and shares != book.quantity(account, number, Side.COLLATERAL):
            book.set_quantity(account, number, Side.COLLATERAL, shares)
        if owed is not None:
            # What it was written at cannot be asked for; as of now it is the same debt.
            if owed != book.quantity(account, number, Side.DEBT):
                book.set_quantity(account, number, Side.DEBT, owed)
            replace(book, ("since", number, account), frame.vault(number).status.accumulator)


def heal_vaults(book: Book, numbers: Sequence[int], timestamp: int) -> Reads[None]:
    """Take over totals and terms of vaults as of `timestamp`, the time of the block read."""
    for number in numbers:
        address = vaults(book)[number]
        answers = yield [
            call(address, "totalSupply()"),
            call(address, "totalBorrowsExact()"),
            call(address, "accumulatedFees()"),
            call(address, "cash()"),
            call(address, "interestAccumulator()"),
            call(address, "interestRate()"),
            call(address, "interestFee()"),
            call(address, "maxLiquidationDiscount()"),
            call(address, "liquidationCoolOffTime()"),
            call(address, "configFlags()"),
            call(address, "hookConfig()"),
            *(call(address, "LTVFull(address)", vaults(book)[each]) for each in ltvs(book, number)),
        ]
        _take_vault(book, number, timestamp, answers)


def _take_vault(book: Book, number: int, timestamp: int, answers: Sequence[bytes | None]) -> None:
    totals = [uint(answer) for answer in answers[:6]]
    rules = [uint(answer) for answer in answers[6:10]]
    hooked, target = uint(answers[10], 1), uint(answers[10])
    known = [value for value in (*totals, *rules, hooked, target) if value is not None]
    if len(known) < len(totals) + len(rules) + 2:
        return
    replace(book, ("status", number), Status(timestamp, *known[:6]))
    fee, discount, cool_off, flags, bits, hook = known[6:]
    hook_target = Address(f"0x{hook:040x}")
    healed = Terms(fee, discount, cool_off, hook_target, bits, flags)
    if healed != terms(book, number):
        book.put(("terms", number), healed)
    for collateral, answer in zip(ltvs(book, number), answers[11:], strict=True):
        words = [uint(answer, at) for at in range(len(Ltv._fields))]
        values = [word for word in words if word is not None]
        if len(values) == len(words):
            replace(book, ("ltv", number, collateral), Ltv(*values))
