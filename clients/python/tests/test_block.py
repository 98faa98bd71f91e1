"""How a lease ends with its block."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import httpx
import pytest
from outcomes import HasResponse, HasStatus, raises, response
from server import Scripted, settled, until

import keylease


def leave_alone(key: keylease.Key) -> None:
    pass


def touch(key: keylease.Key) -> None:
    assert key.headers


def report_429(key: keylease.Key) -> None:
    assert key.headers
    key.report(response(429))


def report_twice(key: keylease.Key) -> None:
    assert key.secret
    key.report(response(200))
    key.report(response(500))


BLOCKS: list[tuple[str, Callable[[keylease.Key], None], list[tuple[str, int | None]]]] = [
    ("a block that never touched the credential gives it back", leave_alone, [("release", None)]),
    ("a block that used it and ended well is reported as well", touch, [("report", 200)]),
    ("what was reported is not reported again", report_429, [("report", 429)]),
    ("the first report settles", report_twice, [("report", 200)]),
    ("an exception before the credential was touched gives it back", raises(ValueError(), touched=False), [("release", None)]),
    ("an exception without a status is no response", raises(ValueError()), [("report", 0)]),
    ("an exception with a status is that", raises(HasStatus()), [("report", 503)]),
    ("an exception with a response is that", raises(HasResponse()), [("report", 429)]),
    ("a connection that broke is no response", raises(httpx.ReadError("broken")), [("report", 0)]),
    ("a request that never left gives it back", raises(httpx.PoolTimeout("full")), [("release", None)]),
    ("a program that went away is no fault of the key", raises(KeyboardInterrupt()), [("report", 499)]),
]


@pytest.mark.parametrize(("body", "ended"), [pytest.param(body, ended, id=name) for name, body, ended in BLOCKS])
def test_block(served: tuple[Scripted, str], body: Callable[[keylease.Key], None], ended: list[tuple[str, int | None]]) -> None:
    server, address = served
    with keylease.Client(address) as client:
        try:
            with client.key("pool", model="m") as key:
                body(key)
        except BaseException as error:
            assert not isinstance(error, AssertionError)
        until(lambda: settled(server) != [] and client.stats().queued == 0)
    assert settled(server) == ended


@pytest.mark.parametrize(("body", "ended"), [pytest.param(body, ended, id=name) for name, body, ended in BLOCKS])
async def test_async_block(served: tuple[Scripted, str], body: Callable[[keylease.Key], None], ended: list[tuple[str, int | None]]) -> None:
    server, address = served

    class Blocking:
        """Takes the reports of the synchronous bodies above."""

        def __init__(self, key: keylease.AsyncKey) -> None:
            self._key = key
            self.reports: list[Any] = []

        def __getattr__(self, name: str) -> Any:
            return getattr(self._key, name)

        def report(self, response: object) -> None:
            self.reports.append(response)

    async with keylease.AsyncClient(address) as client:
        try:
            async with client.key("pool", model="m") as key:
                blocking: Any = Blocking(key)
                body(blocking)
                for each in blocking.reports:
                    await key.report(each)
        except BaseException as error:
            assert not isinstance(error, AssertionError)
    assert settled(server) == ended
