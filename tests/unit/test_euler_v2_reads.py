"""What is asked of the chain: the operator's addresses, the make of oracles, names and dollars."""

from typing import Any

import pytest
from eth_abi.abi import encode

from keeper.errors import ConfigError, Degraded
from keeper.index.book import ColumnarBook
from keeper.protocols.decode import call
from keeper.protocols.euler_v2.adapter import EulerV2
from keeper.protocols.euler_v2.learning import LARGE, leaf_calls, learn_routes, scale_of
from keeper.protocols.euler_v2.quotes import route_of
from keeper.protocols.euler_v2.records import Hop, Leaf, Scale
from keeper.types import ZERO_ADDRESS, Address, BlockRef, Call, Hash
from tests.aave_v3_world import address
from tests.euler_v2_world import ALICE, CONNECTOR, FACTORY, ORACLE, UNIT, World, drive, token

SETTINGS = {"vault_factory": FACTORY, "evc": CONNECTOR}
CODE, ROUTER, CROSS, LEFT, RIGHT = (address(0xF0 + place) for place in range(5))
QUOTE = "getQuote(uint256,address,address)"

Answers = dict[Call, bytes]


def words(*values: int | str) -> bytes:
    return b"".join(
        (value if isinstance(value, int) else int(value, 16)).to_bytes(32, "big") for value in values
    )


def deployed(connector: Address = CONNECTOR) -> Answers:
    return {
        call(FACTORY, "implementation()"): words(CODE),
        call(FACTORY, "getProxyListLength()"): words(0),
        call(CONNECTOR, "getControllers(address)", address(1)): words(32, 0),
        call(CODE, "EVC()", 0, 0): words(connector),
    }


def test_open__right_addresses__watches_them() -> None:
    market = drive(EulerV2().open("euler", SETTINGS, ColumnarBook()), deployed())
    assert market.addresses() == {FACTORY, CONNECTOR}
    assert market.doubt is None


@pytest.mark.parametrize(
    ("settings", "answers", "complaint"),
    [
        ({"evc": CONNECTOR}, {}, "vault_factory: '' is not an address"),
        ({"vault_factory": FACTORY, "evc": "0x12"}, {}, "evc: '0x12' is not an address"),
        (SETTINGS, {}, "is no GenericFactory"),
        (SETTINGS, {k: v for k, v in deployed().items() if k.to != CONNECTOR}, "no EthereumVaultConnector"),
        (SETTINGS, deployed(ALICE), "not the connector of the vaults"),
    ],
)
def test_open__wrong_addresses__are_a_configuration_error(
    settings: dict[str, str], answers: Answers, complaint: str
) -> None:
    with pytest.raises(ConfigError, match=complaint):
        drive(EulerV2().open("euler", settings, ColumnarBook()), answers)


def routed(base: Address, *, configured: Address = ZERO_ADDRESS, asset: Address = ZERO_ADDRESS) -> Answers:
    """An EulerRouter without fallback."""
    return {
        call(ROUTER, "getConfiguredOracle(address,address)", base, UNIT): words(configured),
        call(ROUTER, "resolvedVaults(address)", base): words(asset),
        call(ROUTER, "fallbackOracle()"): words(ZERO_ADDRESS),
    }


def crossed(base: Address, quote: Address) -> Answers:
    """A CrossAdapter over ALICE, of whatever address that is."""
    return {
        call(CROSS, "oracleBaseCross()"): words(LEFT),
        call(CROSS, "oracleCrossQuote()"): words(RIGHT),
        call(CROSS, "cross()"): words(ALICE),
        call(CROSS, "base()"): words(base),
        call(CROSS, "quote()"): words(quote),
    }


def test_learn__router_over_a_vault_and_a_cross__names_every_step() -> None:
    world = World()
    made = world.create(0)
    answers = routed(made, asset=token(0)) | routed(token(0), configured=CROSS) | crossed(token(0), UNIT)
    drive(learn_routes(world.book, [Leaf(ROUTER, made, UNIT)]), answers)
    assert route_of(world.book, ROUTER, made, UNIT) == (
        Hop(0),
        Leaf(LEFT, token(0), ALICE),
        Leaf(RIGHT, ALICE, UNIT),
    )


def test_learn__cross_asked_the_other_way_round__turns_its_steps() -> None:
    world = World()
    drive(learn_routes(world.book, [Leaf(CROSS, token(0), UNIT)]), crossed(UNIT, token(0)))
    steps = Leaf(RIGHT, token(0), ALICE), Leaf(LEFT, ALICE, UNIT)
    assert route_of(world.book, CROSS, token(0), UNIT) == steps


def test_learn__other_oracle__is_taken_to_value_shares_by_their_assets() -> None:
    world = World()
    made = world.create(0)
    drive(learn_routes(world.book, [Leaf(ORACLE, made, UNIT), Leaf(ORACLE, ALICE, UNIT)]), {})
    assert route_of(world.book, ORACLE, made, UNIT) == (Hop(0), Leaf(ORACLE, token(0), UNIT))
    assert route_of(world.book, ORACLE, ALICE, UNIT) == (Leaf(ORACLE, ALICE, UNIT),)


@pytest.mark.parametrize(
    ("num", "den", "scale"),
    [
        (3, 2, Scale(3 * LARGE // 2, LARGE)),
        (10**18 * 123_456_789, 10**26, Scale(123_456_789 * 10**28, LARGE)),
        (10**26, 10**18 * 123_456_789, Scale(LARGE, 123_456_789 * 10**28)),
        (0, 1, Scale(0, LARGE)),
    ],
)
def test_scale__of_a_price_or_its_inverse__is_exact(num: int, den: int, scale: Scale) -> None:
    answers = [LARGE * num // den, 100 * LARGE * num // den, LARGE * den // num if num else 0]
    found = scale_of([words(answer) for answer in answers])
    assert found == scale
    for amount in (1, 999, 10**18 + 7, 2**111 + 1):
        assert amount * scale.num // scale.den == amount * num // den


def test_scale__no_quote__is_none() -> None:
    assert scale_of([None, None, None]) is None


def world_with_debt() -> tuple[World, Answers]:
    """Alice owes 5 of 18 decimals against 10 of 6 decimals; nothing is known of the oracle."""
    world = World()
    debt, collateral = world.create(0), world.create(1)
    world.set_ltv(debt, collateral, 9000)
    world.tell(debt, shares=10**21, cash=10**21)
    world.tell(collateral, shares=10**9, cash=10**9)
    world.supply(ALICE, collateral, 10 * 10**6)
    world.borrow(ALICE, debt, 5 * 10**18)
    answers = {
        call(FACTORY, "getProxyListLength()"): words(2),
        call(token(0), "symbol()"): encode(["string"], ["DAI"]),
        call(token(0), "decimals()"): words(18),
        call(token(1), "symbol()"): encode(["string"], ["USDC"]),
        call(token(1), "decimals()"): words(6),
        call(ORACLE, QUOTE, (10**21 + 5 * 10**18) | 1, token(0), UNIT): words((10**21 + 5 * 10**18) | 1),
        call(ORACLE, QUOTE, 10**9 | 1, collateral, UNIT): words((10**9 | 1) * 10**12),
    }
    for number, scale in ((0, 1), (1, 10**12)):
        calls = leaf_calls(Leaf(ORACLE, token(number), UNIT))
        answers |= dict(zip(calls, (words(LARGE * scale), words(100 * LARGE * scale)), strict=False))
    return world, answers


def block(world: World) -> BlockRef:
    return BlockRef(9, Hash("0x09"), Hash("0x08"), world.now, 0)


def test_refresh__oracle_without_routes__prices_everything() -> None:
    world, answers = world_with_debt()
    drive(world.market.refresh(block(world)), answers)
    assert world.market.notices() == []
    assert [(i.symbol, i.decimals, i.price) for i in world.market.assets()] == [
        ("DAI", 18, 10**8),
        ("USDC", 6, 10**8),
    ]
    health = world.market.health(ALICE, world.market.frame(world.now))
    assert (health.collateral, health.debt) == (9 * 10**18, 5 * 10**18)
    assert health.details == {"collateral_usd": 9 * 10**8, "debt_usd": 5 * 10**8}
    held = world.market.holdings(ALICE, world.market.frame(world.now))
    assert [(each.amount, each.value) for each in held] == [(5 * 10**18, 5 * 10**8), (10**7, 10 * 10**8)]


def test_refresh__quotes_that_no_route_explains__are_taken_in_proportion_and_told() -> None:
    world, answers = world_with_debt()
    collateral = world.book.get(("vaults",))[1]
    answers[call(ORACLE, QUOTE, 10**9 | 1, collateral, UNIT)] = words((10**9 | 1) * 10**12 // 2)
    drive(world.market.refresh(block(world)), answers)
    (notice,) = world.market.notices()
    assert "does not quote" in notice
    assert world.market.health(ALICE, world.market.frame(world.now)).collateral == 9 * 10**18 // 2


def test_refresh__oracle_without_a_quote__leaves_the_account_unjudged() -> None:
    world, answers = world_with_debt()
    silent = {asked: answer for asked, answer in answers.items() if asked.to != ORACLE}
    drive(world.market.refresh(block(world)), silent)
    frame = world.market.frame(world.now)
    with pytest.raises(Degraded, match="no quote"):
        world.market.health(ALICE, frame)
    assert world.market.screen(frame)[0] != world.market.screen(frame)[0], "NaN is suspicious"
    assert [info.price for info in world.market.assets()] == [None, None]
    drive(world.market.refresh(block(world)), answers)
    assert world.market.health(ALICE, world.market.frame(world.now)).debt == 5 * 10**18


def test_refresh__more_vaults_than_logs_tell__leaves_a_doubt_until_they_agree() -> None:
    world, answers = world_with_debt()
    count = call(FACTORY, "getProxyListLength()")
    drive(world.market.refresh(block(world)), answers | {count: words(3)})
    assert "another number of vaults" in (world.market.doubt or "")
    drive(world.market.refresh(block(world)), answers)
    assert world.market.doubt is None


def test_refresh__no_vault_in_the_logs__is_a_configuration_error() -> None:
    world = World()
    with pytest.raises(ConfigError, match="start_block"):
        drive(world.market.refresh(block(world)), {call(FACTORY, "getProxyListLength()"): words(3)})


def chain(world: World, **changed: Any) -> Answers:
    """Alice as the contracts would tell her, if nothing is `changed`."""
    debt, collateral = world.book.get(("vaults",))
    liquidity = call(debt, "accountLiquidity(address,bool)", ALICE, 1)
    return {
        call(CONNECTOR, "getControllers(address)", ALICE): words(32, 1, debt),
        call(CONNECTOR, "getCollaterals(address)", ALICE): words(32, 1, changed.get("enabled", collateral)),
        call(CONNECTOR, "getLastAccountStatusCheckTimestamp(address)", ALICE): words(changed.get("at", 0)),
        call(debt, "debtOfExact(address)", ALICE): words(changed.get("owed", 5 * 10**18 << 31)),
        call(debt, "balanceOf(address)", ALICE): words(0),
        call(collateral, "balanceOf(address)", ALICE): words(changed.get("shares", 10**7)),
        call(collateral, "debtOfExact(address)", ALICE): words(0),
        liquidity: words(changed.get("value", 9 * 10**18), 5 * 10**18),
    }


@pytest.mark.parametrize(
    ("changed", "field"),
    [
        ({}, None),
        ({"enabled": CONNECTOR}, "collaterals"),
        ({"owed": 7}, "debt[0]"),
        ({"shares": 8}, "shares[1]"),
        ({"at": 12}, "last_status_check"),
        ({"value": 1}, "collateral"),
    ],
)
def test_audit__account_that_differs__is_told_and_mended(changed: dict[str, int], field: str | None) -> None:
    world, answers = world_with_debt()
    drive(world.market.refresh(block(world)), answers)
    told = chain(world, **changed)
    found = drive(world.market.audit_accounts([ALICE], world.market.frame(world.now)), told)
    assert [each.field for each in found] == ([field] if field else [])
    if field in {"collaterals", "debt[0]", "shares[1]", "last_status_check"}:
        drive(world.market.heal(ALICE), told)
        again = drive(world.market.audit_accounts([ALICE], world.market.frame(world.now)), told)
        assert field not in [each.field for each in again]


def test_audit__vault_that_differs__is_told_and_mended() -> None:
    world, answers = world_with_debt()
    drive(world.market.refresh(block(world)), answers)
    debt, collateral = world.book.get(("vaults",))
    told = {
        call(debt, "totalSupply()"): words(10**21),
        call(debt, "totalBorrowsExact()"): words(5 * 10**18 << 31),
        call(debt, "accumulatedFees()"): words(10**21),
        call(debt, "cash()"): words(77),
        call(debt, "interestAccumulator()"): words(10**27),
        call(debt, "interestRate()"): words(0),
        call(debt, "interestFee()"): words(1000),
        call(debt, "maxLiquidationDiscount()"): words(1500),
        call(debt, "liquidationCoolOffTime()"): words(0),
        call(debt, "configFlags()"): words(0),
        call(debt, "hookConfig()"): words(0, 0),
        call(debt, "LTVFull(address)", collateral): words(9000, 9000, 0, world.now, 0),
    }
    found = drive(world.market.audit_reserves(), told)
    assert {each.field for each in found} == {f"cash[{debt}]", f"accumulated_fees[{debt}]"}
    assert {each.subject for each in found} == {token(0)}
    drive(world.market.heal(token(0)), told)
    assert drive(world.market.audit_reserves(), told) == []
