"""What a client asks for, and what it makes of a grant and of a refusal."""

from __future__ import annotations

import asyncio

import grpc
import pytest
from server import BASE_URL, EXHAUSTED, RETRY_IN_3_S, Scripted, settled

import keylease
from keylease.v1 import key_lease_service_pb2 as pb

UNAVAILABLE = grpc.StatusCode.UNAVAILABLE


def test_a_key_is_what_the_server_granted(served: tuple[Scripted, str]) -> None:
    server, address = served
    with (
        keylease.Client(address) as client,
        client.key(
            "pool", model="m", input_tokens=5, output_tokens=0, max_wait=1.5, affinity="x", priority=-2, exclude=["z"], ttl=9
        ) as key,
    ):
        assert (key.key_id, key.pool, key.base_url, key.is_fallback) == ("k1", "pool", BASE_URL, False)
        assert key.headers == {"anthropic-version": "2023-06-01", "x-api-key": "secret-of-k1"}
        assert "secret" not in repr(key.credential)
    (asked,) = server.of(pb.AcquireKeyRequest)
    assert (asked.pool, asked.model, asked.estimated_input_tokens, asked.affinity, asked.priority) == ("pool", "m", 5, "x", -2)
    assert asked.HasField("estimated_output_tokens") and asked.max_wait.ToMilliseconds() == 1_500
    assert list(asked.exclude_key_ids) == ["z"] and asked.ttl.seconds == 9 and asked.request_id != ""


def test_unasked_estimates_are_left_to_the_server(served: tuple[Scripted, str]) -> None:
    server, address = served
    with keylease.Client(address) as client, client.key():
        pass
    (asked,) = server.of(pb.AcquireKeyRequest)
    assert not asked.HasField("estimated_input_tokens") and not asked.HasField("max_wait") and not asked.HasField("ttl")


def test_a_call_nobody_answered_is_repeated_with_the_same_request_id(served: tuple[Scripted, str]) -> None:
    server, address = served
    server.failures["AcquireKey"] = [UNAVAILABLE, UNAVAILABLE]
    with keylease.Client(address) as client, client.key("pool"):
        pass
    assert len({asked.request_id for asked in server.of(pb.AcquireKeyRequest)}) == 1
    assert len(server.of(pb.AcquireKeyRequest)) == 3


def test_two_keys_have_two_request_ids(served: tuple[Scripted, str]) -> None:
    server, address = served
    with keylease.Client(address) as client, client.key("pool"), client.key("pool"):
        pass
    assert len({asked.request_id for asked in server.of(pb.AcquireKeyRequest)}) == 2


def test_a_refusal_tells_its_reason_and_when_to_ask_again(served: tuple[Scripted, str]) -> None:
    server, address = served
    server.failures["AcquireKey"] = [grpc.StatusCode.RESOURCE_EXHAUSTED]
    server.details = [EXHAUSTED, RETRY_IN_3_S]
    with keylease.Client(address) as client, pytest.raises(keylease.NoRoom) as refused, client.key("pool"):
        pass
    assert (refused.value.reason, refused.value.retry_after, str(refused.value)) == ("ALL_KEYS_EXHAUSTED", 3.0, "scripted")
    assert len(server.of(pb.AcquireKeyRequest)) == 1


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        (grpc.StatusCode.FAILED_PRECONDITION, keylease.Impossible),
        (grpc.StatusCode.NOT_FOUND, keylease.KeyLeaseError),
        (grpc.StatusCode.UNAUTHENTICATED, keylease.KeyLeaseError),
    ],
)
def test_other_refusals(served: tuple[Scripted, str], code: grpc.StatusCode, kind: type[Exception]) -> None:
    server, address = served
    server.failures["AcquireKey"] = [code]
    with keylease.Client(address) as client, pytest.raises(kind) as refused, client.key("pool"):
        pass
    assert type(refused.value) is kind and isinstance(refused.value, keylease.KeyLeaseError) and refused.value.code is code


async def test_a_lease_that_may_have_been_granted_to_a_call_that_was_cancelled_is_given_back(served: tuple[Scripted, str]) -> None:
    server, address = served
    async with keylease.AsyncClient(address) as client:
        asking = asyncio.create_task(client.key("pool").__aenter__())
        while not server.of(pb.AcquireKeyRequest):
            await asyncio.sleep(0)
        asking.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asking
    assert settled(server) == [("release", None)]
    assert len({asked.request_id for asked in server.of(pb.AcquireKeyRequest)}) == 1
