"""One thread that calls functions at their time."""

from __future__ import annotations

import heapq
import itertools
import logging
import threading
import time
from collections.abc import Callable

logger = logging.getLogger("keylease")


class Timer:
    """Runs functions that do not block. Its thread starts with the first of them and ends with close()."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._due: list[tuple[float, int, Callable[[], None]]] = []
        self._order = itertools.count()
        self._thread: threading.Thread | None = None
        self._closed = False

    def after(self, seconds: float, run: Callable[[], None]) -> Callable[[], None]:
        """Calls `run` after so many seconds; answers with a function that prevents it."""
        with self._changed:
            number = next(self._order)
            if self._closed:
                return lambda: None
            heapq.heappush(self._due, (time.monotonic() + seconds, number, run))
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="keylease-timer", daemon=True)
                self._thread.start()
            self._changed.notify()
        return lambda: self._cancel(number)

    def close(self) -> None:
        """Calls nothing any more."""
        with self._changed:
            self._closed = True
            self._changed.notify()
            thread = self._thread
        if thread is not None and thread is not threading.current_thread():
            thread.join()

    def _cancel(self, number: int) -> None:
        with self._changed:
            self._due = [each for each in self._due if each[1] != number]
            heapq.heapify(self._due)

    def _run(self) -> None:
        while True:
            with self._changed:
                if self._closed:
                    return
                wait = self._due[0][0] - time.monotonic() if self._due else None
                if wait is None or wait > 0:
                    self._changed.wait(wait)
                    continue
                _, _, run = heapq.heappop(self._due)
            try:
                run()
            except Exception:
                logger.exception("a timed call failed")
