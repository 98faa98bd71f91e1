"""A keylease server that says what a test tells it to, and remembers what it was asked."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent import futures
from contextlib import contextmanager
from typing import Any

import grpc
from google.protobuf.any_pb2 import Any as Packed
from google.rpc import error_details_pb2, status_pb2
from grpc import ServicerContext

from keylease.v1 import key_lease_service_pb2 as pb
from keylease.v1.key_lease_service_pb2_grpc import KeyLeaseServiceServicer, add_KeyLeaseServiceServicer_to_server

BASE_URL = "https://api.example.com"


class Scripted(KeyLeaseServiceServicer):
    """Leases keys k1, k2 and so on. `failures` are the statuses of the first calls, by method."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.asked: list[tuple[str, Any]] = []
        self.metadata: list[dict[str, str | bytes]] = []
        self.failures: dict[str, list[grpc.StatusCode]] = {}
        self.details: list[Any] = []
        self.action: int = pb.RETRY_ACTION_NONE
        self.ttl = 60.0
        self.waited = 0.0
        self._granted = 0

    def of(self, kind: type[Any]) -> list[Any]:
        """The requests of one kind so far."""
        with self._lock:
            return [request for _, request in self.asked if isinstance(request, kind)]

    def _hear(self, method: str, request: Any, context: ServicerContext) -> None:
        with self._lock:
            self.asked.append((method, request))
            self.metadata.append({name: value for name, value in context.invocation_metadata()})
            failure = self.failures[method].pop(0) if self.failures.get(method) else None
        if failure is not None:
            status = status_pb2.Status(code=failure.value[0], message="scripted")
            for detail in self.details:
                packed = Packed()
                packed.Pack(detail)
                status.details.append(packed)
            context.set_trailing_metadata((("grpc-status-details-bin", status.SerializeToString()),))
            context.abort(failure, "scripted")

    def AcquireKey(self, request: pb.AcquireKeyRequest, context: Any) -> pb.AcquireKeyResponse:
        self._hear("AcquireKey", request, context)
        with self._lock:
            self._granted += 1
            name = f"k{self._granted}"
        response = pb.AcquireKeyResponse()
        response.lease.lease_id = f"lease-of-{name}"
        response.lease.key_id = name
        response.lease.pool = request.pool
        response.lease.acquire_time.FromNanoseconds(10**18)
        response.lease.expire_time.FromNanoseconds(10**18 + round(self.ttl * 1e9))
        response.waited.FromNanoseconds(round(self.waited * 1e9))
        response.credential.secret = f"secret-of-{name}"
        response.credential.header_name = "x-api-key"
        response.credential.header_value = f"secret-of-{name}"
        response.credential.headers["anthropic-version"] = "2023-06-01"
        response.credential.base_url = BASE_URL
        return response

    def ReportHeaders(self, request: pb.ReportHeadersRequest, context: Any) -> pb.ReportHeadersResponse:
        self._hear("ReportHeaders", request, context)
        response = pb.ReportHeadersResponse()
        response.retry.action = self.action  # type: ignore[assignment]
        return response

    def RenewLease(self, request: pb.RenewLeaseRequest, context: Any) -> pb.RenewLeaseResponse:
        self._hear("RenewLease", request, context)
        return pb.RenewLeaseResponse()

    def MarkUnhealthy(self, request: pb.MarkUnhealthyRequest, context: Any) -> pb.MarkUnhealthyResponse:
        raise NotImplementedError

    def LeaseStream(self, request_iterator: Any, context: Any) -> Any:
        raise NotImplementedError

    def ReleaseLease(self, request: pb.ReleaseLeaseRequest, context: Any) -> pb.ReleaseLeaseResponse:
        self._hear("ReleaseLease", request, context)
        return pb.ReleaseLeaseResponse()


@contextmanager
def serve(listen: str = "127.0.0.1:0", credentials: grpc.ServerCredentials | None = None) -> Iterator[tuple[Scripted, str]]:
    """A scripted server and its address."""
    scripted = Scripted()
    server = grpc.server(futures.ThreadPoolExecutor(8))
    add_KeyLeaseServiceServicer_to_server(scripted, server)
    port = server.add_insecure_port(listen) if credentials is None else server.add_secure_port(listen, credentials)
    server.start()
    try:
        yield scripted, listen if listen.startswith("unix:") else f"127.0.0.1:{port}"
    finally:
        server.stop(None).wait()


def settled(server: Scripted) -> list[tuple[str, int | None]]:
    """How leases ended: reports with their status, and releases."""
    return [
        ("report", request.status_code) if isinstance(request, pb.ReportHeadersRequest) else ("release", None)
        for method, request in server.asked
        if method in ("ReportHeaders", "ReleaseLease")
    ]


def until(holds: Callable[[], bool], seconds: float = 10.0) -> None:
    """Waits until something holds; fails where it never does."""
    waiting = threading.Event()
    for _ in range(round(seconds / 0.01)):
        if holds():
            return
        waiting.wait(0.01)
    raise AssertionError("it never held")


RETRY_IN_3_S = error_details_pb2.RetryInfo()
RETRY_IN_3_S.retry_delay.seconds = 3
EXHAUSTED = error_details_pb2.ErrorInfo(reason="ALL_KEYS_EXHAUSTED", domain="keylease")
