"""Reports and releases on their way to the server: bounded, in order for each lease, and there again after a restart."""

from __future__ import annotations

import threading
from collections import deque
from dataclasses import dataclass

from .v1 import key_lease_service_pb2 as pb

UNDER_WAY_MAX = 32
PAUSE_FIRST = 0.1
PAUSE_MAX = 2.0

Message = pb.ReportHeadersRequest | pb.ReleaseLeaseRequest


@dataclass(frozen=True)
class Counts:
    """Of messages."""

    delivered: int
    queued: int
    dropped: int
    refused: int


class Outbox:
    """Decides what is sent next, and when; sends nothing itself. Safe to be called from any thread. Times are monotonic seconds."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._lock = threading.Lock()
        self._waiting: deque[Message] = deque()
        self._under_way: set[str] = set()
        self._pause = PAUSE_FIRST
        self._not_before = 0.0
        self._delivered = 0
        self._dropped = 0
        self._refused = 0
        self._abandoned = False

    def put(self, message: Message) -> None:
        """Queues a message. A full queue drops its oldest: what the provider said last teaches most."""
        with self._lock:
            self._waiting.append(message)
            self._trim()

    def take(self, now: float) -> Message | None:
        """The next message to send, one at a time for each lease; None: nothing may be sent now."""
        with self._lock:
            if now < self._not_before or len(self._under_way) >= UNDER_WAY_MAX:
                return None
            for index, message in enumerate(self._waiting):
                if message.lease_id not in self._under_way:
                    del self._waiting[index]
                    self._under_way.add(message.lease_id)
                    return message
            return None

    def delivered(self, message: Message) -> None:
        """The server took it."""
        with self._lock:
            if message.lease_id in self._under_way:
                self._under_way.discard(message.lease_id)
                self._delivered += 1
            self._pause, self._not_before = PAUSE_FIRST, 0.0

    def refused(self, message: Message) -> None:
        """The server answered that it will never take it."""
        with self._lock:
            if message.lease_id in self._under_way:
                self._under_way.discard(message.lease_id)
                self._refused += 1

    def away(self, message: Message, now: float) -> float:
        """No server took it: it goes back to the front. Answers with the seconds until the next attempt."""
        with self._lock:
            if message.lease_id not in self._under_way:
                return 0.0
            self._under_way.discard(message.lease_id)
            self._waiting.appendleft(message)
            self._trim()
            if now >= self._not_before:
                self._not_before = now + self._pause
                self._pause = min(PAUSE_MAX, self._pause * 2)
            return self._not_before - now

    def retry_in(self, now: float) -> float:
        """Seconds until something may be sent; 0: now."""
        with self._lock:
            return max(0.0, self._not_before - now)

    def is_empty(self) -> bool:
        """Whether nothing waits and nothing is under way."""
        with self._lock:
            return not self._waiting and not self._under_way

    def abandon(self) -> None:
        """Drops everything that is not delivered yet, and what comes after."""
        with self._lock:
            self._abandoned = True
            self._dropped += len(self._under_way)
            self._under_way.clear()
            self._trim()

    def counts(self) -> Counts:
        """What became of the messages so far."""
        with self._lock:
            return Counts(self._delivered, len(self._waiting) + len(self._under_way), self._dropped, self._refused)

    def _trim(self) -> None:
        while len(self._waiting) > (0 if self._abandoned else self._size):
            self._waiting.popleft()
            self._dropped += 1
