"""What both clients share: everything that neither waits nor talks."""

from __future__ import annotations

import abc
import logging
import threading
from collections import Counter

from ._channel import TLS, Token, check_token_is_safe
from ._errors import KeyLeaseError, Unavailable
from ._nouns import Credential, Demand, Fallback, Grant, Renewal, Stats
from ._outbox import Message, Outbox

logger = logging.getLogger("keylease")

ATTEMPT_PAUSE_FIRST = 0.05
ATTEMPT_PAUSE_MAX = 0.5


class ClientCore(abc.ABC):
    """Options, counts and the outbox of one client."""

    def __init__(
        self,
        address: str,
        *,
        tls: TLS | None,
        token: Token | None,
        timeout: float,
        fallback: Fallback | None,
        report_queue: int,
    ) -> None:
        check_token_is_safe(address, tls, token)
        self._address = address
        self._tls = tls
        self._token = token
        self._timeout = timeout
        self._fallback = fallback
        self._outbox = Outbox(report_queue)
        self._counts: Counter[str] = Counter()
        self._counts_lock = threading.Lock()
        self._closed = False

    def stats(self) -> Stats:
        """What this client did so far."""
        outbox = self._outbox.counts()
        with self._counts_lock:
            return Stats(
                acquired=self._counts["acquired"],
                fallbacks=self._counts["fallbacks"],
                retries=self._counts["retries"],
                renewed=self._counts["renewed"],
                delivered=outbox.delivered + self._counts["delivered"],
                queued=outbox.queued,
                dropped=outbox.dropped,
                refused=outbox.refused + self._counts["refused"],
            )

    def _count(self, name: str) -> None:
        with self._counts_lock:
            self._counts[name] += 1

    def _check_open(self) -> None:
        if self._closed:
            raise RuntimeError("the client is closed")

    def _attempts_left(self, attempt: int) -> bool:
        """Whether to ask again where nobody answered. With a fallback at hand nobody is kept waiting for long."""
        return self._fallback is None or attempt == 0

    def _fallback_grant(self, pool: str, error: Unavailable) -> Grant:
        """The fallback credential of the pool as a grant; raises the error where there is none."""
        fallback = self._fallback
        credential: Credential | None = None
        if fallback is not None:
            credential = fallback(pool) if callable(fallback) else fallback.get(pool)
        if credential is None:
            raise error
        self._count("fallbacks")
        logger.warning("keylease is away (%s): a fallback credential is used for pool %r", error, pool)
        return Grant("", "", pool, "", credential, 0.0)

    def _later(self, message: Message) -> None:
        """Sends a message when the server can take it."""
        self._outbox.put(message)
        self._pump()

    @abc.abstractmethod
    def _pump(self) -> None:
        """Starts to send what may be sent now. Never waits."""


def pause_after(attempt: int) -> float:
    """Seconds between one attempt to acquire and the next."""
    return min(ATTEMPT_PAUSE_MAX, ATTEMPT_PAUSE_FIRST * float(2**attempt))


def renewal_of(failure: KeyLeaseError | None) -> Renewal:
    """What a renewal that failed so, or did not, means for the lease."""
    if failure is None:
        return Renewal.RENEWED
    return Renewal.AWAY if isinstance(failure, Unavailable) else Renewal.ENDED


def excluding(demand: Demand, first: Grant) -> Demand:
    """The same demand for another key than the first, with what that one left of the time in line."""
    excluded: Demand = {**demand, "exclude": [*demand.get("exclude", ()), first.key_id]}
    if "max_wait" in excluded:
        excluded["max_wait"] = max(0.0, excluded["max_wait"] - first.waited)
    return excluded
