"""Where the server is and how to speak to it."""

from __future__ import annotations

import ipaddress
from collections.abc import Callable
from dataclasses import dataclass, field

import grpc

DEFAULT_ADDRESS = "127.0.0.1:50051"

OPTIONS: list[tuple[str, int]] = [
    # A server that restarts is found again within a second or two; the defaults go up to two minutes.
    ("grpc.initial_reconnect_backoff_ms", 100),
    ("grpc.min_reconnect_backoff_ms", 1_000),
    ("grpc.max_reconnect_backoff_ms", 2_000),
    ("grpc.keepalive_time_ms", 60_000),
    # Repeating is our own business: it needs the deadline and the request id.
    ("grpc.enable_retries", 0),
]


@dataclass(frozen=True)
class TLS:
    """How to speak TLS: certificates as PEM bytes. All left out: the roots that gRPC brings along."""

    ca: bytes | None = None
    certificate: bytes | None = None
    key: bytes | None = field(default=None, repr=False)
    server_name: str | None = None
    """The name that the server's certificate must have, where it is not the one of the address."""


Token = str | Callable[[], str]
"""A bearer token, or a function that is asked for one before each call."""


def credentials_of(tls: TLS) -> grpc.ChannelCredentials:
    """The credentials of a channel."""
    return grpc.ssl_channel_credentials(tls.ca, tls.key, tls.certificate)


def options_of(tls: TLS | None) -> list[tuple[str, int | str]]:
    """The options of a channel."""
    name = tls.server_name if tls is not None else None
    return [*OPTIONS, *([("grpc.ssl_target_name_override", name)] if name is not None else [])]


def metadata_of(token: Token | None) -> tuple[tuple[str, str], ...]:
    """What each call says about who calls."""
    if token is None:
        return ()
    return (("authorization", f"Bearer {token() if callable(token) else token}"),)


def check_token_is_safe(address: str, tls: TLS | None, token: Token | None) -> None:
    """Raises ValueError where a token would travel in the clear beyond this machine."""
    if token is not None and tls is None and not is_local(address):
        raise ValueError(f"a token would travel to {address} in the clear: pass tls=TLS(...)")


def is_local(address: str) -> bool:
    """Whether an address is a unix socket or on this machine."""
    if address.startswith(("unix:", "unix-abstract:")):
        return True
    host = address.rpartition("/")[2].rpartition(":")[0].strip("[]")
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
