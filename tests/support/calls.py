"""Answers of `ScriptedServer` that ask for tool calls."""

from __future__ import annotations

import json
from typing import Any

from tests.support.server import DONE, Step, chat_chunk, json_answer, sse


def calls(magic: str, *wanted: tuple[str, Any], text: str = "") -> list[Step]:
    """Return the steps of an answer, in one piece, that asks for tool calls.

    Args:
        magic: ``chat`` or ``respond``: whose protocol the answer speaks.
        wanted: name and arguments of each call; arguments that are text are sent as they stand.
        text: what the model says before.
    """
    arguments = [json.dumps(a) if not isinstance(a, str) else a for _, a in wanted]
    if magic == "chat":
        tool_calls = [
            {"id": f"call_{n}", "type": "function", "function": {"name": name, "arguments": a}}
            for n, ((name, _), a) in enumerate(zip(wanted, arguments, strict=True))
        ]
        message = {"role": "assistant", "content": text or None, "tool_calls": tool_calls}
        choice = {"index": 0, "message": message, "finish_reason": "tool_calls"}
        return json_answer({"id": "c", "model": "m", "choices": [choice]})
    items: list[dict[str, Any]] = [
        {"type": "function_call", "id": f"fc_{n}", "call_id": f"call_{n}", "name": name}
        | {"arguments": a, "status": "completed"}
        for n, ((name, _), a) in enumerate(zip(wanted, arguments, strict=True))
    ]
    if text:
        part = {"type": "output_text", "text": text, "annotations": []}
        items.insert(0, {"type": "message", "id": "msg_0", "role": "assistant", "content": [part]})
    return json_answer({"id": "r", "model": "m", "status": "completed", "output": items})


def streamed_calls(magic: str, *wanted: tuple[str, Any], text: str = "") -> list[bytes]:
    """Return the same answer as `calls` as a stream, its arguments in two pieces."""
    _, body = calls(magic, *wanted, text=text)
    assert isinstance(body, bytes)
    answer = json.loads(body)
    if magic == "respond":
        events = [event for item in answer["output"] for event in _item_events(item)]
        created = {"type": "response.created", "response": {**answer, "output": []}}
        ended = {"type": "response.completed", "response": answer}
        return [sse(event, event["type"]) for event in (created, *events, ended)]
    message = answer["choices"][0]["message"]
    frames = [chat_chunk({"role": "assistant", "content": text or None})]
    for index, call in enumerate(message["tool_calls"]):
        whole = call["function"]["arguments"]
        head = {**call, "index": index, "function": {**call["function"], "arguments": whole[:3]}}
        rest = {"index": index, "function": {"arguments": whole[3:]}}
        frames += [chat_chunk({"tool_calls": [piece]}) for piece in (head, rest)]
    return [*frames, chat_chunk({}, finish_reason="tool_calls"), DONE]


def _item_events(item: dict[str, Any]) -> list[dict[str, Any]]:
    place = {"item_id": item["id"], "output_index": 0}
    if item["type"] == "message":
        text = item["content"][0]["text"]
        empty = {**item, "content": []}
        words = {"type": "response.output_text.delta", "content_index": 0, "delta": text, **place}
        middle = [words]
    else:
        arguments, kind = item["arguments"], "response.function_call_arguments"
        empty = {**item, "arguments": ""}
        middle = [
            {"type": f"{kind}.delta", "delta": piece, **place}
            for piece in (arguments[:3], arguments[3:])
        ]
        middle.append({"type": f"{kind}.done", "arguments": arguments, **place})
    return [
        {"type": "response.output_item.added", "output_index": 0, "item": empty},
        *middle,
        {"type": "response.output_item.done", "output_index": 0, "item": item},
    ]
