"""What may become of a call to the provider."""

from __future__ import annotations

from collections.abc import Callable

import httpx

import keylease


def response(status: int) -> httpx.Response:
    return httpx.Response(status, headers={"retry-after": "7", "set-cookie": "private"}, json={"error": {"type": "made_up"}})


class HasStatus(Exception):
    status_code = 503


class HasResponse(Exception):
    response = response(429)


def raises(error: BaseException, touched: bool = True) -> Callable[[keylease.Key], None]:
    def body(key: keylease.Key) -> None:
        if touched:
            assert key.headers
        raise error

    return body
