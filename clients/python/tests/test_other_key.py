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


@pytest.mark.parametrize(("asked", "again"), [(60.0, 2.0), (0.5, 0.5)])
def test_another_key_is_not_waited_for_as_long_as_the_first(served: tuple[Scripted, str], asked: float, again: float) -> None:
    server, address = served
    server.action = pb.RETRY_ACTION_OTHER_KEY
    with keylease.Client(address) as client:
        client.call("pool", lambda _: response(500), max_wait=asked)
    waits = [each.max_wait.ToTimedelta().total_seconds() for each in server.of(pb.AcquireKeyRequest)]
    assert waits == [asked, again]


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
