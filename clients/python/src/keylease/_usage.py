"""What an answer says about the tokens that it used, in the dialects of the providers."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ._nouns import Usage

STATUS_OF_STREAM_ERROR = {
    "overloaded_error": 529,
    "rate_limit_error": 429,
    "rate_limit_exceeded": 429,
    "insufficient_quota": 429,
    "tokens": 429,
    "requests": 429,
    "authentication_error": 401,
    "permission_error": 403,
    "invalid_request_error": 400,
    "timeout_error": 504,
}
"""What the status would have been, had the error come before the stream began. Others: 500."""


def usage_of(body: object) -> Usage | None:
    """The usage that a JSON answer, or the last word of a stream, tells; None: it tells none."""
    if not isinstance(body, Mapping):
        return None
    if isinstance(body.get("usageMetadata"), Mapping):
        return _gemini(body["usageMetadata"])
    nested = body.get("response")
    usage = body.get("usage") or (nested.get("usage") if isinstance(nested, Mapping) else None)
    if not isinstance(usage, Mapping):
        return None
    if "prompt_tokens" in usage:
        return _sum_of_prompt(usage, "prompt_tokens", "completion_tokens", "prompt_tokens_details")
    if "input_tokens_details" in usage or "total_tokens" in usage:
        return _sum_of_prompt(usage, "input_tokens", "output_tokens", "input_tokens_details")
    return _anthropic(usage)


def _anthropic(usage: Mapping[str, Any]) -> Usage:
    """Its input_tokens leave out what a cache served or took."""
    return Usage(
        input_tokens=_count(usage, "input_tokens"),
        output_tokens=_count(usage, "output_tokens"),
        cache_read_input_tokens=_count(usage, "cache_read_input_tokens"),
        cache_creation_input_tokens=_count(usage, "cache_creation_input_tokens"),
    )


def _sum_of_prompt(usage: Mapping[str, Any], prompt: str, answer: str, details: str) -> Usage:
    """OpenAI's prompt tokens contain those that a cache served."""
    told = usage.get(details)
    cached = _count(told, "cached_tokens") if isinstance(told, Mapping) else 0
    return Usage(
        input_tokens=max(0, _count(usage, prompt) - cached),
        output_tokens=_count(usage, answer),
        cache_read_input_tokens=cached,
    )


def _gemini(usage: Mapping[str, Any]) -> Usage:
    cached = _count(usage, "cachedContentTokenCount")
    return Usage(
        input_tokens=max(0, _count(usage, "promptTokenCount") - cached),
        output_tokens=_count(usage, "candidatesTokenCount") + _count(usage, "thoughtsTokenCount"),
        cache_read_input_tokens=cached,
    )


def _count(usage: Mapping[str, Any], name: str) -> int:
    value = usage.get(name)
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else 0


@dataclass(frozen=True)
class StreamError:
    """An error that a provider told in the middle of a stream that began with 200."""

    status: int
    body: str


class StreamReader:
    """Gathers the usage from the events of one stream."""

    def __init__(self) -> None:
        self._start: Mapping[str, Any] = {}
        self.usage: Usage | None = None
        """Known once the stream told all of it."""
        self.error: StreamError | None = None

    def event(self, data: bytes) -> None:
        """Takes in the data of one event."""
        if b"usage" not in data and b'"error"' not in data:
            return
        try:
            event = json.loads(data)
        except ValueError:
            return
        if not isinstance(event, dict):
            return
        error = event.get("error")
        if isinstance(error, dict):
            words = (error.get("code"), error.get("type"))
            status = next((STATUS_OF_STREAM_ERROR[word] for word in words if word in STATUS_OF_STREAM_ERROR), 500)
            self.error = StreamError(status, data.decode(errors="replace"))
        elif event.get("type") == "message_start":
            message = event.get("message")
            usage = message.get("usage") if isinstance(message, dict) else None
            self._start = usage if isinstance(usage, dict) else {}
        elif event.get("type") == "message_delta" and isinstance(event.get("usage"), dict):
            told = {name: count for name, count in event["usage"].items() if count is not None}
            self.usage = _anthropic({**self._start, **told})
        else:
            self.usage = usage_of(event) or self.usage
