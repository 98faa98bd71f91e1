"""What a client says to a server, and what it makes of the answers."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import tempfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import grpc
import httpx
import pytest
import trustme
from server import BASE_URL, EXHAUSTED, RETRY_IN_3_S, Scripted, serve, until

import keylease
from keylease import RetryAction
from keylease.v1 import key_lease_service_pb2 as pb

UNAVAILABLE = grpc.StatusCode.UNAVAILABLE


@pytest.fixture
def served() -> Iterator[tuple[Scripted, str]]:
    with serve() as running:
        yield running


def settled(server: Scripted) -> list[tuple[str, int | None]]:
    """How leases ended: reports with their status, and releases."""
    return [
        ("report", request.status_code) if isinstance(request, pb.ReportHeadersRequest) else ("release", None)
        for method, request in server.asked
        if method in ("ReportHeaders", "ReleaseLease")
    ]


def response(status: int) -> httpx.Response:
    return httpx.Response(status, headers={"retry-after": "7", "set-cookie": "private"}, json={"error": {"type": "made_up"}})


class HasStatus(Exception):
    status_code = 503


class HasResponse(Exception):
    response = response(429)


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


def raises(error: BaseException, touched: bool = True) -> Callable[[keylease.Key], None]:
    def body(key: keylease.Key) -> None:
        if touched:
            assert key.headers
        raise error

    return body


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


def test_a_key_is_what_the_server_granted(served: tuple[Scripted, str]) -> None:
    server, address = served
    with (
        keylease.Client(address) as client,
        client.key(
            "pool", model="m", input_tokens=5, output_tokens=0, max_wait=1.5, affinity="x", priority=-2, exclude=["z"], ttl=9
        ) as key,
    ):
        assert (key.key_id, key.pool, key.base_url, key.is_fallback) == ("k1", "pool", BASE_URL, False)
        assert key.headers == {"anthropic-version": "2023-06-01", "x-api-key": "secret-of-k1"}
        assert "secret" not in repr(key.credential)
    (asked,) = server.of(pb.AcquireKeyRequest)
    assert (asked.pool, asked.model, asked.estimated_input_tokens, asked.affinity, asked.priority) == ("pool", "m", 5, "x", -2)
    assert asked.HasField("estimated_output_tokens") and asked.max_wait.ToMilliseconds() == 1_500
    assert list(asked.exclude_key_ids) == ["z"] and asked.ttl.seconds == 9 and asked.request_id != ""


def test_unasked_estimates_are_left_to_the_server(served: tuple[Scripted, str]) -> None:
    server, address = served
    with keylease.Client(address) as client, client.key():
        pass
    (asked,) = server.of(pb.AcquireKeyRequest)
    assert not asked.HasField("estimated_input_tokens") and not asked.HasField("max_wait") and not asked.HasField("ttl")


def test_a_call_nobody_answered_is_repeated_with_the_same_request_id(served: tuple[Scripted, str]) -> None:
    server, address = served
    server.failures["AcquireKey"] = [UNAVAILABLE, UNAVAILABLE]
    with keylease.Client(address) as client, client.key("pool"):
        pass
    assert len({asked.request_id for asked in server.of(pb.AcquireKeyRequest)}) == 1
    assert len(server.of(pb.AcquireKeyRequest)) == 3


def test_two_keys_have_two_request_ids(served: tuple[Scripted, str]) -> None:
    server, address = served
    with keylease.Client(address) as client, client.key("pool"), client.key("pool"):
        pass
    assert len({asked.request_id for asked in server.of(pb.AcquireKeyRequest)}) == 2


def test_a_refusal_tells_its_reason_and_when_to_ask_again(served: tuple[Scripted, str]) -> None:
    server, address = served
    server.failures["AcquireKey"] = [grpc.StatusCode.RESOURCE_EXHAUSTED]
    server.details = [EXHAUSTED, RETRY_IN_3_S]
    with keylease.Client(address) as client, pytest.raises(keylease.NoRoom) as refused, client.key("pool"):
        pass
    assert (refused.value.reason, refused.value.retry_after, str(refused.value)) == ("ALL_KEYS_EXHAUSTED", 3.0, "scripted")
    assert len(server.of(pb.AcquireKeyRequest)) == 1


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        (grpc.StatusCode.FAILED_PRECONDITION, keylease.Impossible),
        (grpc.StatusCode.NOT_FOUND, keylease.KeyLeaseError),
        (grpc.StatusCode.UNAUTHENTICATED, keylease.KeyLeaseError),
    ],
)
def test_other_refusals(served: tuple[Scripted, str], code: grpc.StatusCode, kind: type[Exception]) -> None:
    server, address = served
    server.failures["AcquireKey"] = [code]
    with keylease.Client(address) as client, pytest.raises(kind) as refused, client.key("pool"):
        pass
    assert type(refused.value) is kind and isinstance(refused.value, keylease.KeyLeaseError) and refused.value.code is code


def nobody() -> str:
    """An address on which nobody listens."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        return f"127.0.0.1:{listening.getsockname()[1]}"


def test_without_a_server_no_key_is_leased() -> None:
    with keylease.Client(nobody(), timeout=0.3) as client, pytest.raises(keylease.Unavailable) as failed, client.key("pool"):
        pass
    assert failed.value.reason == "UNAVAILABLE"


def test_a_fallback_serves_its_pool_alone_and_reports_nothing() -> None:
    credential = keylease.Credential("fallback", "https://api.example.com", "authorization")
    with keylease.Client(nobody(), timeout=0.3, fallback={"one": credential}) as client:
        with client.key("one") as key:
            assert key.is_fallback and key.headers == {"authorization": "Bearer fallback"}
            assert key.report(status=500).action is RetryAction.UNKNOWN
        with pytest.raises(keylease.Unavailable), client.key("two"):
            pass
        assert (client.stats().fallbacks, client.stats().queued) == (1, 0)


def test_with_a_fallback_at_hand_nobody_waits_for_a_server_for_long(served: tuple[Scripted, str]) -> None:
    server, address = served
    server.failures["AcquireKey"] = [UNAVAILABLE] * 20
    fallback = {"pool": keylease.Credential("fallback", BASE_URL)}
    with keylease.Client(address, fallback=fallback) as client, client.key("pool") as key:
        assert key.is_fallback
    assert len(server.of(pb.AcquireKeyRequest)) == 2


def test_a_refusal_is_no_case_for_a_fallback(served: tuple[Scripted, str]) -> None:
    server, address = served
    server.failures["AcquireKey"] = [grpc.StatusCode.RESOURCE_EXHAUSTED]
    fallback = {"pool": keylease.Credential("fallback", BASE_URL)}
    with keylease.Client(address, fallback=fallback) as client, pytest.raises(keylease.NoRoom), client.key("pool"):
        pass


def test_what_a_call_expected_to_use_counts_as_used_where_the_program_left_it(served: tuple[Scripted, str]) -> None:
    server, address = served
    with keylease.Client(address) as client:
        with contextlib.suppress(KeyboardInterrupt), client.key("pool", input_tokens=3, output_tokens=4) as key:
            raises(KeyboardInterrupt())(key)
        until(lambda: client.stats().delivered == 1)
    (report,) = server.of(pb.ReportHeadersRequest)
    assert (report.usage.input_tokens, report.usage.output_tokens) == (3, 4)


def test_a_report_carries_what_the_provider_answered_and_nothing_private(served: tuple[Scripted, str]) -> None:
    server, address = served
    server.action = pb.RETRY_ACTION_AFTER_DELAY
    with keylease.Client(address) as client, client.key("pool") as key:
        assert key.headers
        assert key.report(response(429)).action is RetryAction.AFTER_DELAY
    (report,) = server.of(pb.ReportHeadersRequest)
    assert dict(report.headers) == {"retry-after": "7"}
    assert "made_up" in report.error_body
    assert report.request_time.ToNanoseconds() <= report.response_time.ToNanoseconds()


@pytest.mark.parametrize(
    ("failures", "stats"),
    [
        ([UNAVAILABLE, grpc.StatusCode.DEADLINE_EXCEEDED], {"delivered": 1, "refused": 0, "queued": 0}),
        ([grpc.StatusCode.NOT_FOUND], {"delivered": 0, "refused": 1, "queued": 0}),
    ],
)
@pytest.mark.parametrize("status", [200, 500], ids=["well", "failed"])
def test_reports_wait_for_a_server_that_is_away(
    served: tuple[Scripted, str], failures: list[grpc.StatusCode], stats: dict[str, int], status: int
) -> None:
    server, address = served
    server.failures["ReportHeaders"] = list(failures)
    with keylease.Client(address) as client:
        with client.key("pool") as key:
            key.report(status=status)
        until(lambda: {name: getattr(client.stats(), name) for name in stats} == stats)


async def test_async_reports_wait_for_a_server_that_is_away(served: tuple[Scripted, str]) -> None:
    server, address = served
    server.failures["ReportHeaders"] = [UNAVAILABLE]
    async with keylease.AsyncClient(address) as client, client.key("pool") as key:
        await key.report(status=200)
    assert settled(server) == [("report", 200), ("report", 200)]
    assert client.stats().delivered == 1


def test_what_is_not_delivered_when_a_client_closes_is_counted(served: tuple[Scripted, str]) -> None:
    server, address = served
    server.failures["ReportHeaders"] = [UNAVAILABLE] * 100
    client = keylease.Client(address, timeout=0.3)
    with client.key("pool") as key:
        key.report(status=200)
    client.close()
    assert (client.stats().queued, client.stats().dropped) == (0, 1)
    with pytest.raises(RuntimeError), client.key("pool"):
        pass


def test_a_lease_is_renewed_while_its_block_runs_and_not_afterwards(served: tuple[Scripted, str]) -> None:
    server, address = served
    server.ttl = 0.1
    server.failures["RenewLease"] = [UNAVAILABLE]
    with keylease.Client(address) as client:
        with client.key("pool"):
            until(lambda: client.stats().renewed >= 2)
        until(lambda: settled(server) == [("release", None)])
        asked = len(server.of(pb.RenewLeaseRequest))
        with client.key("pool"):
            until(lambda: any(each.lease_id == "lease-of-k2" for each in server.of(pb.RenewLeaseRequest)))
        # One renewal may have been under way when the block ended.
        assert len([each for each in server.of(pb.RenewLeaseRequest) if each.lease_id == "lease-of-k1"]) <= asked + 1
    assert server.of(pb.RenewLeaseRequest)[0].ttl.ToMilliseconds() == 100


async def test_async_lease_is_renewed_while_its_block_runs(served: tuple[Scripted, str]) -> None:
    server, address = served
    server.ttl = 0.1
    async with keylease.AsyncClient(address) as client, client.key("pool"):
        await asyncio.to_thread(until, lambda: client.stats().renewed >= 2)


def test_an_ended_lease_is_not_renewed_again(served: tuple[Scripted, str]) -> None:
    server, address = served
    server.ttl = 0.05
    server.failures["RenewLease"] = [grpc.StatusCode.NOT_FOUND]
    with keylease.Client(address) as client:
        with client.key("pool"):
            until(lambda: server.of(pb.RenewLeaseRequest) != [])
            with client.key("pool"):
                until(lambda: len(server.of(pb.RenewLeaseRequest)) >= 4)
        assert len([each for each in server.of(pb.RenewLeaseRequest) if each.lease_id == "lease-of-k1"]) == 1


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


def test_the_usage_of_an_answer_that_was_parsed_already_is_reported(served: tuple[Scripted, str]) -> None:
    server, address = served

    def ask(key: keylease.Key) -> dict[str, object]:
        assert key.secret
        return {"usage": {"input_tokens": 3, "output_tokens": 4}}

    with keylease.Client(address) as client:
        client.call("pool", ask)
        until(lambda: client.stats().delivered == 1)
    (report,) = server.of(pb.ReportHeadersRequest)
    assert (report.usage.input_tokens, report.usage.output_tokens) == (3, 4)


async def test_a_lease_that_may_have_been_granted_to_a_call_that_was_cancelled_is_given_back(served: tuple[Scripted, str]) -> None:
    server, address = served
    async with keylease.AsyncClient(address) as client:
        asking = asyncio.create_task(client.key("pool").__aenter__())
        while not server.of(pb.AcquireKeyRequest):
            await asyncio.sleep(0)
        asking.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asking
    assert settled(server) == [("release", None)]
    assert len({asked.request_id for asked in server.of(pb.AcquireKeyRequest)}) == 1


@pytest.mark.parametrize("token", ["open", lambda: "open"], ids=["a text", "a function"])
def test_a_token_goes_with_every_call(served: tuple[Scripted, str], token: Any) -> None:
    server, address = served
    with keylease.Client(address, token=token) as client:
        with client.key("pool") as key:
            key.report(status=500)
        with client.key("pool"):
            pass
        until(lambda: len(settled(server)) == 2)
    assert {each.get("authorization") for each in server.metadata} == {"Bearer open"}


async def test_closing_twice_changes_nothing(served: tuple[Scripted, str]) -> None:
    _, address = served
    client, async_client = keylease.Client(address), keylease.AsyncClient(address)
    async with async_client.key("pool"):
        pass
    for _ in range(2):
        client.close()
        await async_client.aclose()
    with pytest.raises(RuntimeError):
        await async_client.key("pool").__aenter__()


async def test_async_token(served: tuple[Scripted, str]) -> None:
    server, address = served
    async with keylease.AsyncClient(address, token="open") as client, client.key("pool") as key:
        await key.report(status=500)
    assert {each.get("authorization") for each in server.metadata} == {"Bearer open"}


@pytest.mark.parametrize(
    ("address", "safe"),
    [
        ("127.0.0.1:50051", True),
        ("[::1]:50051", True),
        ("localhost:50051", True),
        ("dns:///localhost:50051", True),
        ("unix:/run/keylease.sock", True),
        ("10.0.0.7:50051", False),
        ("keylease.internal:50051", False),
    ],
)
def test_a_token_does_not_travel_in_the_clear(address: str, safe: bool) -> None:
    def make() -> None:
        keylease.Client(address, token="open").close()

    if safe:
        make()
    else:
        with pytest.raises(ValueError, match="in the clear"):
            make()
    keylease.Client(address, token="open", tls=keylease.TLS()).close()


def test_unix_socket() -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = f"unix:{Path(folder) / 'keylease.sock'}"
        with serve(path) as (_, address), keylease.Client(address, token="open") as client, client.key("pool") as key:
            assert key.key_id == "k1"


async def test_tls_on_both_sides() -> None:
    authority = trustme.CA()
    server_side, client_side = authority.issue_cert("localhost"), authority.issue_cert("caller")
    ca = authority.cert_pem.bytes()
    pair = (server_side.private_key_pem.bytes(), server_side.cert_chain_pems[0].bytes())
    credentials = grpc.ssl_server_credentials([pair], ca, require_client_auth=True)
    tls = keylease.TLS(
        ca=ca, certificate=client_side.cert_chain_pems[0].bytes(), key=client_side.private_key_pem.bytes(), server_name="localhost"
    )
    with serve(credentials=credentials) as (_, address):
        with keylease.Client(address, tls=tls) as client, client.key("pool") as key:
            assert key.key_id == "k1"
        async with keylease.AsyncClient(address, tls=tls) as async_client, async_client.key("pool") as async_key:
            assert async_key.key_id == "k2"
        stranger = keylease.Client(address, tls=keylease.TLS(ca=ca), timeout=0.5)
        with stranger, pytest.raises(keylease.Unavailable), stranger.key("pool"):
            pass
