"""What happens to one HTTP request on its way through an adapter, whatever the library and whether it waits or awaits."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from ._body import READABLE_ENCODINGS, decoded
from ._errors import HostNotAllowed
from ._hosts import Hosts
from ._nouns import Answer, Credential, Demand
from ._question import demand_of

ERROR_BYTES_MAX = 16 * 1024
"""Of the body of an error, before it goes on to the program."""

WAIT_MAX = 30.0
"""Seconds in line, where an adapter is not told otherwise."""

_CREDENTIAL_HEADERS = ("authorization", "x-api-key", "api-key", "x-goog-api-key")


@dataclass
class Policy:
    """How an adapter leases: from which pool, for which hosts, with which demand beyond what the request tells."""

    pool: str
    hosts: Hosts
    demand: Demand

    def check(self, url: str) -> None:
        """Raises HostNotAllowed where it is known already that the host may not see a key."""
        if self.hosts.excludes(url):
            raise self._not_allowed(url)

    def check_credential(self, url: str, credential: Credential) -> None:
        """Raises HostNotAllowed where the host may not see this credential."""
        if not self.hosts.allow(url, credential):
            raise self._not_allowed(url)

    def demand_of(self, url: str, body: bytes | None) -> Demand:
        """What to ask for: what the request tells, and the adapter's own word above it."""
        return {**demand_of(url, body), **self.demand}

    def _not_allowed(self, url: str) -> HostNotAllowed:
        host = url.partition("?")[0]
        return HostNotAllowed(f"{host} is not a host of pool {self.pool!r}, so it gets no key: name it in hosts=[...]")


def policy_of(pool: str, hosts: Iterable[str] | None, demand: Demand) -> Policy:
    """The policy for the options of an adapter."""
    return Policy(pool, Hosts(hosts), {"max_wait": WAIT_MAX, **demand})


def body_of(request: Any) -> bytes | None:
    """The body of a request of httpx where it is held in memory, so that it can be read here and sent twice."""
    try:
        content = request.content
    except RuntimeError:  # RequestNotRead: a body that is made while it is sent
        return None
    return content if isinstance(content, bytes) else None


def leased_headers(headers: Any, credential: Credential) -> Any:
    """A copy of the headers with the credential in place of the placeholder."""
    copy = headers.copy()
    for name in _CREDENTIAL_HEADERS:
        copy.pop(name, None)
    for name, value in credential.headers.items():
        if not (name.lower().endswith("-version") and name in copy):  # the program speaks the version that it knows
            copy[name] = value
    copy[credential.header_name] = credential.header_value
    if "gzip" in copy.get("accept-encoding", ""):
        copy["accept-encoding"] = READABLE_ENCODINGS
    return copy


def answer_of(response: Any, beginning: bytes = b"") -> Answer:
    """What a response says, its body read up to here."""
    headers: Mapping[str, str] = {name.lower(): value for name, value in response.headers.items()}
    return Answer(response.status_code, headers, decoded(headers, beginning) if beginning else "")


def is_error(response: Any) -> bool:
    """Whether the server is to be asked what to do about a response."""
    return bool(response.status_code >= 400)
