"""How long a lease is renewed."""

from __future__ import annotations

import asyncio

import grpc
from server import Scripted, settled, until

import keylease
from keylease.v1 import key_lease_service_pb2 as pb

UNAVAILABLE = grpc.StatusCode.UNAVAILABLE


def test_a_lease_is_renewed_while_its_block_runs_and_not_afterwards(served: tuple[Scripted, str]) -> None:
    server, address = served
    server.ttl = 0.1
    server.failures["RenewLease"] = [UNAVAILABLE]
    with keylease.Client(address) as client:
        with client.key("pool"):
            until(lambda: client.stats().renewed >= 2)
        until(lambda: settled(server) == [("release", None)])
        asked = len(server.of(pb.RenewLeaseRequest))
        with client.key("pool"):
            until(lambda: any(each.lease_id == "lease-of-k2" for each in server.of(pb.RenewLeaseRequest)))
        # One renewal may have been under way when the block ended.
        assert len([each for each in server.of(pb.RenewLeaseRequest) if each.lease_id == "lease-of-k1"]) <= asked + 1
    assert server.of(pb.RenewLeaseRequest)[0].ttl.ToMilliseconds() == 100


async def test_async_lease_is_renewed_while_its_block_runs(served: tuple[Scripted, str]) -> None:
    server, address = served
    server.ttl = 0.1
    async with keylease.AsyncClient(address) as client, client.key("pool"):
        await asyncio.to_thread(until, lambda: client.stats().renewed >= 2)


def test_an_ended_lease_is_not_renewed_again(served: tuple[Scripted, str]) -> None:
    server, address = served
    server.ttl = 0.05
    server.failures["RenewLease"] = [grpc.StatusCode.NOT_FOUND]
    with keylease.Client(address) as client:
        with client.key("pool"):
            until(lambda: server.of(pb.RenewLeaseRequest) != [])
            with client.key("pool"):
                until(lambda: len(server.of(pb.RenewLeaseRequest)) >= 4)
        assert len([each for each in server.of(pb.RenewLeaseRequest) if each.lease_id == "lease-of-k1"]) == 1
