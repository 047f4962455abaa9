"""Server-sent events: bytes in, events out, without I/O.

After the WHATWG HTML standard, section 9.2.6, and kinder than it where real servers stray: a last
event without its blank line is still an event, and one without data is none.
"""

from __future__ import annotations

from typing import NamedTuple

_BOM = b"\xef\xbb\xbf"


class ServerSentEvent(NamedTuple):
    """One event: its name (``""`` if it has none), its data, and the last id the server gave."""

    event: str
    data: str
    id: str


class SSEDecoder:
    r"""Turns the bytes of a ``text/event-stream`` into events.

    The bytes may be split anywhere, also within a character or between CR and LF. The text is
    UTF-8 whatever the headers say; bytes that are not become U+FFFD.

    >>> decoder = SSEDecoder()
    >>> decoder.feed(b'data: {"a"')
    []
    >>> decoder.feed(b': 1}\r\n\r\n')
    [ServerSentEvent(event='', data='{"a": 1}', id='')]
    """

    def __init__(self) -> None:
        self._pieces: list[bytes] = []  # the unfinished event, joined once: it may be megabytes
        self._begun = False
        self._after_cr = False
        self._id = ""

    def feed(self, chunk: bytes) -> list[ServerSentEvent]:
        """Return the events that ``chunk`` completes."""
        if not self._begun:
            chunk = self._begin(chunk)
        if self._after_cr or b"\r" in chunk:
            chunk = self._unify(chunk)
        if not chunk:
            return []
        pieces = self._pieces
        if pieces:
            # A blank line may lie across the seam: what was kept never has one of its own.
            if b"\n\n" not in chunk and not (chunk[0] == 10 and pieces[-1][-1] == 10):
                pieces.append(chunk)
                return []
            chunk = b"".join((*pieces, chunk))
            pieces.clear()
        end = chunk.rfind(b"\n\n")
        if end < 0:
            pieces.append(chunk)
            return []
        if end + 2 < len(chunk):
            pieces.append(chunk[end + 2 :])
        return self._events(chunk[:end])

    def flush(self) -> list[ServerSentEvent]:
        """Return the event that the end of the stream completes, if there is one."""
        rest = b"".join(self._pieces)
        self._pieces.clear()
        return self._events(rest) if rest else []

    def _begin(self, chunk: bytes) -> bytes:
        """Strip a byte order mark from the first bytes; keep them until there are three."""
        chunk = b"".join((*self._pieces, chunk))
        self._pieces.clear()
        if len(chunk) < len(_BOM) and _BOM.startswith(chunk):
            if chunk:
                self._pieces.append(chunk)
            return b""
        self._begun = True
        return chunk.removeprefix(_BOM)

    def _unify(self, chunk: bytes) -> bytes:
        """Make every line end a line feed. A CR counts at once; an LF right after it does not."""
        if self._after_cr and chunk.startswith(b"\n"):
            chunk = chunk[1:]
            self._after_cr = False
        if chunk:
            self._after_cr = chunk.endswith(b"\r")
        return chunk.replace(b"\r\n", b"\n").replace(b"\r", b"\n")

    def _events(self, block: bytes) -> list[ServerSentEvent]:
        events = []
        for frame in block.decode("utf-8", "replace").split("\n\n"):
            # Nearly every frame is one data line (chat), or a name and one data line (Responses).
            name = ""
            line = frame
            if frame.startswith("event: "):
                first, _, line = frame.partition("\n")
                name = first[7:]
            if line.startswith("data: ") and "\n" not in line:
                if len(line) > 6:
                    events.append(ServerSentEvent(name, line[6:], self._id))
            elif event := self._event(frame):
                events.append(event)
        return events

    def _event(self, frame: str) -> ServerSentEvent | None:
        name = ""
        data = []
        for line in frame.split("\n"):
            field, _, value = line.partition(":")
            value = value.removeprefix(" ")
            if field == "data":
                data.append(value)
            elif field == "event":
                name = value
            elif field == "id" and "\0" not in value:
                self._id = value
        text = "\n".join(data)
        return ServerSentEvent(name, text, self._id) if text else None
