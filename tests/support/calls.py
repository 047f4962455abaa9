"""Answers of `ScriptedServer` that ask for tool calls."""

from __future__ import annotations

import json
from typing import Any

from tests.support.server import Step, json_answer


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
