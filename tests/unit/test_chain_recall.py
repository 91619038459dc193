"""Which builders are asked to forget what."""

from uuid import UUID

from eth_utils.crypto import keccak

from keeper.chain.recall import REMEMBERED, Holders, Offer, cancel_requests
from keeper.chain.relay_json import Request, bundle_requests, replacement_uuid
from keeper.config.relay import RelayMethod
from keeper.relay_ports import Bundle
from keeper.types import Hash

RAW, OTHER = b"\x02\x01", b"\x02\x02"
NAME = Hash("0x" + keccak(RAW).hex())


def test_replacement_uuid__by_bytes_and_block__the_same_again_and_no_other() -> None:
    name = replacement_uuid(RAW, 17)
    assert name == replacement_uuid(RAW, 17)
    assert UUID(name).version == 4
    assert len({name, replacement_uuid(RAW, 18), replacement_uuid(OTHER, 17)}) == 3


def test_cancel_requests__bundles__one_for_each_block_to_come_by_the_name_it_was_sent_with() -> None:
    sent = bundle_requests(RelayMethod.BUNDLE, Bundle((OTHER, RAW), 17, 19))
    names = [request.params[0]["replacementUuid"] for request in sent]
    asked = cancel_requests(RelayMethod.BUNDLE, RAW, head=17, until=19)
    assert asked == [Request("eth_cancelBundle", [{"replacementUuid": name}]) for name in names[1:]]
    assert cancel_requests(RelayMethod.BUNDLE, RAW, head=19, until=19) == []


def test_cancel_requests__other_methods__by_hash_or_not_at_all() -> None:
    for method in RelayMethod:
        asked = cancel_requests(method, RAW, head=1, until=2)
        if method is RelayMethod.PRIVATE:
            assert asked == [Request("eth_cancelPrivateTransaction", [{"txHash": NAME}])]
        elif method is not RelayMethod.BUNDLE:
            assert asked == []


def test_offer__its_name__is_the_transaction_s_hash() -> None:
    offer = Offer.of(RelayMethod.PRIVATE, RAW, head=1, until=2)
    assert (offer.name, len(offer.undo)) == (NAME, 1)


def test_holders__who_takes_it_late__may_not_keep_it() -> None:
    holders: Holders[str] = Holders()
    holders.offered(NAME)
    assert holders.took(NAME, "one")
    assert holders.recall(NAME) == {"one"}
    assert holders.recall(NAME) == set()
    assert not holders.took(NAME, "two")
    holders.offered(NAME)
    assert holders.took(NAME, "two")
    assert holders.recall(NAME) == {"two"}


def test_holders__of_what_was_never_offered__nobody() -> None:
    assert Holders[str]().recall(NAME) == set()


def test_holders__many__the_oldest_is_forgotten() -> None:
    holders: Holders[str] = Holders()
    names = [Hash(f"0x{number:064x}") for number in range(REMEMBERED + 1)]
    for name in names:
        holders.offered(name)
        holders.took(name, "one")
    assert (holders.recall(names[0]), holders.recall(names[1])) == (set(), {"one"})
