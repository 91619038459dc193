# pragma version ~=0.4.3
# @title Passes a call on, like the forwarders that Chainlink's nodes send their reports through.


@external
def forward(to: address, data: Bytes[4096]):
    raw_call(to, data)
