"""Uniswap v3: its pools in exact integers, and the venue that reads and offers them."""
