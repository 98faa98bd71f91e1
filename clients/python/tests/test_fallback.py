"""What a client does while no server answers."""

from __future__ import annotations

import socket

import grpc
import pytest
from server import BASE_URL, Scripted

import keylease
from keylease import RetryAction
from keylease.v1 import key_lease_service_pb2 as pb

UNAVAILABLE = grpc.StatusCode.UNAVAILABLE


def nobody() -> str:
    """An address on which nobody listens."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        return f"127.0.0.1:{listening.getsockname()[1]}"


def test_without_a_server_no_key_is_leased() -> None:
    with keylease.Client(nobody(), timeout=0.3) as client, pytest.raises(keylease.Unavailable) as failed, client.key("pool"):
        pass
    assert failed.value.reason == "UNAVAILABLE"


def test_a_fallback_serves_its_pool_alone_and_reports_nothing() -> None:
    credential = keylease.Credential("fallback", "https://api.example.com", "authorization")
    with keylease.Client(nobody(), timeout=0.3, fallback={"one": credential}) as client:
        with client.key("one") as key:
            assert key.is_fallback and key.headers == {"authorization": "Bearer fallback"}
            assert key.report(status=500).action is RetryAction.UNKNOWN
        with pytest.raises(keylease.Unavailable), client.key("two"):
            pass
        assert (client.stats().fallbacks, client.stats().queued) == (1, 0)


def test_with_a_fallback_at_hand_nobody_waits_for_a_server_for_long(served: tuple[Scripted, str]) -> None:
    server, address = served
    server.failures["AcquireKey"] = [UNAVAILABLE] * 20
    fallback = {"pool": keylease.Credential("fallback", BASE_URL)}
    with keylease.Client(address, fallback=fallback) as client, client.key("pool") as key:
        assert key.is_fallback
    assert len(server.of(pb.AcquireKeyRequest)) == 2


def test_a_refusal_is_no_case_for_a_fallback(served: tuple[Scripted, str]) -> None:
    server, address = served
    server.failures["AcquireKey"] = [grpc.StatusCode.RESOURCE_EXHAUSTED]
    fallback = {"pool": keylease.Credential("fallback", BASE_URL)}
    with keylease.Client(address, fallback=fallback) as client, pytest.raises(keylease.NoRoom), client.key("pool"):
        pass
