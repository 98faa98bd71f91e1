"""What a request to a provider says about the call: the model, and how many tokens it may take."""

from __future__ import annotations

import json
import math
import re
from typing import Any
from urllib.parse import unquote, urlsplit

from ._nouns import Demand

BYTES_A_TOKEN = 4

ATTACHMENT_TOKENS = 1_500
"""What a picture or a file counts, whose length tells nothing: as much as a picture of usual size takes."""

BODY_BYTES_MAX = 4 * 1024 * 1024
"""Of a larger request nothing is read: the estimate is not worth it."""

_PROMPT = (
    "messages",
    "system",
    "tools",
    "input",
    "instructions",
    "prompt",
    "contents",
    "systemInstruction",
    "system_instruction",
)
_ANSWER = ("max_tokens", "max_completion_tokens", "max_output_tokens")
_NAMES = frozenset({"type", "role", "id", "cache_control", "media_type", "mime_type", "mimeType", "detail"})
_ATTACHED = frozenset({"data", "url", "image_url", "file_data", "file_id", "fileUri"})
_MODEL_CHARACTERS_MAX = 256


def demand_of(url: str, body: bytes | None) -> Demand:
    """The demand of a request with this JSON body; an empty one where it cannot be told."""
    if body is None or len(body) > BODY_BYTES_MAX:
        return {}
    try:
        question = json.loads(body)
    except ValueError:
        return {}
    if not isinstance(question, dict):
        return {}
    path = urlsplit(url).path
    demand: Demand = {}
    model = question.get("model") or _model_in(path)
    if isinstance(model, str):
        demand["model"] = model[:_MODEL_CHARACTERS_MAX]
    prompt = math.ceil(sum(_tokens(question.get(name)) for name in _PROMPT))
    if prompt > 0:
        demand["input_tokens"] = prompt
    answer = 0 if path.endswith("/embeddings") else _answer_tokens(question)
    if answer is not None:
        demand["output_tokens"] = answer
    return demand


def _model_in(path: str) -> str | None:
    found = re.search(r"/models/([^/:]+)", path)
    return None if found is None else unquote(found[1])


def _answer_tokens(question: dict[str, Any]) -> int | None:
    config = question.get("generationConfig")
    told = [question.get(name) for name in _ANSWER]
    told.append(config.get("maxOutputTokens") if isinstance(config, dict) else None)
    limit = next((each for each in told if _is_count(each)), None)
    choices = question.get("n")
    return None if limit is None else limit * (choices if _is_count(choices) else 1)


def _tokens(value: object) -> float:
    if isinstance(value, str):
        return ATTACHMENT_TOKENS if value.startswith("data:") else len(value.encode(errors="replace")) / BYTES_A_TOKEN
    if isinstance(value, list):
        return sum(_tokens(each) for each in value)
    if isinstance(value, dict):
        return sum(_tokens_of_part(name, each) for name, each in value.items())
    return 1 if isinstance(value, int | float) and not isinstance(value, bool) else 0


def _tokens_of_part(name: str, value: object) -> float:
    if name in _NAMES:
        return 0
    return ATTACHMENT_TOKENS if name in _ATTACHED and value is not None else _tokens(value)


def _is_count(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value > 0
