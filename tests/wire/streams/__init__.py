"""Streams as servers send them, and what an answer must be that is folded from them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from nbchat.conversation.fold import Answer
from nbchat.messages import Endpoint, StreamEvent
from nbchat.wire.body import AnswerDecoder


@dataclass(frozen=True)
class Case:
    """One body and what must come of it.

    ``expect`` names what differs from an answer that is empty, complete and ended by ``stop``.
    """

    name: str
    endpoint: Endpoint
    body: bytes
    expect: Mapping[str, Any] = field(default_factory=dict)
    options: Mapping[str, Any] = field(default_factory=dict)

    def __str__(self) -> str:
        return f"{self.endpoint}: {self.name}"


def fold(
    endpoint: Endpoint, pieces: Iterable[bytes], **options: Any
) -> tuple[Answer, list[StreamEvent]]:
    """Return the answer, and the events as a view sees them, of a body that came in pieces."""
    decoder = AnswerDecoder(endpoint, **options)
    answer = Answer()
    seen = []
    for piece in pieces:
        seen += [answer.apply(event) for event in decoder.feed(piece)]
    seen += [answer.apply(event) for event in decoder.finish()]
    return answer, [event for event in seen if event is not None]


def summary(answer: Answer) -> dict[str, Any]:
    """Return all that can be told of an answer but the server's words on itself."""
    found = {
        "status": answer.status,
        "error": answer.error.detail if answer.error else "",
        "usage": (answer.usage.input, answer.usage.output) if answer.usage else None,
        "images": tuple(image.url for image in answer.images),
        "notices": tuple(answer.notices),
        "items": tuple(item.get("type") for item in answer.items),
        "hosted": tuple((h.kind, h.status, h.detail, h.text) for h in answer.hosted.values()),
    }
    for choice, state in sorted(answer.choices.items()):
        suffix = f"_{choice}" if choice else ""
        found["text" + suffix] = state.text
        found["reasoning" + suffix] = state.reasoning
        found["refusal" + suffix] = state.refusal
        found["finish" + suffix] = state.finish_reason
        found["calls" + suffix] = tuple((c.id, c.name, c.arguments) for c in state.tool_calls)
        found["extra" + suffix] = tuple(
            dict(call.extra) for call in state.tool_calls if call.extra
        )
        found["citations" + suffix] = tuple(
            (c.url or c.title, c.start, c.end) for c in state.citations
        )
        found["logprobs" + suffix] = tuple(entry["token"] for entry in state.logprobs)
        audio = state.audio
        found["audio" + suffix] = (audio.data, audio.transcript, audio.id) if audio else None
    return found


NOTHING = {
    **summary(Answer()),
    "status": "completed",
    "text": "",
    "reasoning": "",
    "refusal": "",
    "finish": "stop",
    "calls": (),
    "extra": (),
    "citations": (),
    "logprobs": (),
    "audio": None,
}
"""The summary of an answer that is empty, complete and ended by ``stop``."""

CUT = {"status": "cut", "finish": "", "error": "the stream ended before the answer was complete"}
"""What differs in an answer whose stream ended too early."""


def failed(detail: str, **more: Any) -> dict[str, Any]:
    """Return what differs in an answer that the server ended with a failure."""
    return {"status": "failed", "finish": "", "error": detail, **more}


def sse(*frames: Any, end: str = "\n\n") -> bytes:
    """Return server-sent events: objects as JSON, text as the data, bytes as they are."""
    return b"".join(
        frame
        if isinstance(frame, bytes)
        else b"data: " + _data(frame).encode() + end.encode("ascii")
        for frame in frames
    )


def named(*frames: Mapping[str, Any]) -> bytes:
    """Return frames as events that carry their type as the name too."""
    return b"".join(f"event: {frame['type']}\n".encode() + sse(frame) for frame in frames)


def whole(value: Any) -> bytes:
    """Return a body that is one JSON value."""
    return json.dumps(value, indent=2).encode()


def _data(frame: Any) -> str:
    return frame if isinstance(frame, str) else json.dumps(frame, ensure_ascii=False)
