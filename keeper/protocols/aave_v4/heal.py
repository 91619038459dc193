"""Taking over what the chain stores, where the book was found to differ."""

from keeper.protocols.aave_v4 import answers
from keeper.protocols.aave_v4.audit import position_of
from keeper.protocols.aave_v4.records import deployment, listed, reserves, set_config
from keeper.protocols.base import Book, Reads, Side
from keeper.protocols.records import replace
from keeper.types import Address


def heal(book: Book, subject: Address) -> Reads[None]:
    """Mend an underlying's reserves, the spoke's own rules, or an account."""
    spoke = deployment(book).spoke
    if subject == spoke:
        (rules,) = yield [answers.get_liquidation(spoke)]
        found = answers.liquidation(rules)
        if found is not None:
            replace(book, ("liquidation",), found)
    elif any(asset.underlying == subject for _, asset, _ in listed(book)):
        yield from _heal_reserves(book, subject)
    else:
        yield from _heal_account(book, subject)


def _heal_reserves(book: Book, underlying: Address) -> Reads[None]:
    """All reserves of an underlying, except the totals, which belong to accounts."""
    spoke = deployment(book).spoke
    for reserve, asset, _ in listed(book):
        if asset.underlying != underlying:
            continue
        first = yield [
            answers.get_asset(reserve),
            answers.get_line(reserve, spoke),
            answers.get_reserve(spoke, reserve.id),
        ]
        state, line = answers.asset(first[0]), answers.line(first[1])
        fresh = answers.reserve(first[2], reserve.id)
        if state is None or line is None or fresh is None:
            continue
        (second,) = yield [answers.get_dynamic(spoke, reserve.id, fresh.key)]
        config = answers.dynamic(second)
        replace(book, ("asset", reserve.hub, reserve.asset_id), state)
        replace(book, ("line", reserve.hub, reserve.asset_id), line)
        replace(book, ("reserve", reserve.id), fresh)
        if config is not None:
            set_config(book, reserve.id, fresh.key, config)


def _heal_account(book: Book, account: Address) -> Reads[None]:
    """Every reserve of an account, the risk parameters it is pinned to, and its stored risk premium."""
    spoke = deployment(book).spoke
    numbers = [reserve.id for reserve in reserves(book)]
    results = yield [
        *answers.get_account(spoke, account),
        *(asked for number in numbers for asked in answers.get_position(spoke, number, account)),
    ]
    stored = answers.words(results[1], 1)
    if stored is not None and stored[0] != book.get(("risk_premium", account), 0):
        book.put(("risk_premium", account), stored[0])
    keys = []
    for place, number in enumerate(numbers):
        found = answers.position(results[2 + 2 * place : 4 + 2 * place])
        if found is not None and found != position_of(book, account, number):
            supplied, drawn, used, terms = found
            book.set_quantity(account, number, Side.COLLATERAL, supplied)
            book.set_quantity(account, number, Side.DEBT, drawn)
            book.set_enabled(account, number, used)
            replace(book, ("terms", account, number), terms)
        if found is not None and found[2]:
            keys.append((number, found[3].key))
    yield from _heal_configs(book, keys)


def _heal_configs(book: Book, keys: list[tuple[int, int]]) -> Reads[None]:
    spoke = deployment(book).spoke
    if not keys:
        return
    results = yield [answers.get_dynamic(spoke, number, key) for number, key in keys]
    for (number, key), answer in zip(keys, results, strict=True):
        config = answers.dynamic(answer)
        if config is not None and config.bonus:
            set_config(book, number, key, config)
