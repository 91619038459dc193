"""Keeper: the liquidation keeper for lending protocols on EVM chains."""
