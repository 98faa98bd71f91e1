"""What the adapters do to requests and answers, in both libraries, waiting and awaiting."""

from __future__ import annotations

import gzip
import json
from collections.abc import AsyncIterator, Callable, Iterator
from types import ModuleType
from typing import Any

import httpx
import httpx2
import pytest
from server import BASE_URL, Scripted, until

import keylease
import keylease.httpx
import keylease.httpx2
from keylease.v1 import key_lease_service_pb2 as pb

URL = f"{BASE_URL}/v1/messages"
QUESTION = {"model": "m", "max_tokens": 7, "messages": [{"role": "user", "content": "word" * 10}]}
USAGE = {"usage": {"input_tokens": 3, "output_tokens": 4}}
EVENTS = [
    b'event: message_start\ndata: {"type":"message_start","message":{"usage":{"input_tokens":3,"output_tokens":1}}}\n\n',
    b'event: message_delta\ndata: {"type":"message_delta","usage":{"output_tokens":4}}\n\n',
]

Handler = Callable[[Any], Any]


class Chunks(httpx.SyncByteStream, httpx.AsyncByteStream, httpx2.SyncByteStream, httpx2.AsyncByteStream):
    """A body that notes how far it was read and whether it was closed."""

    def __init__(self, *chunks: bytes | Exception) -> None:
        self._chunks = chunks
        self.read = 0
        self.closed = False

    def __iter__(self) -> Iterator[bytes]:
        for chunk in self._chunks:
            self.read += 1
            if isinstance(chunk, Exception):
                raise chunk
            yield chunk

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for chunk in self:
            yield chunk

    def close(self) -> None:
        self.closed = True

    async def aclose(self) -> None:
        self.closed = True


class Web:
    """One program with an adapter, in one library: asks and reads, the same for waiting and awaiting."""

    def __init__(self, library: ModuleType, adapters: ModuleType, awaits: bool, address: str) -> None:
        self.library = library
        self._adapters = adapters
        self.awaits = awaits
        self._address = address
        self.seen: list[Any] = []

    async def ask(self, handler: Handler, *, leave: bool = False, raw: bool = False, to: str = URL, **options: Any) -> Any:
        """Sends the question and reads the answer, or leaves it after its first chunk."""
        content = options.pop("content", json.dumps(QUESTION).encode())
        headers = {"x-api-key": "unused", "authorization": "Bearer unused", "anthropic-version": "2026-01-01"}
        headers["accept-encoding"] = "gzip, br, zstd"

        def note(request: Any) -> Any:
            self.seen.append(request)
            return handler(request)

        inner = self.library.MockTransport(note)
        if self.awaits:
            async with keylease.AsyncClient(self._address) as async_client:
                transport = self._adapters.AsyncLeasedTransport(async_client, "pool", transport=inner, **options)
                async with self.library.AsyncClient(transport=transport, follow_redirects=True) as http:
                    response = await http.send(http.build_request("POST", to, headers=headers, content=content), stream=True)
                    chunks = response.aiter_raw() if raw else response.aiter_bytes()
                    body = b""
                    async for chunk in chunks:
                        body += chunk
                        if leave:
                            break
                    await response.aclose()
                    return response, body
        with keylease.Client(self._address) as client:
            transport = self._adapters.LeasedTransport(client, "pool", transport=inner, **options)
            with self.library.Client(transport=transport, follow_redirects=True) as http:
                response = http.send(http.build_request("POST", to, headers=headers, content=content), stream=True)
                body = b""
                for chunk in response.iter_raw() if raw else response.iter_bytes():
                    body += chunk
                    if leave:
                        break
                response.close()
                return response, body


@pytest.fixture
def server(served: tuple[Scripted, str]) -> Scripted:
    return served[0]


LIBRARIES = {
    "httpx": (httpx, keylease.httpx, False),
    "httpx, async": (httpx, keylease.httpx, True),
    "httpx2": (httpx2, keylease.httpx2, False),
    "httpx2, async": (httpx2, keylease.httpx2, True),
}


@pytest.fixture(params=list(LIBRARIES.values()), ids=list(LIBRARIES))
def web(request: pytest.FixtureRequest, served: tuple[Scripted, str]) -> Web:
    library, adapters, awaits = request.param
    return Web(library, adapters, awaits, served[1])


def reports(server: Scripted) -> list[tuple[int, bool, int | None]]:
    """Status, in progress, and the output tokens of each report."""
    return [
        (each.status_code, each.in_progress, each.usage.output_tokens if each.HasField("usage") else None)
        for each in server.of(pb.ReportHeadersRequest)
    ]


async def test_the_key_takes_the_place_of_the_placeholder(web: Web, server: Scripted) -> None:
    response, _ = await web.ask(lambda _: web.library.Response(200, json=USAGE))
    (sent,) = web.seen
    assert sent.headers["x-api-key"] == "secret-of-k1" and "authorization" not in sent.headers
    assert sent.headers["anthropic-version"] == "2026-01-01"
    assert sent.read() == json.dumps(QUESTION).encode()
    # What the program holds of its own request never sees the key.
    assert response.request.headers["x-api-key"] == "unused"
    (asked,) = server.of(pb.AcquireKeyRequest)
    assert (asked.model, asked.estimated_input_tokens, asked.estimated_output_tokens, asked.max_wait.seconds) == ("m", 10, 7, 30)
    assert reports(server) == [(200, False, 4)]


async def test_the_adapter_has_the_last_word_on_the_demand(web: Web, server: Scripted) -> None:
    await web.ask(lambda _: web.library.Response(200), max_wait=0, model="other", affinity="chat-7")
    (asked,) = server.of(pb.AcquireKeyRequest)
    assert (asked.model, asked.affinity, asked.max_wait.ToMilliseconds()) == ("other", "chat-7", 0)


@pytest.mark.parametrize(
    ("hosts", "to"),
    [
        (None, "https://elsewhere.example.com/v1/messages"),
        (["other.example.com"], URL),
        (["api.example.com"], "http://api.example.com/v1/messages"),
        (["api.example.com"], "https://api.example.com:8443/v1/messages"),
        (["api.example.com"], "https://api.example.com.evil.example/v1/messages"),
        (["api.example.com"], "https://api.example.com@evil.example/v1/messages"),
    ],
)
async def test_another_host_gets_neither_key_nor_request(web: Web, server: Scripted, hosts: list[str] | None, to: str) -> None:
    with pytest.raises(keylease.HostNotAllowed):
        await web.ask(lambda _: web.library.Response(200), hosts=hosts, to=to)
    assert web.seen == [] and reports(server) == []
    assert len(server.of(pb.ReleaseLeaseRequest)) == len(server.of(pb.AcquireKeyRequest))


async def test_a_redirect_to_another_host_is_not_followed(web: Web, server: Scripted) -> None:
    def redirect(request: Any) -> Any:
        return web.library.Response(307, headers={"location": "https://elsewhere.example.com/v1/messages"})

    with pytest.raises(keylease.HostNotAllowed):
        await web.ask(redirect)
    assert [str(request.url) for request in web.seen] == [URL]
    assert reports(server) == [(307, False, None)]


async def test_a_redirect_within_the_host_gets_a_key_of_its_own(web: Web, server: Scripted) -> None:
    def redirect(request: Any) -> Any:
        moved = request.url.path == "/v2"
        return web.library.Response(200) if moved else web.library.Response(307, headers={"location": "/v2"})

    await web.ask(redirect)
    assert [request.headers["x-api-key"] for request in web.seen] == ["secret-of-k1", "secret-of-k2"]


async def test_a_stream_is_not_held_back(web: Web, server: Scripted) -> None:
    body = Chunks(*EVENTS)
    await web.ask(lambda _: web.library.Response(200, headers={"content-type": "text/event-stream"}, stream=body), leave=True)
    assert body.read == 1 and body.closed
    assert reports(server) == [(200, True, None), (200, False, None)]


async def test_a_stream_tells_its_usage(web: Web, server: Scripted) -> None:
    split = [EVENTS[0][:20], EVENTS[0][20:] + EVENTS[1][:5], EVENTS[1][5:]]
    stream = Chunks(*split)
    _, body = await web.ask(lambda _: web.library.Response(200, headers={"content-type": "text/event-stream"}, stream=stream))
    assert body == b"".join(EVENTS)
    assert reports(server) == [(200, True, None), (200, False, 4)]


async def test_a_stream_that_breaks_is_settled_with_what_is_known(web: Web, server: Scripted) -> None:
    body = Chunks(EVENTS[0], web.library.ReadError("broken"))
    with pytest.raises(web.library.ReadError):
        await web.ask(lambda _: web.library.Response(200, headers={"content-type": "text/event-stream"}, stream=body))
    assert reports(server) == [(200, True, None), (200, False, None)]


async def test_an_error_within_a_stream_is_reported_as_one(web: Web, server: Scripted) -> None:
    error = b'event: error\ndata: {"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}\n\n'
    body = Chunks(EVENTS[0], error)
    await web.ask(lambda _: web.library.Response(200, headers={"content-type": "text/event-stream"}, stream=body))
    assert reports(server) == [(200, True, None), (529, False, None)]
    assert "overloaded_error" in server.of(pb.ReportHeadersRequest)[1].error_body


async def test_a_compressed_answer_reaches_the_program_as_it_came(web: Web, server: Scripted) -> None:
    packed = gzip.compress(json.dumps(USAGE).encode())
    headers = {"content-type": "application/json", "content-encoding": "gzip"}

    def answer(request: Any) -> Any:
        assert request.headers["accept-encoding"] == "gzip, deflate"
        return web.library.Response(200, headers=headers, stream=Chunks(packed[:7], packed[7:]))

    _, body = await web.ask(answer, raw=True)
    assert body == packed
    assert reports(server) == [(200, False, 4)]


async def test_the_whole_body_of_an_error_reaches_the_program(web: Web, server: Scripted) -> None:
    chunks = [b"a" * 10_000, b"b" * 10_000, b"c" * 10_000]
    response, body = await web.ask(lambda _: web.library.Response(400, stream=Chunks(*chunks)))
    assert response.status_code == 400 and body == b"".join(chunks)
    (report,) = server.of(pb.ReportHeadersRequest)
    assert report.error_body == "a" * 10_000 + "b" * 6_384


async def test_an_error_is_tried_again_once_on_another_key(web: Web, server: Scripted) -> None:
    server.action, server.waited = pb.RETRY_ACTION_OTHER_KEY, 12.5
    first = Chunks(b"no")
    answers = [web.library.Response(500, stream=first), web.library.Response(503, stream=Chunks(b"again"))]
    response, body = await web.ask(lambda _: answers.pop(0))
    assert (response.status_code, body) == (503, b"again")
    assert first.closed
    asked = server.of(pb.AcquireKeyRequest)
    assert [list(each.exclude_key_ids) for each in asked] == [[], ["k1"]]
    assert [each.max_wait.ToMilliseconds() for each in asked] == [30_000, 17_500]
    assert [status for status, _, _ in reports(server)] == [500, 503]


async def test_a_broken_connection_is_tried_again_once_and_then_told(web: Web, server: Scripted) -> None:
    server.action = pb.RETRY_ACTION_OTHER_KEY

    def fail(request: Any) -> Any:
        raise web.library.ConnectError("refused")

    with pytest.raises(web.library.ConnectError):
        await web.ask(fail)
    assert [status for status, _, _ in reports(server)] == [0, 0]


async def test_a_body_that_is_made_while_it_is_sent_is_sent_once(web: Web, server: Scripted) -> None:
    server.action = pb.RETRY_ACTION_OTHER_KEY

    def made() -> Iterator[bytes]:
        yield b"{}"

    async def made_async() -> AsyncIterator[bytes]:
        yield b"{}"

    response, _ = await web.ask(lambda _: web.library.Response(500), content=made_async() if web.awaits else made())
    assert response.status_code == 500
    assert len(server.of(pb.AcquireKeyRequest)) == 1


def test_an_unread_response_in_a_block_settles_at_its_end(served: tuple[Scripted, str]) -> None:
    server, address = served
    answer = httpx.MockTransport(lambda _: httpx.Response(200, headers={"content-type": "text/event-stream"}, stream=Chunks(*EVENTS)))
    with keylease.Client(address) as client, httpx.Client(transport=answer) as http:
        with client.key("pool") as key, http.stream("POST", URL, headers=key.headers) as response:
            key.report(response)
            until(lambda: len(reports(server)) == 1)
            response.read()
        until(lambda: len(reports(server)) == 2)
    assert reports(server) == [(200, True, None), (200, False, 4)]
