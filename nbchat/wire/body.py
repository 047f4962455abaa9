"""An answer's body, whatever its headers say: bytes in, `StreamEvent`s out."""

from __future__ import annotations

import json

from nbchat.messages import Endpoint, StreamEvent
from nbchat.wire.chat.stream import ChatDecoder
from nbchat.wire.decoder import Decoder
from nbchat.wire.responses.stream import ResponsesDecoder
from nbchat.wire.sse import ServerSentEvent, SSEDecoder

# The first letters of a stream's lines: data, event, id, retry, and a comment's colon.
_FIELDS = b"deir:"
_BLANK = b"\xef\xbb\xbf \t\r\n"


class AnswerDecoder:
    r"""Decodes the body of one answer, a stream or a single JSON value.

    Which of them it is, its first bytes tell: servers stream as ``application/json``, and send
    JSON, or a page of HTML, where a stream was asked for.

    Args:
        endpoint: the protocol.
        choices: how many choices were asked for (chat).
        max_tokens: the limit that was asked for, if any (Responses).

    >>> decoder = AnswerDecoder("chat")
    >>> [event] = decoder.feed(b'data: {"choices": [{"delta": {"content": "Hi"}}]}\n\n')
    >>> event.text, decoder.done
    ('Hi', False)
    """

    def __init__(
        self, endpoint: Endpoint, *, choices: int = 1, max_tokens: int | None = None
    ) -> None:
        self._decoder = _decoder_of(endpoint, choices, max_tokens)
        self._sse = SSEDecoder()
        self._streaming: bool | None = None  # None until the first byte that tells
        self._body: list[bytes] = []  # all of it, or of a stream what came before its first event

    @property
    def done(self) -> bool:
        """The answer is complete: reading may stop."""
        return self._decoder.done

    @property
    def finished(self) -> bool:
        """Every choice has its finish reason; only usage or the end mark may still come."""
        return self._decoder.finished

    def feed(self, chunk: bytes) -> list[StreamEvent]:
        """Return what ``chunk`` adds."""
        if self._streaming is None:
            start = b"".join((*self._body, chunk)).lstrip(_BLANK)
            self._streaming = start[0] in _FIELDS if start else None
        if not self._streaming or self._decoder.empty:
            self._body.append(chunk)
        return self._read(self._sse.feed(chunk)) if self._streaming is not False else []

    def finish(self) -> list[StreamEvent]:
        """Return what the end of the body adds; it says if the answer is not complete."""
        if self._streaming is None:
            return self._decoder.finish()
        events = self._read(self._sse.flush())
        if self._decoder.empty and not self.done:
            events += self._read_body(b"".join(self._body).strip(_BLANK))
        self._body.clear()
        return events + self._decoder.finish()

    def _read(self, frames: list[ServerSentEvent]) -> list[StreamEvent]:
        events: list[StreamEvent] = []
        for frame in frames:
            if self.done:
                break
            events += self._decoder.decode(frame.data, frame.event)
        if self._body and self._streaming and not self._decoder.empty:
            self._body.clear()
        return events

    def _read_body(self, body: bytes) -> list[StreamEvent]:
        """Read a body in which no event was found: one JSON value, or text that is a failure."""
        text = body.decode("utf-8", "replace")
        if not text or text.startswith(":"):
            return []
        try:
            return self._decoder.whole(json.loads(text, strict=False))
        except (ValueError, RecursionError):
            pass
        if text[0] in "{[":  # cut off, or several objects in a row
            return self._decoder.decode(text)
        if b"data:" in body and text[0] != "<":
            sse = SSEDecoder()
            return self._read(sse.feed(body) + sse.flush())
        return self._decoder.fail(text)


def _decoder_of(endpoint: Endpoint, choices: int, max_tokens: int | None) -> Decoder:
    if endpoint == "chat":
        return ChatDecoder(choices)
    return ResponsesDecoder(max_tokens)
