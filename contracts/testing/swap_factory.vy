# pragma version ==0.4.3
# pragma evm-version cancun
"""
@title Registry of swap pools with the look-up of Uniswap v3
"""

getPool: public(HashMap[address, HashMap[address, HashMap[uint24, address]]])


@external
def add(token_a: address, token_b: address, fee: uint24, pool: address):
    self.getPool[token_a][token_b][fee] = pool
    self.getPool[token_b][token_a][fee] = pool
