"""Reads an answer as it passes by: never holds it back, and never holds more of it than a bound."""

from __future__ import annotations

import json
import zlib
from collections.abc import Callable, Mapping

from ._nouns import Usage
from ._usage import StreamError, StreamReader, usage_of

READABLE_ENCODINGS = "gzip, deflate"
"""What is asked for instead of encodings that only the program could read."""

JSON_BYTES_MAX = 4 * 1024 * 1024
"""Of a longer answer the usage is not read."""

LINE_BYTES_MAX = 1024 * 1024
"""Of an event stream; a longer line is passed over."""


class BodyReader:
    """Sees every chunk of one answer; knows its usage afterwards."""

    def __init__(self, headers: Mapping[str, str]) -> None:
        kind = headers.get("content-type", "").partition(";")[0].strip().lower()
        self._decode = _decoder(headers.get("content-encoding", "").strip().lower())
        self.is_stream = kind == "text/event-stream"
        self._is_json = kind.endswith("json")
        self._stream = StreamReader()
        self._held = bytearray()
        self._event: list[bytes] = []
        self._skipping = False

    def feed(self, chunk: bytes) -> None:
        """Takes in a chunk as it came over the wire."""
        if self._decode is None:
            return
        try:
            data = self._decode(chunk)
        except zlib.error:
            self._decode = None
            return
        if self.is_stream:
            self._feed_stream(data)
        elif self._is_json and not self._skipping:
            self._held += data
            if len(self._held) > JSON_BYTES_MAX:
                self._skipping = True
                self._held.clear()

    @property
    def usage(self) -> Usage | None:
        """What the answer used, once it told."""
        if self.is_stream:
            return self._stream.usage
        if b"sage" not in self._held:  # usage, usageMetadata
            return None
        try:
            return usage_of(json.loads(self._held))
        except ValueError:
            return None

    @property
    def error(self) -> StreamError | None:
        """The error that was told in the middle of a stream."""
        return self._stream.error

    def _feed_stream(self, data: bytes) -> None:
        *ends, rest = data.split(b"\n")
        for end in ends:
            if not self._skipping:
                self._line(bytes(self._held + end).rstrip(b"\r"))
            self._held.clear()
            self._skipping = False
        if not self._skipping:
            self._held += rest
        if len(self._held) > LINE_BYTES_MAX:
            self._skipping = True
            self._held.clear()

    def _line(self, line: bytes) -> None:
        if line.startswith(b"data:"):
            self._event.append(line[5:].strip())
        elif not line and self._event:
            event, self._event = b"\n".join(self._event), []
            self._stream.event(event)


def _decoder(encoding: str) -> Callable[[bytes], bytes] | None:
    if encoding in ("", "identity"):
        return lambda data: data
    if encoding in ("gzip", "x-gzip", "deflate"):
        return zlib.decompressobj(zlib.MAX_WBITS | 32).decompress
    return None


def decoded(headers: Mapping[str, str], raw: bytes) -> str:
    """The text of an error body, or of its beginning, where its encoding can be read."""
    decode = _decoder(headers.get("content-encoding", "").strip().lower())
    try:
        return decode(raw).decode(errors="replace") if decode is not None else ""
    except zlib.error:
        return ""
