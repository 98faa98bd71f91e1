"""Makes an answer of whatever a program got back: a response of any HTTP library, an exception, a status."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from typing import Any

from ._nouns import CALLER_LEFT, NO_RESPONSE, Answer, Usage
from ._usage import usage_of

_LEAVING = (KeyboardInterrupt, SystemExit, GeneratorExit, asyncio.CancelledError)
_NEVER_SENT = frozenset({"PoolTimeout", "UnsupportedProtocol", "LocalProtocolError", "InvalidURL", "HostNotAllowed"})


def status_of(response: object) -> int | None:
    """The HTTP status of a response of httpx, requests, urllib3, aiohttp, http.client or urllib; None: it is none."""
    for name in ("status_code", "status"):
        status = getattr(response, name, None)
        if isinstance(status, int) and not isinstance(status, bool) and 100 <= status <= 599:
            return status
    return None


def is_response(value: object) -> bool:
    """Whether a value is a response of some HTTP library."""
    return status_of(value) is not None and hasattr(value, "headers")


def answer_of_response(response: object, usage: Usage | None) -> Answer:
    """What a response says. Its body is looked at only where it is there already."""
    status = status_of(response)
    if status is None:
        raise TypeError(f"{type(response).__name__} is no HTTP response: give status= and headers= instead")
    body = _body_of(response)
    return Answer(
        status=status,
        headers=_headers_of(response),
        error_body="" if status < 400 else body.decode(errors="replace"),
        usage=usage or (_usage_in(body) if status < 400 else None),
    )


def was_never_sent(error: BaseException) -> bool:
    """Whether an exception of an HTTP library says that no byte left this machine."""
    return any(type(each).__name__ in _NEVER_SENT for each in _chain(error))


def answer_of_exception(error: BaseException) -> Answer:
    """What an exception says about the call that it ended: the status where it carries one, else that nothing came back."""
    for each in _chain(error):
        response = getattr(each, "response", None)
        if is_response(response):
            return answer_of_response(response, None)
        status = status_of(each)
        if status is not None:
            return Answer(status=status)
    return Answer(status=CALLER_LEFT if isinstance(error, _LEAVING) else NO_RESPONSE)


def usage_of_value(value: object) -> Usage | None:
    """The usage that an answer tells which was parsed already, as the packages of the providers return it."""
    dump = getattr(value, "model_dump", None)
    return usage_of(value if dump is None else dump())


def _chain(error: BaseException) -> list[BaseException]:
    chain: list[BaseException] = []
    each: BaseException | None = error
    while each is not None and each not in chain:
        chain.append(each)
        each = each.__cause__
    return chain


def _headers_of(response: Any) -> dict[str, str]:
    headers = response.headers
    pairs = headers.items() if isinstance(headers, Mapping) or hasattr(headers, "items") else headers
    return {str(name): str(value) for name, value in pairs}


def _body_of(response: Any) -> bytes:
    """The body where it was read before; never reads one from the network."""
    for name in ("_content", "_body", "_data"):  # httpx and requests; aiohttp; urllib3: the public names would read
        body = getattr(response, name, None)
        if isinstance(body, bytes):
            return body
    return b""


def _usage_in(body: bytes) -> Usage | None:
    try:
        return usage_of(json.loads(body)) if b"sage" in body else None
    except ValueError:
        return None
