"""Adapters for httpx2: `http_client=httpx2.Client(transport=LeasedTransport(client, "pool"))` leases a key for each request.

The packages anthropic and openai take clients of httpx2 in their present versions; older ones take clients of httpx.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, cast

import httpx2

from ._async_client import AsyncClient
from ._async_exchange import AsyncExchange
from ._client import Client
from ._exchange import policy_of
from ._sync_exchange import Exchange
from ._tee import AsyncTee, Family, SyncTee

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from ._nouns import Demand

_LIMITS = httpx2.Limits(max_connections=1_000, max_keepalive_connections=100)


class _Body(SyncTee, httpx2.SyncByteStream):
    pass


class _AsyncBody(AsyncTee, httpx2.AsyncByteStream):
    pass


FAMILY = Family(httpx2.Request, _Body, _AsyncBody)


class LeasedTransport(httpx2.BaseTransport):
    """Sends each request with a leased key, and reports what came back.

    The key goes to `hosts` alone; left out: to the host that the server names for the pool. Requests to others raise HostNotAllowed.
    The demand is read from the JSON of the request; `affinity`, `priority` and the rest are what every request asks for beyond that.
    A request waits in line for at most `max_wait` seconds, 30 where it is left out.
    """

    def __init__(
        self,
        client: Client,
        pool: str = "",
        *,
        hosts: Iterable[str] | None = None,
        transport: httpx2.BaseTransport | None = None,
        **demand: Unpack[Demand],
    ) -> None:
        self._inner = transport or httpx2.HTTPTransport(limits=_LIMITS)
        self._exchange = Exchange(client, policy_of(pool, hosts, demand), FAMILY, self._inner.handle_request)

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        return cast(httpx2.Response, self._exchange.handle(request))

    def close(self) -> None:
        self._inner.close()


class AsyncLeasedTransport(httpx2.AsyncBaseTransport):
    """The same for programs that await."""

    def __init__(
        self,
        client: AsyncClient,
        pool: str = "",
        *,
        hosts: Iterable[str] | None = None,
        transport: httpx2.AsyncBaseTransport | None = None,
        **demand: Unpack[Demand],
    ) -> None:
        self._inner = transport or httpx2.AsyncHTTPTransport(limits=_LIMITS)
        self._exchange = AsyncExchange(client, policy_of(pool, hosts, demand), FAMILY, self._inner.handle_async_request)

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        return cast(httpx2.Response, await self._exchange.handle(request))

    async def aclose(self) -> None:
        await self._inner.aclose()
