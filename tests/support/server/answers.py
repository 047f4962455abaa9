"""Answers in the words of both protocols, as steps."""

from __future__ import annotations

import itertools
import json
from collections.abc import Mapping
from typing import Any

from tests.support.server.steps import Exchange, Head, Step

_JSON = {"content-type": "application/json"}


def sse(data: Any, event: str = "") -> bytes:
    """Return one server-sent event; ``data`` is text, or a value to be written as JSON."""
    text = data if isinstance(data, str) else json.dumps(data)
    name = f"event: {event}\n" if event else ""
    return f"{name}data: {text}\n\n".encode()


DONE = sse("[DONE]")


def chat_chunk(delta: Mapping[str, Any], **choice: Any) -> bytes:
    """Return one chunk of a streamed chat completion."""
    body = {"index": 0, "delta": dict(delta), "finish_reason": None, **choice}
    return sse(_chat_object("chat.completion.chunk", choices=[body]))


def chat_stream(
    *pieces: str, usage: tuple[int, int] | None = (3, 2), finish: str = "stop"
) -> list[bytes]:
    """Return the frames of a chat answer: role, pieces, finish, usage, ``[DONE]``.

    ``usage`` is (prompt tokens, completion tokens).
    """
    frames = [chat_chunk({"role": "assistant", "content": ""})]
    frames += [chat_chunk({"content": piece}) for piece in pieces]
    frames.append(chat_chunk({}, finish_reason=finish))
    if usage is not None:
        chunk = _chat_object("chat.completion.chunk", choices=[], usage=_chat_usage(usage))
        frames.append(sse(chunk))
    return [*frames, DONE]


def chat_json(text: str, *, usage: tuple[int, int] = (3, 2), finish: str = "stop") -> list[Step]:
    """Return the steps of a chat answer that is not streamed."""
    message = {"role": "assistant", "content": text}
    choice = {"index": 0, "message": message, "finish_reason": finish}
    return json_answer(_chat_object("chat.completion", [choice], usage=_chat_usage(usage)))


def responses_stream(
    *pieces: str, usage: tuple[int, int] = (3, 2), previous: str | None = None
) -> list[bytes]:
    """Return the frames of a Responses answer with one message, as OpenAI sends them.

    ``previous`` is echoed as ``previous_response_id``.
    """
    numbers = itertools.count()
    text = "".join(pieces)
    at = {"item_id": "msg_1", "output_index": 0}
    part_at = {**at, "content_index": 0}
    part = {"type": "output_text", "text": "", "annotations": []}
    whole = {**part, "text": text}
    item = {"id": "msg_1", "type": "message", "role": "assistant", "status": "completed"}
    new_item = {**item, "status": "in_progress", "content": []}
    done_item = {**item, "content": [whole]}

    def frame(kind: str, **fields: Any) -> bytes:
        name = f"response.{kind}"
        return sse({"type": name, "sequence_number": next(numbers), **fields}, name)

    def response(*state: Any) -> dict[str, Any]:
        return {**_response(*state), "previous_response_id": previous}

    return [
        frame("created", response=response("in_progress", [])),
        frame("in_progress", response=response("in_progress", [])),
        frame("output_item.added", output_index=0, item=new_item),
        frame("content_part.added", **part_at, part=part),
        *(frame("output_text.delta", **part_at, delta=piece, logprobs=[]) for piece in pieces),
        frame("output_text.done", **part_at, text=text, logprobs=[]),
        frame("content_part.done", **part_at, part=whole),
        frame("output_item.done", output_index=0, item=done_item),
        frame("completed", response=response("completed", [done_item], usage)),
    ]


def responses_json(text: str, *, usage: tuple[int, int] = (3, 2)) -> list[Step]:
    """Return the steps of a Responses answer that is not streamed."""
    part = {"type": "output_text", "text": text, "annotations": []}
    item = {
        "id": "msg_1",
        "type": "message",
        "role": "assistant",
        "status": "completed",
        "content": [part],
    }
    return json_answer(_response("completed", [item], usage))


def json_answer(
    body: Any, status: int = 200, headers: Mapping[str, str] | None = None
) -> list[Step]:
    """Return the steps of an answer that is one JSON value."""
    return [Head(status, {**_JSON, **(headers or {})}, "length"), json.dumps(body).encode()]


def error_answer(
    status: int,
    message: str,
    *,
    code: str | None = None,
    param: str | None = None,
    type: str = "invalid_request_error",
    headers: Mapping[str, str] | None = None,
) -> list[Step]:
    """Return the steps of an error in OpenAI's form."""
    error = {"message": message, "type": type, "param": param, "code": code}
    return json_answer({"error": error}, status, headers)


def echo(exchange: Exchange) -> list[Step]:
    """Answer with the last user message's words, on the endpoint and in the form asked for."""
    path = exchange.path.partition("?")[0]
    if exchange.method == "GET" and path.endswith("/models"):
        models = [{"id": "test-model", "object": "model", "created": 0, "owned_by": "tests"}]
        return json_answer({"object": "list", "data": models})
    chat = path.endswith("/chat/completions")
    if exchange.method != "POST" or not (chat or path.endswith("/responses")):
        return error_answer(404, f"Invalid URL ({exchange.method} {path})")
    body = exchange.json
    text = "echo: " + _last_text(body["messages"] if chat else body["input"])
    if not body.get("stream"):
        return chat_json(text) if chat else responses_json(text)
    pieces = [word + " " for word in text.split(" ")]
    pieces[-1] = pieces[-1][:-1]
    return [*(chat_stream(*pieces) if chat else responses_stream(*pieces))]


def _last_text(messages: Any) -> str:
    if isinstance(messages, str):
        return messages
    content = messages[-1].get("content") or ""
    if isinstance(content, str):
        return content
    return "".join(part.get("text", "") for part in content)


def _chat_object(kind: str, choices: list[Any], **fields: Any) -> dict[str, Any]:
    shared = {"id": "chatcmpl-1", "object": kind, "created": 1700000000, "model": "test-model"}
    return {**shared, "choices": choices, **fields}


def _chat_usage(usage: tuple[int, int]) -> dict[str, int]:
    return {
        "prompt_tokens": usage[0],
        "completion_tokens": usage[1],
        "total_tokens": sum(usage),
    }


def _response(
    status: str, output: list[Any], usage: tuple[int, int] | None = None
) -> dict[str, Any]:
    counted = usage and {
        "input_tokens": usage[0],
        "input_tokens_details": {"cached_tokens": 0},
        "output_tokens": usage[1],
        "output_tokens_details": {"reasoning_tokens": 0},
        "total_tokens": sum(usage),
    }
    return {
        "id": "resp_1",
        "object": "response",
        "created_at": 1700000000,
        "status": status,
        "model": "test-model",
        "output": output,
        "error": None,
        "incomplete_details": None,
        "parallel_tool_calls": True,
        "tool_choice": "auto",
        "tools": [],
        "usage": counted,
    }
