"""Builders of the Responses API's events, and what the tests' usual messages come to."""

from __future__ import annotations

from typing import Any

from tests.wire.streams import Case, named

Frames = list[dict[str, Any]]


def response(status: str, output: Any = (), **more: Any) -> dict[str, Any]:
    """Return a response object."""
    return {
        "id": "resp_1",
        "object": "response",
        "created_at": 1700000000,
        "model": "test-model",
        "status": status,
        "error": None,
        "incomplete_details": None,
        "instructions": None,
        "metadata": {},
        "output": list(output) if output is not None else None,
        "parallel_tool_calls": True,
        "temperature": 1.0,
        "tool_choice": "auto",
        "tools": [],
        "top_p": 1.0,
        "usage": None,
        **more,
    }


def usage(given: int, made: int) -> dict[str, Any]:
    """Return a usage object."""
    return {
        "input_tokens": given,
        "input_tokens_details": {"cached_tokens": 0, "cache_write_tokens": 0},
        "output_tokens": made,
        "output_tokens_details": {"reasoning_tokens": 0},
        "total_tokens": given + made,
    }


def created() -> dict[str, Any]:
    return {"type": "response.created", "response": response("in_progress")}


def ended(status: str = "completed", output: Any = (), **more: Any) -> dict[str, Any]:
    """Return the terminal event of a response."""
    return {"type": f"response.{status}", "response": response(status, output, **more)}


def added(index: int, item: Any) -> dict[str, Any]:
    return {"type": "response.output_item.added", "output_index": index, "item": item}


def done(index: int, item: Any) -> dict[str, Any]:
    return {"type": "response.output_item.done", "output_index": index, "item": item}


def event(kind: str, item: str = "", index: int = 0, **more: Any) -> dict[str, Any]:
    """Return an event that speaks of an item."""
    return {"type": f"response.{kind}", "item_id": item, "output_index": index, **more}


def delta(text: str, item: str = "msg_1", index: int = 0, part: int = 0) -> dict[str, Any]:
    """Return a delta of text."""
    more = {"content_index": part, "delta": text, "logprobs": []}
    return event("output_text.delta", item, index, **more)


def output_text(text: str, annotations: Any = ()) -> dict[str, Any]:
    """Return a part of a message."""
    return {
        "type": "output_text",
        "text": text,
        "annotations": list(annotations),
        "logprobs": [],
    }


def message(*parts: Any, item: str = "msg_1", status: str = "completed") -> dict[str, Any]:
    """Return a message item."""
    return {
        "id": item,
        "type": "message",
        "role": "assistant",
        "status": status,
        "content": list(parts),
    }


def reasoning(*summary: str, item: str = "rs_1", **more: Any) -> dict[str, Any]:
    """Return a reasoning item."""
    parts = [{"type": "summary_text", "text": text} for text in summary]
    return {"id": item, "type": "reasoning", "summary": parts, **more}


def function_call(arguments: str, item: str = "fc_1", call: str = "call_1") -> dict[str, Any]:
    """Return a function call item."""
    return {
        "id": item,
        "type": "function_call",
        "call_id": call,
        "name": "get",
        "arguments": arguments,
        "status": "completed",
    }


def spoken(*texts: str, item: str = "msg_1", index: int = 0) -> Frames:
    """Return all events of a message with one part."""
    text = "".join(texts)
    part = {"item_id": item, "output_index": index, "content_index": 0}
    return [
        added(index, message(item=item, status="in_progress")),
        {"type": "response.content_part.added", **part, "part": output_text("")},
        *(delta(text, item, index) for text in texts),
        {"type": "response.output_text.done", **part, "text": text, "logprobs": []},
        {"type": "response.content_part.done", **part, "part": output_text(text)},
        done(index, message(output_text(text), item=item)),
    ]


def called(*pieces: str, item: str = "fc_1", call: str = "call_1", index: int = 0) -> Frames:
    """Return all events of a function call."""
    arguments = "".join(pieces)
    kind = "function_call_arguments"
    return [
        added(index, function_call("", item, call)),
        *(event(f"{kind}.delta", item, index, delta=piece) for piece in pieces),
        event(f"{kind}.done", item, index, arguments=arguments, name="get"),
        done(index, function_call(arguments, item, call)),
    ]


def thought(*pieces: str, item: str = "rs_1", index: int = 0) -> Frames:
    """Return all events of a reasoning item with one summary."""
    text = "".join(pieces)
    place = {"item_id": item, "output_index": index, "summary_index": 0}
    kind = "response.reasoning_summary"
    part = {"type": "summary_text", "text": text}
    return [
        added(index, reasoning(item=item)),
        {"type": f"{kind}_part.added", **place, "part": {"type": "summary_text", "text": ""}},
        *({"type": f"{kind}_text.delta", **place, "delta": piece} for piece in pieces),
        {"type": f"{kind}_text.done", **place, "text": text},
        {"type": f"{kind}_part.done", **place, "part": part},
        done(index, reasoning(text, item=item)),
    ]


def respond(name: str, body: bytes, expect: Any, **options: Any) -> Case:
    return Case(name, "responses", body, expect, options)


def stream(*frames: Any) -> bytes:
    """Return a proper stream: named and numbered events, without a ``[DONE]``."""
    return named(*({**frame, "sequence_number": n} for n, frame in enumerate(frames)))


def without(frames: Frames, *keys: str) -> Frames:
    """Return frames that lack these keys."""
    return [{k: v for k, v in frame.items() if k not in keys} for frame in frames]


HELLO = {"text": "Hello", "items": ("message",)}
OUTPUT = [message(output_text("Hello"))]
SPOKEN = spoken("Hel", "lo")
ANNOTATION = {
    "type": "url_citation",
    "url": "https://a.test",
    "title": "A",
    "start_index": 0,
    "end_index": 3,
}
CALLED = {"calls": (("call_1", "get", '{"a":1}'),), "items": ("function_call",)}
