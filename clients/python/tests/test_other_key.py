"""A call that is made again on another key."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Mapping
from typing import Any

import grpc
import httpx
import pytest
from outcomes import HasStatus, raises, response
from server import Scripted

import keylease
from keylease._nouns import Demand
from keylease.v1 import key_lease_service_pb2 as pb


@pytest.mark.parametrize(
    ("action", "asked"),
    [(pb.RETRY_ACTION_OTHER_KEY, [[], ["k1"]]), (pb.RETRY_ACTION_AFTER_DELAY, [[]]), (pb.RETRY_ACTION_DO_NOT_RETRY, [[]])],
)
@pytest.mark.parametrize("fails", [lambda: response(500), lambda: raises(HasStatus())], ids=["returns", "raises"])
def test_a_call_is_made_again_once_where_the_server_advises_another_key(
    served: tuple[Scripted, str], action: int, asked: list[list[str]], fails: Callable[[], Any]
) -> None:
    server, address = served
    server.action = action

    def ask(key: keylease.Key) -> Any:
        assert key.headers
        outcome = fails()
        return outcome(key) if callable(outcome) else outcome

    with keylease.Client(address) as client:
        with contextlib.suppress(HasStatus):
            assert client.call("pool", ask).status_code == 500
        assert client.stats().retries == len(asked) - 1
    assert [list(each.exclude_key_ids) for each in server.of(pb.AcquireKeyRequest)] == asked


IN_LINE = [
    pytest.param(60.0, 0.0, 60.0, id="nothing was waited, and all of it is left"),
    pytest.param(60.0, 45.5, 14.5, id="what was waited is taken off"),
    pytest.param(1.0, 1.25, 0.0, id="nothing is left"),
    pytest.param(None, 0.0, None, id="who did not want to wait does not"),
]


def waits(server: Scripted) -> list[float | None]:
    """How long each key was to be waited for."""
    asked = server.of(pb.AcquireKeyRequest)
    return [each.max_wait.ToTimedelta().total_seconds() if each.HasField("max_wait") else None for each in asked]


def demand_of(max_wait: float | None) -> Demand:
    return {} if max_wait is None else {"max_wait": max_wait}


@pytest.mark.parametrize(("asked", "waited", "left"), IN_LINE)
def test_another_key_is_waited_for_as_long_as_the_first_has_left(
    served: tuple[Scripted, str], asked: float | None, waited: float, left: float | None
) -> None:
    server, address = served
    server.action, server.waited = pb.RETRY_ACTION_OTHER_KEY, waited
    with keylease.Client(address) as client:
        client.call("pool", lambda _: response(500), **demand_of(asked))
    assert waits(server) == [asked, left]


@pytest.mark.parametrize(("asked", "waited", "left"), IN_LINE)
async def test_async_another_key_is_waited_for_as_long_as_the_first_has_left(
    served: tuple[Scripted, str], asked: float | None, waited: float, left: float | None
) -> None:
    server, address = served
    server.action, server.waited = pb.RETRY_ACTION_OTHER_KEY, waited

    async def ask(_: keylease.AsyncKey) -> httpx.Response:
        return response(500)

    async with keylease.AsyncClient(address) as client:
        await client.call("pool", ask, **demand_of(asked))
    assert waits(server) == [asked, left]


class Closing:
    """A response of some library, which is to be closed."""

    status_code = 500
    headers: Mapping[str, str] = {}
    closed = False

    def close(self) -> None:
        self.closed = True


def test_the_answer_that_is_not_given_to_the_program_is_closed(served: tuple[Scripted, str]) -> None:
    server, address = served
    server.action = pb.RETRY_ACTION_OTHER_KEY
    first, second = Closing(), Closing()
    answers = [first, second]
    with keylease.Client(address) as client:
        assert client.call("pool", lambda _: answers.pop(0)) is second
    assert (first.closed, second.closed) == (True, False)


def test_the_first_outcome_stands_where_no_other_key_has_room(served: tuple[Scripted, str]) -> None:
    server, address = served
    server.action = pb.RETRY_ACTION_OTHER_KEY

    def ask(key: keylease.Key) -> httpx.Response:
        server.failures["AcquireKey"] = [grpc.StatusCode.RESOURCE_EXHAUSTED]
        return response(500)

    with keylease.Client(address) as client:
        assert client.call("pool", ask).status_code == 500
        assert client.stats().retries == 0
