"""Which hosts may see a key."""

from __future__ import annotations

from collections.abc import Iterable
from urllib.parse import urlsplit

from ._nouns import Credential

_PORTS = {"https": 443, "http": 80}


def origin_of(url: str) -> str:
    """Scheme, host and port of a URL; a bare host is one of https."""
    parts = urlsplit(url if "://" in url else f"https://{url}")
    if parts.scheme not in _PORTS or not parts.hostname:
        raise ValueError(f"{url!r} names no host: write api.example.com or https://api.example.com:8443")
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    return f"{parts.scheme}://{host}:{parts.port or _PORTS[parts.scheme]}"


class Hosts:
    """The hosts of a pool: those that are named, else the one that the credential names."""

    def __init__(self, hosts: Iterable[str] | None) -> None:
        self._named = None if hosts is None else frozenset(origin_of(host) for host in hosts)
        self._learnt: frozenset[str] = frozenset()

    def excludes(self, url: str) -> bool:
        """Whether it is known already that a request to the URL must not carry a key."""
        known = self._learnt if self._named is None else self._named
        return bool(known) and origin_of(url) not in known

    def allow(self, url: str, credential: Credential) -> bool:
        """Whether a request to the URL may carry the credential."""
        if self._named is None:
            self._learnt = frozenset({origin_of(credential.base_url)})
        return origin_of(url) in (self._learnt if self._named is None else self._named)
