"""Bodies that are read while they pass by, and whose end settles a lease."""

from __future__ import annotations

import importlib
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass
from typing import Any, cast

from ._body import BodyReader

FAMILIES = frozenset({"httpx", "httpx2"})


class Tee:
    """A body on its way to the program. `on_end` is called when it is over, breaks or is left, and once more when it is closed.

    Where its beginning was read before, `start` is that, and `rest` what follows.
    """

    def __init__(
        self,
        stream: Any,
        reader: BodyReader | None = None,
        on_end: Callable[[], None] = lambda: None,
        *,
        start: bytes = b"",
        rest: Any = None,
    ) -> None:
        self._stream = stream
        self._chunks = stream if rest is None else rest
        self._reader = reader
        self._on_end = on_end
        self._start = start

    def _pass(self, chunk: bytes) -> bytes:
        if self._reader is not None:
            self._reader.feed(chunk)
        return chunk


class SyncTee(Tee):
    """The same for programs that wait."""

    def __iter__(self) -> Iterator[bytes]:
        try:
            if self._start:
                yield self._start
            for chunk in self._chunks:
                yield self._pass(chunk)
        finally:
            self._on_end()

    def close(self) -> None:
        try:
            self._stream.close()
        finally:
            self._on_end()


class AsyncTee(Tee):
    """The same for programs that await."""

    async def __aiter__(self) -> AsyncIterator[bytes]:
        try:
            if self._start:
                yield self._start
            async for chunk in self._chunks:
                yield self._pass(chunk)
        finally:
            self._on_end()

    async def aclose(self) -> None:
        try:
            await self._stream.aclose()
        finally:
            self._on_end()


@dataclass(frozen=True)
class Family:
    """One of the libraries that share the classes of httpx."""

    request: type[Any]
    body: type[SyncTee]
    async_body: type[AsyncTee]


def unread_family(response: object) -> Family | None:
    """The library of a response whose body is still on its way; None: it is there, or the library is unknown."""
    family = type(response).__module__.partition(".")[0]
    if family not in FAMILIES or getattr(response, "is_stream_consumed", True) or getattr(response, "is_closed", True):
        return None
    return cast(Family, importlib.import_module(f"keylease.{family}").FAMILY)
