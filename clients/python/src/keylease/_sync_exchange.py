"""One HTTP request with a leased key, for programs that wait."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from typing import Any

from ._client import Client
from ._core import excluding
from ._errors import KeyLeaseError
from ._exchange import ERROR_BYTES_MAX, Policy, answer_of, body_of, is_error, leased_headers
from ._key import Key
from ._key_core import Outcome
from ._nouns import Demand, RetryAdvice
from ._tee import Family


class Exchange:
    """Sends requests of one library through `send`, each with a key of its own."""

    def __init__(self, client: Client, policy: Policy, family: Family, send: Callable[[Any], Any]) -> None:
        self._client = client
        self._policy = policy
        self._family = family
        self._send = send

    def handle(self, request: Any) -> Any:
        """Answers with the response to the request; once more with another key where the server advises it."""
        self._policy.check(str(request.url))
        body = body_of(request)
        demand = self._policy.demand_of(str(request.url), body)
        first = self._lease(request, demand)
        outcome = self._attempt(first, request)
        if outcome.asks_for_another_key and body is not None:
            try:
                second = self._lease(request, excluding(demand, first._granted()))
            except KeyLeaseError:
                return outcome.result()
            self._client._count("retries")
            if outcome.value is not None:
                outcome.value.stream.close()
            outcome = self._attempt(second, request)
        return outcome.result()

    def _lease(self, request: Any, demand: Demand) -> Key:
        key = self._client.key(self._policy.pool, **demand)
        key._open()
        try:
            self._policy.check_credential(str(request.url), key._granted().credential)
        except Exception:
            key.release()
            raise
        return key

    def _attempt(self, key: Key, request: Any) -> Outcome[Any]:
        leased = self._family.request(
            request.method,
            request.url,
            headers=leased_headers(request.headers, key.credential),
            stream=request.stream,
            extensions=request.extensions,
        )
        try:
            response = self._send(leased)
        except Exception as error:
            return Outcome(None, error, key._close(error))
        except BaseException as error:
            key._close(error)
            raise
        if is_error(response):
            return Outcome(response, None, self._read_error(key, response))
        if response.is_closed:  # a transport that had the whole answer at hand, such as a cache
            return Outcome(response, None, key.report(response))
        reader = key._begin_stream(answer_of(response))
        response.stream = self._family.body(response.stream, reader, key._end_stream)
        return Outcome(response, None, key.advice)

    def _read_error(self, key: Key, response: Any) -> RetryAdvice:
        """Reports an error with the beginning of its body, which then goes on to the program from its beginning."""
        beginning = bytearray()
        chunks = iter(response.stream)
        with contextlib.suppress(Exception):  # what came until then is the body
            while len(beginning) < ERROR_BYTES_MAX and (chunk := next(chunks, None)) is not None:
                beginning += chunk
        response.stream = self._family.body(response.stream, start=bytes(beginning), rest=chunks)
        return key._settle(answer_of(response, bytes(beginning)))
