"""The client for programs that await."""

from __future__ import annotations

import asyncio
import contextlib
import time
import uuid
from collections.abc import Awaitable, Callable, Coroutine
from types import TracebackType
from typing import TYPE_CHECKING, Any, TypeVar, cast

import grpc
import grpc.aio

from ._async_key import AsyncKey
from ._channel import DEFAULT_ADDRESS, TLS, Token, credentials_of, metadata_of, options_of
from ._core import ClientCore, excluding, logger, pause_after, renewal_of
from ._errors import KeyLeaseError, Unavailable, error_of
from ._nouns import UNKNOWN, Demand, Fallback, Grant, Renewal, RetryAdvice
from ._outbox import Message
from ._reading import is_response
from ._wire import acquire_request, advice_of, grant_of, renew_request
from .v1 import key_lease_service_pb2 as pb
from .v1.key_lease_service_pb2_grpc import KeyLeaseServiceStub

if TYPE_CHECKING:
    from typing_extensions import Self, Unpack

    from .v1.key_lease_service_pb2_grpc import KeyLeaseServiceAsyncStub

T = TypeVar("T")

LOOK = 0.05
"""Seconds between two looks at what a client that closes has still to send."""


class AsyncClient(ClientCore):
    """Leases keys from one server, on asyncio. The options are those of `Client`.

    It connects at its first call, to the event loop that runs then. Close it, or its last reports may be lost with the loop.
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
        self._loop: asyncio.AbstractEventLoop | None = None
        self._channel: grpc.aio.Channel | None = None
        self._connected: KeyLeaseServiceAsyncStub | None = None
        self._working: set[asyncio.Task[None]] = set()

    def key(self, pool: str = "", **demand: Unpack[Demand]) -> AsyncKey:
        """A key for the block of an `async with`: leased at its start, renewed while it runs, reported or given back at its end."""
        return AsyncKey(self, pool, demand)

    async def call(self, pool: str, fn: Callable[[AsyncKey], Awaitable[T]], **demand: Unpack[Demand]) -> T:
        """Awaits `fn` with a leased key and reports what it returns or raises: as `Client.call`."""
        first = self.key(pool, **demand)
        await first._open()
        outcome = await first._attempt(fn)
        if outcome.asks_for_another_key:
            second = self.key(pool, **excluding(demand, first._granted()))
            try:
                await second._open()
            except KeyLeaseError:
                return outcome.result()
            self._count("retries")
            if is_response(outcome.value) and hasattr(outcome.value, "aclose"):
                await cast(Any, outcome.value).aclose()
            outcome = await second._attempt(fn)
        return outcome.result()

    async def aclose(self) -> None:
        """Sends what is still queued, for at most `timeout`, and closes the connection. Repeating it changes nothing."""
        if self._closed:
            return
        self._closed = True
        end = time.monotonic() + self._timeout
        while (self._working or not self._outbox.is_empty()) and (left := end - time.monotonic()) > 0:
            self._pump()
            look = min(left, LOOK)
            await (asyncio.wait(self._working, timeout=look) if self._working else asyncio.sleep(look))
        self._outbox.abandon()
        for task in self._working:
            task.cancel()
        await asyncio.gather(*self._working, return_exceptions=True)
        if self._channel is not None:
            await self._channel.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        await self.aclose()

    @property
    def _stub(self) -> KeyLeaseServiceAsyncStub:
        """The stub of the running loop: a channel belongs to the loop that it was made on."""
        loop = asyncio.get_running_loop()
        if self._connected is None or self._loop is not loop:
            options = options_of(self._tls)
            self._channel = (
                grpc.aio.insecure_channel(self._address, options)
                if self._tls is None
                else grpc.aio.secure_channel(self._address, credentials_of(self._tls), options)
            )
            self._loop = loop
            self._connected = KeyLeaseServiceStub(self._channel)
        return self._connected

    async def _acquire(self, pool: str, demand: Demand) -> Grant:
        self._check_open()
        request = acquire_request(pool, demand, request_id=uuid.uuid4().hex)
        end = time.monotonic() + self._timeout + demand.get("max_wait", 0.0)
        attempt, away_until = 0, end
        while True:
            try:
                response = await self._stub.AcquireKey(
                    request, timeout=max(0.001, end - time.monotonic()), metadata=metadata_of(self._token)
                )
            except asyncio.CancelledError:
                self._background(self._reclaim(request))
                raise
            except grpc.aio.AioRpcError as error:
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
            await asyncio.sleep(pause)
            attempt += 1

    async def _reclaim(self, request: pb.AcquireKeyRequest) -> None:
        """Gives back a lease that may have been granted to somebody who left: the same request id gets the same lease."""
        with contextlib.suppress(grpc.aio.AioRpcError, grpc.aio.UsageError):
            response = await self._stub.AcquireKey(request, timeout=self._timeout, metadata=metadata_of(self._token))
            self._later(pb.ReleaseLeaseRequest(lease_id=response.lease.lease_id))

    async def _report(self, request: pb.ReportHeadersRequest) -> RetryAdvice:
        """Reports and waits for the advice; where no server answers, or the program does not wait, the report is queued."""
        if self._closed:
            self._outbox.put(request)
            return UNKNOWN
        try:
            response = await self._stub.ReportHeaders(request, timeout=self._timeout, metadata=metadata_of(self._token))
        except asyncio.CancelledError:
            self._later(request)
            raise
        except grpc.aio.AioRpcError as error:
            failure = error_of(error)
            if isinstance(failure, Unavailable):
                self._later(request)
            else:
                self._count("refused")
                logger.warning("a report was refused: %s", failure)
            return UNKNOWN
        self._count("delivered")
        return advice_of(response)

    async def _renew(self, grant: Grant) -> Renewal:
        try:
            await self._stub.RenewLease(renew_request(grant), timeout=self._timeout, metadata=metadata_of(self._token))
        except grpc.aio.AioRpcError as error:
            return renewal_of(error_of(error))
        except grpc.aio.UsageError:  # the client was closed
            return Renewal.ENDED
        self._count("renewed")
        return Renewal.RENEWED

    def _pump(self) -> None:
        try:
            asyncio.get_running_loop()
        except RuntimeError:  # a body that is collected after its loop: the next call sends what is queued
            return
        while (message := self._outbox.take(time.monotonic())) is not None:
            self._background(self._send(message))

    def _background(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._working.add(task)
        task.add_done_callback(self._working.discard)

    async def _send(self, message: Message) -> None:
        stub = self._stub
        method = cast(Any, stub.ReportHeaders if isinstance(message, pb.ReportHeadersRequest) else stub.ReleaseLease)
        try:
            await method(message, timeout=self._timeout, metadata=metadata_of(self._token))
        except asyncio.CancelledError:
            self._outbox.away(message, time.monotonic())
            raise
        except grpc.aio.UsageError:  # the client was closed
            self._outbox.away(message, time.monotonic())
            return
        except grpc.aio.AioRpcError as error:
            failure = error_of(error)
            if isinstance(failure, Unavailable):
                pause = self._outbox.away(message, time.monotonic())
                asyncio.get_running_loop().call_later(pause, self._pump)
                return
            self._outbox.refused(message)
            logger.warning("a report was refused: %s", failure)
        else:
            self._outbox.delivered(message)
        self._pump()
