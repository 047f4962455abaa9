"""Answers of the embedded model (SmolLM2 in llama.cpp), recorded byte by byte."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tests.wire.streams import Case
from tests.wire.streams.chat import chat
from tests.wire.streams.events import respond

CUT_SHORT = "Hello! I'm here to help with any kind of creative"
WHOLE = CUT_SHORT + " writing project. What can I help you with today?"
ITEMS = {"items": ("message",), "usage": (33, 12)}


def _read(name: str) -> bytes:
    return (Path(__file__).parent / name).read_bytes()


def _chat(name: str, expect: dict[str, Any], **options: Any) -> Case:
    return chat(f"recorded {name}", _read(name), expect, **options)


CASES = [
    _chat("chat_stop.sse", {"text": WHOLE, "usage": (33, 24)}),
    _chat("chat_length.sse", {"text": CUT_SHORT, "usage": (33, 12), "finish": "length"}),
    _chat("chat_whole.json", {"text": CUT_SHORT, "usage": (33, 12), "finish": "length"}),
    _chat(
        "chat_logprobs.sse",
        {
            "text": "Hello! I'm",
            "logprobs": ("Hello", "!", " I", "'m"),
            "usage": (33, 4),
            "finish": "length",
        },
    ),
    _chat(
        "chat_choices.sse",
        {
            "text": "Hello! I'm here to",
            "text_1": "Hello! I'm here to",
            "usage": (33, 6),
            "finish": "length",
            "finish_1": "length",
        },
        choices=2,
    ),
    respond(
        "recorded responses_plain.sse", _read("responses_plain.sse"), {"text": CUT_SHORT, **ITEMS}
    ),
    respond(
        "recorded responses_plain.sse with its limit",
        _read("responses_plain.sse"),
        {"text": CUT_SHORT, "finish": "length", **ITEMS},
        max_tokens=12,
    ),
    respond(
        "recorded responses_whole.json",
        _read("responses_whole.json"),
        {"text": CUT_SHORT, **ITEMS},
    ),
]
