"""What is reported, and how a report reaches a server that is away."""

from __future__ import annotations

import contextlib

import grpc
import pytest
from outcomes import raises, response
from server import Scripted, settled, until

import keylease
from keylease import RetryAction
from keylease.v1 import key_lease_service_pb2 as pb

UNAVAILABLE = grpc.StatusCode.UNAVAILABLE


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
