"""Programs that call a provider with a leased key, each in another way."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Any, Protocol

import httpx
import httpx2
from stage import Stage

import keylease
import keylease.httpx
import keylease.httpx2

PATHS = {"messages": "/v1/messages", "chat": "/v1/chat/completions", "responses": "/v1/responses"}

# Seconds: the stage holds answers for longer than the five that these packages wait by themselves.
PATIENCE = 60


@dataclass(frozen=True)
class Asked:
    """One call of a program, as a scenario writes it."""

    api: str = "messages"
    prompt_tokens: int = 16
    max_tokens: int = 64
    stream: bool = False
    leave_after_first_event: bool = False
    max_wait_ms: int = 0
    not_sent: bool = False

    @property
    def path(self) -> str:
        return PATHS[self.api]

    @property
    def body(self) -> dict[str, Any]:
        prompt = "word" * self.prompt_tokens
        stream = {"stream": True} if self.stream else {}
        if self.api == "responses":
            return {"model": "gpt-5", "max_output_tokens": self.max_tokens, "input": prompt, **stream}
        messages = [{"role": "user", "content": prompt}]
        if self.api == "chat":
            told = {"stream_options": {"include_usage": True}} if self.stream else {}
            return {"model": "gpt-5", "max_completion_tokens": self.max_tokens, "messages": messages, **stream, **told}
        return {"model": "claude-sonnet-5", "max_tokens": self.max_tokens, "messages": messages, **stream}

    @property
    def demand(self) -> keylease.Demand:
        return {"max_wait": self.max_wait_ms / 1_000}


@dataclass(frozen=True)
class Told:
    """How a call ended."""

    outcome: str
    status: int | None = None
    key: str | None = None
    reason: str | None = None


class Program(Protocol):
    async def call(self, asked: Asked) -> Told: ...
    def stats(self) -> keylease.Stats: ...
    async def close(self) -> None: ...


class NotSent(Exception):
    pass


def told(response: Any, left: bool) -> Told:
    return Told("left" if left else "answered", response.status_code, response.headers["x-stand-in-key"])


class Waiting:
    """Programs that wait, each call in a thread of its own."""

    def __init__(self, stage: Stage, **options: Any) -> None:
        self.stage = stage
        self.client = keylease.Client(stage.grpc, **options)

    def stats(self) -> keylease.Stats:
        return self.client.stats()

    async def close(self) -> None:
        await asyncio.to_thread(self.client.close)

    async def call(self, asked: Asked) -> Told:
        return await asyncio.to_thread(self._judged, asked)

    def _judged(self, asked: Asked) -> Told:
        try:
            return self.call_now(asked)
        except keylease.KeyLeaseError as error:
            return Told("refused", reason=error.reason)
        except Exception:
            return Told("failed")

    def call_now(self, asked: Asked) -> Told:
        raise NotImplementedError

    @staticmethod
    def read(response: Any, asked: Asked) -> Told:
        if asked.leave_after_first_event:
            next(line for line in response.iter_lines() if line == "")
            response.close()
        else:
            response.read()
        return told(response, asked.leave_after_first_event)


class WithKey(Waiting):
    def call_now(self, asked: Asked) -> Told:
        def ask(key: keylease.Key) -> httpx.Response:
            if asked.not_sent:
                raise NotSent
            request = http.build_request("POST", self.stage.provider + asked.path, headers=key.headers, json=asked.body)
            return http.send(request, stream=asked.stream)

        demand: keylease.Demand = {"model": asked.body["model"], "input_tokens": asked.prompt_tokens, **asked.demand}
        with httpx.Client(timeout=PATIENCE) as http:
            return self.read(self.client.call("default", ask, **demand), asked)


class Transport(Waiting):
    def call_now(self, asked: Asked) -> Told:
        transport = keylease.httpx2.LeasedTransport(self.client, "default", hosts=[self.stage.provider], **asked.demand)
        with httpx2.Client(transport=transport, follow_redirects=True, timeout=PATIENCE) as http:
            request = http.build_request("POST", self.stage.provider + asked.path, headers={"x-api-key": "unused"}, json=asked.body)
            return self.read(http.send(request, stream=asked.stream), asked)


class Awaiting:
    """Programs that await."""

    def __init__(self, stage: Stage, **options: Any) -> None:
        self.stage = stage
        self.client = keylease.AsyncClient(stage.grpc, **options)

    def stats(self) -> keylease.Stats:
        return self.client.stats()

    async def close(self) -> None:
        await self.client.aclose()

    async def call(self, asked: Asked) -> Told:
        try:
            return await self.call_now(asked)
        except keylease.KeyLeaseError as error:
            return Told("refused", reason=error.reason)
        except Exception:
            return Told("failed")

    async def call_now(self, asked: Asked) -> Told:
        raise NotImplementedError

    @staticmethod
    async def read(response: Any, asked: Asked) -> Told:
        if asked.leave_after_first_event:
            async for line in response.aiter_lines():
                if line == "":
                    break
            await response.aclose()
        else:
            await response.aread()
        return told(response, asked.leave_after_first_event)


class AsyncWithKey(Awaiting):
    async def call_now(self, asked: Asked) -> Told:
        async def ask(key: keylease.AsyncKey) -> httpx2.Response:
            if asked.not_sent:
                raise NotSent
            request = http.build_request("POST", self.stage.provider + asked.path, headers=key.headers, json=asked.body)
            return await http.send(request, stream=asked.stream)

        demand: keylease.Demand = {"model": asked.body["model"], "input_tokens": asked.prompt_tokens, **asked.demand}
        async with httpx2.AsyncClient(timeout=PATIENCE) as http:
            return await self.read(await self.client.call("default", ask, **demand), asked)


class AsyncTransport(Awaiting):
    async def call_now(self, asked: Asked) -> Told:
        transport = keylease.httpx.AsyncLeasedTransport(self.client, "default", hosts=[self.stage.provider], **asked.demand)
        async with httpx.AsyncClient(transport=transport, follow_redirects=True, timeout=PATIENCE) as http:
            request = http.build_request("POST", self.stage.provider + asked.path, headers={"x-api-key": "unused"}, json=asked.body)
            return await self.read(await http.send(request, stream=asked.stream), asked)


PROGRAMS: dict[str, tuple[str, type[Waiting] | type[Awaiting]]] = {
    "waiting, with_key": ("with_key", WithKey),
    "waiting, transport": ("transport", Transport),
    "awaiting, with_key": ("with_key", AsyncWithKey),
    "awaiting, transport": ("transport", AsyncTransport),
}
