"""The client for programs that wait."""

from __future__ import annotations

import atexit
import threading
import time
import uuid
from collections.abc import Callable
from types import TracebackType
from typing import TYPE_CHECKING, Any, TypeVar, cast

import grpc

from ._channel import DEFAULT_ADDRESS, TLS, Token, credentials_of, metadata_of, options_of
from ._core import ClientCore, excluding, logger, pause_after, renewal_of
from ._errors import KeyLeaseError, Unavailable, error_of
from ._key import Key
from ._nouns import UNKNOWN, Demand, Fallback, Grant, Renewal, RetryAdvice
from ._outbox import Message
from ._reading import is_response
from ._timer import Timer
from ._wire import acquire_request, advice_of, grant_of, renew_request
from .v1 import key_lease_service_pb2 as pb
from .v1.key_lease_service_pb2_grpc import KeyLeaseServiceStub

if TYPE_CHECKING:
    from typing_extensions import Self, Unpack

T = TypeVar("T")


class Client(ClientCore):
    """Leases keys from one server. Safe to be used from any thread; one for a program is enough.

    `timeout` is how long the server may take for one call, in seconds, beyond `max_wait`. `fallback` names credentials by pool for the
    time in which no server answers; without it no call is made then. `report_queue` is how many reports wait for a server that is away.
    """

    def __init__(
        self,
        address: str = DEFAULT_ADDRESS,
        *,
        tls: TLS | None = None,
        token: Token | None = None,
        timeout: float = 2.0,
        fallback: Fallback | None = None,
        report_queue: int = 1_000,
    ) -> None:
        super().__init__(address, tls=tls, token=token, timeout=timeout, fallback=fallback, report_queue=report_queue)
        options = options_of(tls)
        self._channel = (
            grpc.insecure_channel(address, options) if tls is None else grpc.secure_channel(address, credentials_of(tls), options)
        )
        self._stub = KeyLeaseServiceStub(self._channel)
        self._timer = Timer()
        self._progress_made = threading.Condition()
        # A script that ends right after its last call has not sent its last report yet.
        atexit.register(self.close)

    def key(self, pool: str = "", **demand: Unpack[Demand]) -> Key:
        """A key for the block of a `with`: leased at its start, renewed while it runs, reported or given back at its end."""
        return Key(self, pool, demand)

    def call(self, pool: str, fn: Callable[[Key], T], **demand: Unpack[Demand]) -> T:
        """Calls `fn` with a leased key and reports what it returns or raises; once more with another key where the server advises it.

        Where `fn` returns a response of httpx that is not read yet, the lease lives until it was read or closed.
        """
        first = self.key(pool, **demand)
        first._open()
        outcome = first._attempt(fn)
        if outcome.asks_for_another_key:
            second = self.key(pool, **excluding(demand, first._granted()))
            try:
                second._open()
            except KeyLeaseError:
                return outcome.result()
            self._count("retries")
            if is_response(outcome.value):
                cast(Any, outcome.value).close()
            outcome = second._attempt(fn)
        return outcome.result()

    def close(self) -> None:
        """Sends what is still queued, for at most `timeout`, and closes the connection. Repeating it changes nothing."""
        if self._closed:
            return
        self._closed = True
        atexit.unregister(self.close)
        end = time.monotonic() + self._timeout
        with self._progress_made:
            while not self._outbox.is_empty() and (left := end - time.monotonic()) > 0:
                self._pump()
                self._progress_made.wait(min(left, 0.1))
        self._outbox.abandon()
        self._timer.close()
        self._channel.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def _acquire(self, pool: str, demand: Demand) -> Grant:
        self._check_open()
        request = acquire_request(pool, demand, request_id=uuid.uuid4().hex)
        end = time.monotonic() + self._timeout + demand.get("max_wait", 0.0)
        attempt, away_until = 0, end
        while True:
            try:
                response = self._stub.AcquireKey(request, timeout=max(0.001, end - time.monotonic()), metadata=metadata_of(self._token))
            except grpc.RpcError as error:
                failure = error_of(error)
            else:
                self._count("acquired")
                return grant_of(response)
            if not isinstance(failure, Unavailable):
                raise failure
            pause, now = pause_after(attempt), time.monotonic()
            away_until = min(end, now + self._timeout) if attempt == 0 else away_until
            if now + pause >= away_until or not self._attempts_left(attempt):
                return self._fallback_grant(pool, failure)
            time.sleep(pause)
            attempt += 1

    def _report(self, request: pb.ReportHeadersRequest) -> RetryAdvice:
        """Reports and waits for the advice; where no server answers the report is queued."""
        if self._closed:
            self._outbox.put(request)
            return UNKNOWN
        try:
            response = self._stub.ReportHeaders(request, timeout=self._timeout, metadata=metadata_of(self._token))
        except grpc.RpcError as error:
            failure = error_of(error)
            if isinstance(failure, Unavailable):
                self._later(request)
            else:
                self._count("refused")
                logger.warning("a report was refused: %s", failure)
            return UNKNOWN
        self._count("delivered")
        return advice_of(response)

    def _renew(self, grant: Grant, then: Callable[[Renewal], None]) -> None:
        """Renews a lease without waiting."""
        request = renew_request(grant)
        call = self._stub.RenewLease.future(request, timeout=self._timeout, metadata=metadata_of(self._token))

        def done(call: Any) -> None:
            failure = None if call.code() is grpc.StatusCode.OK else error_of(call)
            if failure is None:
                self._count("renewed")
            then(renewal_of(failure))

        call.add_done_callback(done)

    def _pump(self) -> None:
        while (message := self._outbox.take(time.monotonic())) is not None:
            self._send(message)

    def _send(self, message: Message) -> None:
        method = self._stub.ReportHeaders if isinstance(message, pb.ReportHeadersRequest) else self._stub.ReleaseLease
        try:
            call = cast(Any, method).future(message, timeout=self._timeout, metadata=metadata_of(self._token))
        except ValueError:  # the channel is closed
            self._outbox.refused(message)
            return
        call.add_done_callback(lambda done: self._sent(message, done))

    def _sent(self, message: Message, call: Any) -> None:
        failure = None if call.code() is grpc.StatusCode.OK else error_of(call)
        if failure is None:
            self._outbox.delivered(message)
        elif isinstance(failure, Unavailable):
            self._timer.after(self._outbox.away(message, time.monotonic()), self._pump)
        else:
            self._outbox.refused(message)
            logger.warning("a report was refused: %s", failure)
        with self._progress_made:
            self._progress_made.notify_all()
        self._pump()
