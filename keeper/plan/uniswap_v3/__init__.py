"""Uniswap v3: its pools in exact integers, and the venue that reads and offers them."""

from keeper.plan.uniswap_v3.venue import HIGHEST_PRICE, LOWEST_PRICE, UniswapV3

__all__ = ["HIGHEST_PRICE", "LOWEST_PRICE", "UniswapV3"]
