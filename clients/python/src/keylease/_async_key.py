"""A leased key, for programs that await."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from types import TracebackType
from typing import TYPE_CHECKING, Any, TypeVar, cast

from ._key_core import KeyCore, Outcome
from ._nouns import Answer, Demand, Renewal, RetryAdvice, Usage
from ._reading import answer_of_response, is_response, status_of
from ._tee import unread_family
from ._wire import report_request

if TYPE_CHECKING:
    from typing_extensions import Self

    from ._async_client import AsyncClient

T = TypeVar("T")


class AsyncKey(KeyCore):
    """A leased key within its `async with` block."""

    def __init__(self, client: AsyncClient, pool: str, demand: Demand) -> None:
        super().__init__(client, pool, demand)
        self._client = client
        self._renewals: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        await self._open()
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        await self._close(error)

    async def report(
        self,
        response: object = None,
        *,
        status: int | None = None,
        headers: Mapping[str, str] | None = None,
        error_body: str = "",
        usage: Usage | None = None,
    ) -> RetryAdvice:
        """Tells what the provider answered, and answers with the server's advice: as `Key.report`."""
        if response is None:
            if status is None:
                raise TypeError("report() needs a response or a status")
            return await self._settle(Answer(status, headers or {}, error_body, usage))
        family = unread_family(response)
        if family is not None and (status_of(response) or 0) < 400 and usage is None:
            reader = self._begin_stream(answer_of_response(response, None))
            unread = cast(Any, response)
            unread.stream = family.async_body(unread.stream, reader, self._end_stream)
            return self.advice
        if family is not None and (status_of(response) or 0) >= 400:
            await cast(Any, response).aread()
        return await self._settle(answer_of_response(response, usage))

    def release(self) -> None:
        """Gives the key back: the call was not made."""
        self._release_later()

    async def _open(self) -> None:
        self._begin(await self._client._acquire(self._asked_pool, self._demand))
        self._renewals = asyncio.create_task(self._keep_renewing())

    async def _close(self, error: BaseException | None, value: object = None) -> RetryAdvice:
        if self._settle_unasked(error):
            return self.advice
        return await self._settle(self._answer_at_end(error, value))

    async def _settle(self, answer: Answer) -> RetryAdvice:
        if not self._settle_at_once(answer) and self._end():
            self.advice = await self._client._report(report_request(self.lease_id, self._stamped(answer)))
        return self.advice

    async def _attempt(self, fn: Callable[[AsyncKey], Awaitable[T]]) -> Outcome[T]:
        """Calls `fn`, and settles by what it returns or raises what it did not settle itself."""
        try:
            value = await fn(self)
        except Exception as error:
            return Outcome(None, error, await self._close(error))
        except BaseException as error:
            await self._close(error)
            raise
        if self._settled or self._heard is not None:
            return Outcome(value, None, self.advice)
        return Outcome(value, None, await (self.report(value) if is_response(value) else self._close(None, value)))

    async def _keep_renewing(self) -> None:
        last = Renewal.RENEWED
        while (seconds := self._renew_in(last)) is not None:
            await asyncio.sleep(seconds)
            last = await self._client._renew(self._granted())

    def _stop_renewing(self) -> None:
        if self._renewals is not None and not self._renewals.get_loop().is_closed():
            self._renewals.cancel()
