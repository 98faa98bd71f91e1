"""Decisions without wire and without clock."""

from __future__ import annotations

import gzip
import json
import zlib
from typing import Any

import pytest

from keylease import Usage
from keylease._body import BodyReader
from keylease._hosts import origin_of
from keylease._outbox import PAUSE_FIRST, PAUSE_MAX, UNDER_WAY_MAX, Outbox
from keylease._question import demand_of
from keylease._usage import usage_of
from keylease._wire import limit_headers
from keylease.v1 import key_lease_service_pb2 as pb

USAGES: list[tuple[str, Any, Usage | None]] = [
    (
        "Anthropic counts caches apart",
        {"usage": {"input_tokens": 5, "output_tokens": 7, "cache_read_input_tokens": 11, "cache_creation_input_tokens": 13}},
        Usage(5, 7, 11, 13),
    ),
    (
        "Anthropic without caches tells null",
        {"usage": {"input_tokens": 5, "output_tokens": 7, "cache_read_input_tokens": None}},
        Usage(5, 7),
    ),
    (
        "OpenAI's prompt contains what a cache served",
        {"usage": {"prompt_tokens": 10, "completion_tokens": 3, "prompt_tokens_details": {"cached_tokens": 4}}},
        Usage(6, 3, 4),
    ),
    ("embeddings have no answer", {"usage": {"prompt_tokens": 10, "total_tokens": 10}}, Usage(10, 0)),
    (
        "so do the input tokens of its responses",
        {"usage": {"input_tokens": 10, "output_tokens": 3, "total_tokens": 13, "input_tokens_details": {"cached_tokens": 4}}},
        Usage(6, 3, 4),
    ),
    (
        "the last event of a response",
        {"type": "response.completed", "response": {"usage": {"input_tokens": 10, "output_tokens": 3, "total_tokens": 13}}},
        Usage(10, 3),
    ),
    (
        "Gemini thinks aloud",
        {"usageMetadata": {"promptTokenCount": 9, "cachedContentTokenCount": 2, "candidatesTokenCount": 3, "thoughtsTokenCount": 4}},
        Usage(7, 7, 2),
    ),
    ("an answer without usage", {"id": "x"}, None),
    ("a chunk before the last", {"choices": [], "usage": None}, None),
    ("numbers that are none", {"usage": {"input_tokens": "5", "output_tokens": -1}}, Usage(0, 0)),
    ("no object", ["usage"], None),
]


@pytest.mark.parametrize(("body", "usage"), [pytest.param(body, usage, id=name) for name, body, usage in USAGES])
def test_usage(body: Any, usage: Usage | None) -> None:
    assert usage_of(body) == usage


def sse(*events: Any) -> bytes:
    return b"".join(b"data: " + json.dumps(event).encode() + b"\r\n\r\n" for event in events)


ANTHROPIC = sse(
    {"type": "message_start", "message": {"usage": {"input_tokens": 5, "cache_read_input_tokens": 2, "output_tokens": 1}}},
    {"type": "content_block_delta", "delta": {"text": '"usage"'}},
    {"type": "message_delta", "usage": {"output_tokens": 9}},
)
CHAT = sse({"choices": [{}], "usage": None}, {"choices": [], "usage": {"prompt_tokens": 5, "completion_tokens": 9}}) + b"data: [DONE]\n\n"
LONG = b"data: " + b"x" * 3_000_000 + b"\n\n" + sse({"usage": {"prompt_tokens": 5, "completion_tokens": 9}})
BODIES: list[tuple[str, dict[str, str], bytes, Usage | None]] = [
    ("the usage of Anthropic stands in two events", {"content-type": "text/event-stream"}, ANTHROPIC, Usage(5, 9, 2)),
    ("that of OpenAI in the last", {"content-type": "text/event-stream; charset=utf-8"}, CHAT, Usage(5, 9)),
    ("a stream that is left tells none", {"content-type": "text/event-stream"}, ANTHROPIC[:150], None),
    ("a line beyond the bound is passed over", {"content-type": "text/event-stream"}, LONG, Usage(5, 9)),
    ("data that is no JSON", {"content-type": "text/event-stream"}, b'data: "usage\n\ndata: ["usage"]\n\n' + CHAT, Usage(5, 9)),
    ("JSON", {"content-type": "application/json"}, b'{"usage": {"prompt_tokens": 5}}', Usage(5)),
    ("JSON that was cut", {"content-type": "application/json"}, b'{"usage": {"prompt_tokens": 5}', None),
    ("a long JSON", {"content-type": "application/json"}, b'{"x": "' + b"x" * 5_000_000 + b'", "usage": {"prompt_tokens": 5}}', None),
    ("gzip", {"content-type": "text/event-stream", "content-encoding": "gzip"}, gzip.compress(CHAT), Usage(5, 9)),
    ("deflate", {"content-type": "text/event-stream", "content-encoding": "deflate"}, zlib.compress(CHAT), Usage(5, 9)),
    ("an encoding that cannot be read", {"content-type": "text/event-stream", "content-encoding": "br"}, CHAT, None),
    ("no gzip after all", {"content-type": "application/json", "content-encoding": "gzip"}, b'{"usage": {"prompt_tokens": 5}}', None),
    ("text", {"content-type": "text/plain"}, b'{"usage": {"prompt_tokens": 5}}', None),
]


@pytest.mark.parametrize("size", [1, 7, 65_536])
@pytest.mark.parametrize(("headers", "body", "usage"), [pytest.param(*row, id=name) for name, *row in BODIES])
def test_body(headers: dict[str, str], body: bytes, usage: Usage | None, size: int) -> None:
    step = max(size, len(body) // 5_000)
    reader = BodyReader(headers)
    for start in range(0, len(body), step):
        reader.feed(body[start : start + step])
    assert reader.usage == usage


@pytest.mark.parametrize(
    ("error", "status"),
    [
        ({"type": "error", "error": {"type": "overloaded_error"}}, 529),
        ({"error": {"code": "rate_limit_exceeded", "type": "tokens"}}, 429),
        ({"error": {"type": "server_error"}}, 500),
    ],
)
def test_error_within_a_stream(error: Any, status: int) -> None:
    reader = BodyReader({"content-type": "text/event-stream"})
    reader.feed(sse(error))
    assert reader.error is not None and reader.error.status == status


MESSAGES = "https://api.example.com/v1/messages"
QUESTIONS: list[tuple[str, str, Any, dict[str, Any]]] = [
    (
        "texts at any depth, four bytes a token",
        MESSAGES,
        {
            "model": "m",
            "system": "12345678",
            "messages": [{"role": "user", "content": [{"type": "text", "text": "1234é"}]}],
            "max_tokens": 9,
        },
        {"model": "m", "input_tokens": 4, "output_tokens": 9},
    ),
    (
        "a picture counts as one, not as its bytes",
        MESSAGES,
        {"messages": [{"content": [{"type": "image", "source": {"type": "base64", "data": "A" * 1_000_000}}]}]},
        {"input_tokens": 1_500},
    ),
    ("a data URL too", MESSAGES, {"input": "data:image/png;base64," + "A" * 1_000_000}, {"input_tokens": 1_500}),
    ("answers several at once", MESSAGES, {"max_completion_tokens": 5, "n": 3}, {"output_tokens": 15}),
    (
        "embeddings have no answer",
        "https://api.example.com/v1/embeddings",
        {"input": ["1234", "1234"]},
        {"input_tokens": 2, "output_tokens": 0},
    ),
    (
        "Gemini names the model in the path",
        "https://api.example.com/v1beta/models/gemini-3-pro:generateContent",
        {"contents": [{"parts": [{"text": "1234"}]}], "generationConfig": {"maxOutputTokens": 6}},
        {"model": "gemini-3-pro", "input_tokens": 1, "output_tokens": 6},
    ),
    ("no object", MESSAGES, [1], {}),
    ("nonsense in the fields", MESSAGES, {"model": 7, "max_tokens": "9", "messages": None}, {}),
]


@pytest.mark.parametrize(("url", "question", "demand"), [pytest.param(*row, id=name) for name, *row in QUESTIONS])
def test_question(url: str, question: Any, demand: dict[str, Any]) -> None:
    assert demand_of(url, json.dumps(question).encode()) == demand


@pytest.mark.parametrize("body", [None, b"", b"not json", b"\xff", b'{"model":"m","x":"' + b"x" * 5_000_000 + b'"}'])
def test_a_body_that_tells_nothing(body: bytes | None) -> None:
    assert demand_of(MESSAGES, body) == {}


@pytest.mark.parametrize(
    ("url", "origin"),
    [
        ("api.example.com", "https://api.example.com:443"),
        ("API.example.com:8443", "https://api.example.com:8443"),
        ("http://127.0.0.1:9/v1?x=y", "http://127.0.0.1:9"),
        ("https://[::1]/v1", "https://[::1]:443"),
        ("https://api.example.com@evil.example/", "https://evil.example:443"),
    ],
)
def test_origin(url: str, origin: str) -> None:
    assert origin_of(url) == origin


@pytest.mark.parametrize("url", ["", "https://", "ftp://api.example.com"])
def test_no_origin(url: str) -> None:
    with pytest.raises(ValueError, match="names no host"):
        origin_of(url)


def test_only_headers_about_limits_are_told() -> None:
    headers = {"X-RateLimit-Remaining-Requests": "1", "Retry-After": "2", "anthropic-ratelimit-tokens-limit": "3", "Date": "4"}
    private = {"set-cookie": "x", "cf-ray": "x", "content-type": "x", "x-request-id": "x", "retry-after-ms": "9" * 2_000}
    assert limit_headers({**headers, **private}) == {name.lower(): value for name, value in headers.items()}


def report(lease: str, status: int = 200) -> pb.ReportHeadersRequest:
    return pb.ReportHeadersRequest(lease_id=lease, status_code=status)


def test_one_message_a_lease_is_under_way() -> None:
    outbox = Outbox(10)
    for message in (report("a", 200), report("a", 201), report("b", 202)):
        outbox.put(message)
    taken = [outbox.take(0), outbox.take(0), outbox.take(0)]
    assert taken == [report("a", 200), report("b", 202), None]
    outbox.delivered(report("a", 200))
    assert outbox.take(0) == report("a", 201)


def test_a_full_outbox_drops_its_oldest_and_counts_it() -> None:
    outbox = Outbox(2)
    for name in "abc":
        outbox.put(report(name))
    assert (outbox.take(0), outbox.take(0), outbox.take(0)) == (report("b"), report("c"), None)
    assert outbox.counts().dropped == 1


def test_only_so_many_are_under_way() -> None:
    outbox = Outbox(100)
    for number in range(100):
        outbox.put(report(str(number)))
    assert len([number for number in range(100) if outbox.take(0) is not None]) == UNDER_WAY_MAX


def test_a_server_that_is_away_is_asked_less_and_less_and_then_as_before() -> None:
    outbox, now = Outbox(10), 0.0
    outbox.put(report("a"))
    pauses = []
    for _ in range(8):
        message = outbox.take(now)
        assert message is not None
        pauses.append(outbox.away(message, now))
        assert outbox.take(now) is None
        now += pauses[-1]
    assert pauses == pytest.approx([min(PAUSE_MAX, PAUSE_FIRST * 2**attempt) for attempt in range(8)])
    message = outbox.take(now)
    assert message is not None
    outbox.delivered(message)
    outbox.put(report("b"))
    again = outbox.take(now)
    assert again is not None and outbox.away(again, now) == pytest.approx(PAUSE_FIRST)


def test_an_abandoned_outbox_counts_what_it_still_had_and_what_comes_after() -> None:
    outbox = Outbox(10)
    outbox.put(report("a"))
    outbox.put(report("b"))
    taken = outbox.take(0)
    assert taken is not None
    outbox.abandon()
    outbox.away(taken, 0)
    outbox.put(report("c"))
    assert (outbox.counts().dropped, outbox.counts().queued, outbox.is_empty()) == (3, 0, True)
