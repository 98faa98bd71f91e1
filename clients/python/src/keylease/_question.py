"""What a request to a provider says about the call: the model, and how many tokens it may take."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator

from ._nouns import Demand

CHARACTERS_A_TOKEN = 4
MEDIA_TOKENS = 1_600
"""What a picture or a file counts where its bytes stand in the request."""

_PROMPT = ("system", "messages", "instructions", "input", "prompt", "tools", "contents", "systemInstruction")
_ANSWER = ("max_tokens", "max_completion_tokens", "max_output_tokens")
_NO_TEXT = frozenset({"role", "type", "id", "tool_use_id", "tool_call_id", "cache_control", "media_type", "mime_type"})
_MEDIA_CHARACTERS_MIN = 1_024


def demand_of(body: bytes | None) -> Demand:
    """The demand of a request with this JSON body; an empty one where it cannot be told."""
    try:
        question = json.loads(body or b"")
    except ValueError:
        return {}
    if not isinstance(question, dict):
        return {}
    demand: Demand = {}
    if isinstance(question.get("model"), str):
        demand["model"] = question["model"]
    prompt = sum(_tokens(question[name]) for name in _PROMPT if name in question)
    if prompt > 0:
        demand["input_tokens"] = math.ceil(prompt)
    answer = next((question[name] for name in _ANSWER if _is_count(question.get(name))), None)
    if answer is not None:
        demand["output_tokens"] = answer
    return demand


def _tokens(value: object) -> float:
    return sum(_tokens_of_text(text) for text in _texts(value))


def _texts(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, list):
        for each in value:
            yield from _texts(each)
    elif isinstance(value, dict):
        for name, each in value.items():
            if name not in _NO_TEXT:
                yield from _texts(each)


def _tokens_of_text(text: str) -> float:
    return MEDIA_TOKENS if _is_media(text) else len(text) / CHARACTERS_A_TOKEN


def _is_media(text: str) -> bool:
    """A data URL, or so long a plain text without a space that only base64 looks like it."""
    start = text[:_MEDIA_CHARACTERS_MIN]
    return text.startswith("data:") or (len(start) == _MEDIA_CHARACTERS_MIN and start.isascii() and " " not in start)


def _is_count(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value > 0
