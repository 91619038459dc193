"""A collateral that is priced by Chainlink reports through a forwarder."""

from collections.abc import Callable

from eth_abi.abi import encode

from benchmarks.backrun_drill import COLLATERAL, Drill
from keeper.devnet.node import Tx
from keeper.devnet.oracles import deploy_source, point
from keeper.types import Address

STRANGER = Address("0x" + "1f" * 20)


async def reports(drill: Drill) -> Callable[[int], Callable[[int], Tx]]:
    """Price the collateral by reports through a forwarder; what makes one of an epoch and an answer."""
    node, market = drill.node, drill.network.market
    price = (await drill.network.actors.prices())[COLLATERAL]
    feed = await deploy_source(node, market.admin, "price_feed_ocr", "ETH / USD", 8, price)
    proxy = await deploy_source(node, market.admin, "price_feed_proxy", feed)
    forwarder = await deploy_source(node, market.admin, "forwarder")
    await point(node, market, {COLLATERAL: proxy})

    def transmits(epoch_and_round: int) -> Callable[[int], Tx]:
        def made(answer: int) -> Tx:
            observations = [answer - 9, answer - 1, answer, answer, answer + 5]
            types = ["uint32", "bytes32", "int192[]", "int192"]
            report = encode(types, [1_750_000_000, bytes(32), observations, 0])
            context = [bytes(32), epoch_and_round.to_bytes(32), bytes(32)]
            data = feed.tx(STRANGER, "transmit", context, report, [], [], bytes(32)).data
            return forwarder.tx(STRANGER, "forward", feed.address, data)

        return made

    return transmits
