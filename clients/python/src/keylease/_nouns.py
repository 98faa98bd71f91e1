"""The nouns of the client, without wire and without clock."""

from __future__ import annotations

import enum
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypedDict


class Demand(TypedDict, total=False):
    """What is asked of a pool. Everything may be left out; spans are in seconds."""

    model: str
    """The model about to be called; decides which limits count."""
    input_tokens: int
    """Tokens of the prompt, reserved until the report; left out: what calls of this model used lately."""
    output_tokens: int
    """Tokens of the answer; left out: as above."""
    requests: int
    """Requests to the provider that the lease covers; left out: one."""
    ttl: float
    """How long the lease lives unless it is renewed, which happens while the block runs; left out: the pool's default."""
    max_wait: float
    """How long to wait in line for room; a second key gets what the first left of it. Left out: not at all."""
    affinity: str
    """Calls with the same affinity go to the same key while it has room."""
    priority: int
    """Who is served first among those waiting: higher first."""
    exclude: Sequence[str]
    """Ids of keys that this call has just failed on."""


@dataclass(frozen=True)
class Credential:
    """What goes on a request to the provider. Its secret is not part of its repr."""

    secret: str = field(repr=False)
    base_url: str
    header_name: str = "x-api-key"
    header_value: str = field(default="", repr=False)
    """Left out: the secret, behind "Bearer " where the header is `authorization`."""
    headers: Mapping[str, str] = field(default_factory=dict)
    """Further headers that the provider needs."""

    def __post_init__(self) -> None:
        if not self.header_value:
            bearer = "Bearer " if self.header_name.lower() == "authorization" else ""
            object.__setattr__(self, "header_value", bearer + self.secret)

    def as_headers(self) -> dict[str, str]:
        """Everything to be put on the request."""
        return {**self.headers, self.header_name: self.header_value}


Fallback = Mapping[str, Credential] | Callable[[str], Credential | None]
"""Credentials by pool for the time in which no server answers."""


@dataclass(frozen=True)
class Grant:
    """A lease as it was granted, or a fallback credential, whose lease id is empty."""

    lease_id: str
    key_id: str
    pool: str
    model_class: str
    credential: Credential
    ttl: float
    """Seconds that the lease lives from now."""
    waited: float = 0.0
    """Seconds spent in line for it."""


@dataclass(frozen=True)
class Usage:
    """Tokens that a call used. `input_tokens` are neither read from nor written to a cache."""

    input_tokens: int = 0
    output_tokens: int = 0
    cache_read_input_tokens: int = 0
    cache_creation_input_tokens: int = 0


@dataclass(frozen=True)
class Answer:
    """What the provider answered, as it is reported."""

    status: int
    """The HTTP status; 0: no response arrived."""
    headers: Mapping[str, str] = field(default_factory=dict)
    error_body: str = ""
    usage: Usage | None = None
    request_time: float | None = None
    """Seconds since the epoch, by this machine's clock."""
    response_time: float | None = None
    in_progress: bool = False


NO_RESPONSE = 0
CALLER_LEFT = 499
"""Reported where the program went away before an answer: no fault of the key."""


class Renewal(enum.Enum):
    """What became of an attempt to renew a lease."""

    RENEWED = 1
    AWAY = 2
    """No server answered."""
    ENDED = 3
    """The lease has ended."""


class RetryAction(enum.Enum):
    """What had better be done about a call."""

    UNKNOWN = 0
    """The server did not say: it is away, or there is no lease."""
    NONE = 1
    OTHER_KEY = 2
    AFTER_DELAY = 3
    DO_NOT_RETRY = 4


@dataclass(frozen=True)
class RetryAdvice:
    """The server's advice on a call that was reported."""

    action: RetryAction
    delay: float = 0.0
    """Seconds to wait first."""


WELL = RetryAdvice(RetryAction.NONE)
UNKNOWN = RetryAdvice(RetryAction.UNKNOWN)


@dataclass(frozen=True)
class Stats:
    """What a client did since it was made."""

    acquired: int
    fallbacks: int
    """Calls that went out with a fallback credential."""
    retries: int
    """Calls that were made again on another key."""
    renewed: int
    delivered: int
    """Reports and releases that the server took."""
    queued: int
    """Reports and releases that wait for the server now."""
    dropped: int
    """Reports and releases that never reached the server: the queue was full, or the client was closed."""
    refused: int
    """Reports and releases that the server would not take."""
