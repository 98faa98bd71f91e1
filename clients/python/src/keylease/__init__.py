"""Leases upstream API keys from a keylease server: `Client` for programs that wait, `AsyncClient` for programs that await.

Adapters for HTTP, which the packages of the providers take as their `http_client`, are in `keylease.httpx` and `keylease.httpx2`.
"""

from ._async_client import AsyncClient
from ._async_key import AsyncKey
from ._channel import TLS
from ._client import Client
from ._errors import HostNotAllowed, Impossible, KeyLeaseError, NoRoom, Unavailable
from ._key import Key
from ._nouns import Credential, Demand, RetryAction, RetryAdvice, Stats, Usage

__all__ = [
    "TLS",
    "AsyncClient",
    "AsyncKey",
    "Client",
    "Credential",
    "Demand",
    "HostNotAllowed",
    "Impossible",
    "Key",
    "KeyLeaseError",
    "NoRoom",
    "RetryAction",
    "RetryAdvice",
    "Stats",
    "Unavailable",
    "Usage",
]
