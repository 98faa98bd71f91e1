"""One HTTP request with a leased key, for programs that await."""

from __future__ import annotations

import contextlib
from collections.abc import Awaitable, Callable
from typing import Any

from ._async_client import AsyncClient
from ._async_key import AsyncKey
from ._core import excluding
from ._errors import KeyLeaseError
from ._exchange import ERROR_BYTES_MAX, Policy, answer_of, body_of, is_error, leased_headers
from ._key_core import Outcome
from ._nouns import Demand, RetryAdvice
from ._tee import Family


class AsyncExchange:
    """Sends requests of one library through `send`, each with a key of its own."""

    def __init__(self, client: AsyncClient, policy: Policy, family: Family, send: Callable[[Any], Awaitable[Any]]) -> None:
        self._client = client
        self._policy = policy
        self._family = family
        self._send = send

    async def handle(self, request: Any) -> Any:
        """Answers with the response to the request; once more with another key where the server advises it."""
        self._policy.check(str(request.url))
        body = body_of(request)
        demand = self._policy.demand_of(str(request.url), body)
        first = await self._lease(request, demand)
        outcome = await self._attempt(first, request)
        if outcome.asks_for_another_key and body is not None:
            try:
                second = await self._lease(request, excluding(demand, first._granted()))
            except KeyLeaseError:
                return outcome.result()
            self._client._count("retries")
            if outcome.value is not None:
                await outcome.value.stream.aclose()
            outcome = await self._attempt(second, request)
        return outcome.result()

    async def _lease(self, request: Any, demand: Demand) -> AsyncKey:
        key = self._client.key(self._policy.pool, **demand)
        await key._open()
        try:
            self._policy.check_credential(str(request.url), key._granted().credential)
        except Exception:
            key.release()
            raise
        return key

    async def _attempt(self, key: AsyncKey, request: Any) -> Outcome[Any]:
        leased = self._family.request(
            request.method,
            request.url,
            headers=leased_headers(request.headers, key.credential),
            stream=request.stream,
            extensions=request.extensions,
        )
        try:
            response = await self._send(leased)
        except Exception as error:
            return Outcome(None, error, await key._close(error))
        except BaseException as error:
            await key._close(error)
            raise
        if is_error(response):
            return Outcome(response, None, await self._read_error(key, response))
        if response.is_closed:  # a transport that had the whole answer at hand, such as a cache
            return Outcome(response, None, await key.report(response))
        reader = key._begin_stream(answer_of(response))
        response.stream = self._family.async_body(response.stream, reader, key._end_stream)
        return Outcome(response, None, key.advice)

    async def _read_error(self, key: AsyncKey, response: Any) -> RetryAdvice:
        """Reports an error with the beginning of its body, which then goes on to the program from its beginning."""
        beginning = bytearray()
        chunks = aiter(response.stream)
        with contextlib.suppress(Exception):  # what came until then is the body
            while len(beginning) < ERROR_BYTES_MAX and (chunk := await anext(chunks, None)) is not None:
                beginning += chunk
        response.stream = self._family.async_body(response.stream, start=bytes(beginning), rest=chunks)
        return await key._settle(answer_of(response, bytes(beginning)))
