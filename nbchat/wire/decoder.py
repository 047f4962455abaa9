"""What the decoders of both endpoints share: from the data of one event to an object."""

from __future__ import annotations

import json
import re
from abc import ABC, abstractmethod
from collections.abc import Iterator
from typing import Any

from nbchat.errors import StreamError
from nbchat.messages import Failed, Notice, StreamEvent
from nbchat.wire.failure import stream_failure
from nbchat.wire.surrogates import SurrogateMender

# Not `json.loads`: it searches for white space around the value, which costs as much as a
# third of the parsing. Raw control characters in strings are accepted (`strict=False`).
_parse = json.JSONDecoder(strict=False).raw_decode

# What may stand before a frame that ran together with another.
_START = re.compile(r"(?:\s|data:)*")

_EMPTY = "the server sent an empty answer"


class Decoder(ABC):
    """Turns the events of one answer into `StreamEvent`s; no server can stop it.

    Attributes:
        done: the answer is complete; what may follow says nothing more.
        ended: every choice that was seen has its finish reason.
        empty: nothing of an answer, nor a failure, has been seen.
    """

    def __init__(self) -> None:
        self.done = False
        self.ended = False
        self.empty = True
        self._failed = False
        self._skipped = 0
        self._mender = SurrogateMender()

    @property
    def finished(self) -> bool:
        """Every choice has its finish reason; only usage or ``[DONE]`` may still come."""
        return self.ended

    def decode(self, data: str, event: str = "") -> list[StreamEvent]:
        """Return what one server-sent event says; ``event`` is its name."""
        try:
            frame, end = _parse(data)
        except (ValueError, RecursionError):
            return self._odd(data, event)
        if end != len(data) and data[end:].strip():
            return self._odd(data, event)
        if type(frame) is dict and "\\u" not in data:  # nearly every frame
            self.empty = False
            return self._frame(frame, event)
        return self._read(frame, data, event)

    def whole(self, answer: Any) -> list[StreamEvent]:
        """Return what an answer says that came as one JSON value, not as a stream."""
        if answer is None:
            return []
        self.empty = False
        answer = self._mender.mend(_unwrap(answer))
        events = self._answer(answer) if isinstance(answer, dict) else self.fail(answer)
        self.done = True
        return events

    def finish(self) -> list[StreamEvent]:
        """Return what the end of the stream means: an answer that is not complete is cut off."""
        events = self._rest()
        if self._skipped and not self.empty:
            events.append(Notice(f"{_frames(self._skipped)} could not be read", "malformed"))
        if not (self._failed or self.done or self.ended):
            words = "the stream ended before the answer was complete"
            if self.empty:
                words = "nothing of the answer could be read" if self._skipped else _EMPTY
            self._failed = True
            events.append(Failed(StreamError(words), cut=True))
        self.done = True
        return events

    @abstractmethod
    def _frame(self, frame: dict[str, Any], event: str) -> list[StreamEvent]:
        """Return what one object of the stream says."""

    @abstractmethod
    def _answer(self, answer: dict[str, Any]) -> list[StreamEvent]:
        """Return what a complete answer says."""

    @abstractmethod
    def _complete(self) -> list[StreamEvent]:
        """Return what ``[DONE]`` adds: finishes that the server left out."""

    @abstractmethod
    def _rest(self) -> list[StreamEvent]:
        """Return what was held back."""

    def _read(self, frame: Any, data: str, event: str) -> list[StreamEvent]:
        if "\\ud" in data or "\\uD" in data:
            frame = self._mender.mend(frame)
        if isinstance(frame, dict):
            self.empty = False
            return self._frame(frame, event)
        if isinstance(frame, list) and frame:
            self.empty = False
            return self.fail(frame)
        return []  # `null`, a number: a heartbeat

    def _odd(self, data: str, event: str) -> list[StreamEvent]:
        """Read data that is not one JSON value: the end mark, a comment, frames run together."""
        data = data.strip()
        if data.startswith("[DONE]"):
            return self._end_mark()
        if not data or data.startswith(":"):  # a gateway's comment in a data line
            return []
        if event == "error":
            self.empty = False
            return self.fail(data)
        events = []
        for text, frame in self._frames_in(data):
            events += self._read(frame, text, event)
        return events

    def _frames_in(self, data: str) -> Iterator[tuple[str, Any]]:
        """Find the objects in frames that ran together; what is no object is counted."""
        position = 0
        while data[position:].strip():
            start = _START.match(data, position).end()  # type: ignore[union-attr]
            if data.startswith("[DONE]", start):
                return
            try:
                frame, position = _parse(data, start)
            except (ValueError, RecursionError):
                self._skipped += 1
                position = data.find("data:", start + 1)
                if position < 0:
                    return
            else:
                yield data[start:position], frame

    def _end_mark(self) -> list[StreamEvent]:
        if self.empty:
            return self.fail(_EMPTY)
        events = self._rest() + self._complete()
        self.done = True
        return events

    def fail(self, failure: Any) -> list[StreamEvent]:
        """Return that the answer failed, in the server's words."""
        self._failed = True
        self.done = True
        return [Failed(stream_failure(failure))]


def is_failure(frame: dict[str, Any]) -> bool:
    """Tell whether an object of any server reports a failure."""
    if frame.get("error"):
        return True
    if frame.get("choices") is not None or frame.get("output") is not None:
        return False
    return bool(
        frame.get("errors")
        or frame.get("detail")
        or (frame.get("message") and not isinstance(frame["message"], dict))
        or frame.get("type") == "error"
        or frame.get("object") == "error"
    )


def _unwrap(answer: Any) -> Any:
    """Take an answer out of Cloudflare's envelope ``{"result": …, "success": true}``."""
    if not isinstance(answer, dict) or answer.get("success") is False:
        return answer
    result = answer.get("result")
    return result if isinstance(result, dict) else answer


def _frames(count: int) -> str:
    return "one frame of the stream" if count == 1 else f"{count} frames of the stream"
