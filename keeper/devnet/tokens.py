"""Mintable ERC-20 tokens of the devnet. Amounts are in the token's smallest unit."""

from functools import cache

from keeper.devnet.contract import Contract
from keeper.devnet.node import Node, Tx
from keeper.types import MAX_UINT256, Address


@cache
def token_contract(*, silent: bool = False) -> Contract:
    """The token; `silent` is the one that returns nothing, like USDT."""
    return Contract.built("token_silent" if silent else "token")


def mint(token: Address, receiver: Address, amount: int) -> Tx:
    """Anyone may mint: the receiver does it for itself."""
    return Tx(receiver, token, token_contract().encode("mint", receiver, amount))


def approve(token: Address, owner: Address, spender: Address, amount: int = MAX_UINT256) -> Tx:
    """Let `spender` take from `owner`. A silent token refuses to change one non-zero amount to another."""
    return Tx(owner, token, token_contract().encode("approve", spender, amount))


async def balance_of(node: Node, token: Address, owner: Address) -> int:
    """Balance of `owner`."""
    data = await node.call(token, token_contract().encode("balanceOf", owner))
    return int(token_contract().decode("balanceOf", data))
