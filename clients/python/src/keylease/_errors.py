"""Refusals and failures, as exceptions that a program can act on."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, cast

import grpc
from google.protobuf.message import DecodeError
from google.rpc import error_details_pb2, status_pb2

DETAILS = "grpc-status-details-bin"


class KeyLeaseError(Exception):
    """No lease, and why. `reason` is the ErrorInfo reason of the server, such as ALL_KEYS_EXHAUSTED."""

    def __init__(self, message: str, *, code: grpc.StatusCode, reason: str, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.reason = reason
        self.retry_after = retry_after
        """Seconds after which to ask again; None: no moment is known."""


class NoRoom(KeyLeaseError):
    """Keys exist and none has room now; `retry_after` is the earliest moment at which this very demand can fit."""


class Impossible(KeyLeaseError):
    """Waiting cannot help: the demand exceeds every key's limit, or no key is well."""


class Unavailable(KeyLeaseError):
    """No server answered, or it is draining."""


class HostNotAllowed(Exception):
    """A request would have carried a key to a host that is not the pool's."""


_KINDS: dict[grpc.StatusCode, type[KeyLeaseError]] = {
    grpc.StatusCode.RESOURCE_EXHAUSTED: NoRoom,
    grpc.StatusCode.FAILED_PRECONDITION: Impossible,
    grpc.StatusCode.UNAVAILABLE: Unavailable,
    grpc.StatusCode.DEADLINE_EXCEEDED: Unavailable,
    grpc.StatusCode.CANCELLED: Unavailable,
}


def error_of(error: grpc.RpcError) -> KeyLeaseError:
    """The exception for a call that failed, with the details that the server sent."""
    code = error.code()
    kind = _KINDS.get(code, KeyLeaseError)
    info, retry = error_details_pb2.ErrorInfo(), error_details_pb2.RetryInfo()
    for detail in _details(error):
        detail.Unpack(info) or detail.Unpack(retry)
    reason = info.reason or ("UNAVAILABLE" if kind is Unavailable else code.name)
    has_delay = retry.HasField("retry_delay")
    retry_after = retry.retry_delay.ToTimedelta().total_seconds() if has_delay else None
    return kind(error.details() or code.name, code=code, reason=reason, retry_after=retry_after)


def _details(error: grpc.RpcError) -> list[Any]:
    metadata = cast(Iterable[tuple[str, str | bytes]], error.trailing_metadata() or ())
    packed = next((value for name, value in metadata if name == DETAILS), b"")
    try:
        return list(status_pb2.Status.FromString(packed).details)
    except DecodeError:
        return []
