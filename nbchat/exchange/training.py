"""``.jsonl``: OpenAI's form for training on chats, a conversation a line.

https://platform.openai.com/docs/guides/supervised-fine-tuning. It has what the model sees of the
current path, and nothing else of a thread.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Literal

from nbchat.conversation import Conversation, Turn
from nbchat.conversation.values import RecordError, to_json
from nbchat.messages import (
    Audio,
    AudioDelta,
    File,
    Image,
    Message,
    Part,
    Refusal,
    RefusalDelta,
    Role,
    StreamEvent,
    Text,
    TextDelta,
    ToolCallDelta,
)
from nbchat.options import Options
from nbchat.wire.chat.request import request_body

_ROLES: dict[str, Role] = {
    "system": "system",
    "developer": "system",
    "user": "user",
    "assistant": "assistant",
    "tool": "tool",
}
_GIVEN = {"function": "arguments", "custom": "input"}


def to_training(thread: Conversation) -> str:
    """Return what the model sees of the thread as one line.

    Raises:
        UsageError: it has a file by its URL, for which the form has no place.
    """
    system = [Message.of("system", thread.system)] if thread.system else []
    body = request_body("", [*system, *thread.history()], Options())
    return to_json({"messages": body["messages"]}) + "\n"


def from_training(text: str, name: str) -> list[Conversation]:
    """Return a thread for each line that is not empty; they are named ``name``, ``name-2``, ….

    Raises:
        RecordError: a line is of another form.
        ValueError: a line is no JSON.
    """
    threads: list[Conversation] = []
    for number, line in enumerate(text.split("\n"), 1):  # U+2028 ends no line in JSON
        if not line.strip():
            continue
        data = json.loads(line)
        messages = data.get("messages") if isinstance(data, dict) else None
        if not isinstance(messages, list):
            raise RecordError(f'line {number} has no "messages"')
        try:
            thread = _thread([_checked(message) for message in messages])
        except RecordError as error:
            raise RecordError(f"line {number}: {error}") from None
        thread.name = f"{name}-{len(threads) + 1}" if threads else name
        threads.append(thread)
    return threads


def _checked(message: Any) -> Mapping[str, Any]:
    if not isinstance(message, dict) or message.get("role") not in _ROLES:
        raise RecordError("a message has a role: system, user, assistant or tool")
    return message


def _thread(messages: Sequence[Mapping[str, Any]]) -> Conversation:
    """Make a turn end with each message of the assistant, and at the end."""
    thread = Conversation("")
    rest = list(messages)
    instructions = []
    while rest and _ROLES[rest[0]["role"]] == "system":
        instructions.append(_message(rest.pop(0)).text)
    thread.system = "\n\n".join(instructions)
    prompt: list[Message] = []
    for message in rest:
        if message["role"] != "assistant":
            prompt.append(_message(message))
            continue
        _open(thread, prompt, _answer(message))
        prompt = []
    if prompt:
        _open(thread, prompt, ())
    return thread


def _open(thread: Conversation, prompt: list[Message], answer: Sequence[StreamEvent]) -> None:
    turn = Turn(tuple(prompt), "chat", by_hand=True, stored=False)
    for event in answer:
        turn.answer.apply(event)
    turn.answer.status = "completed"
    thread.open(turn, thread.head)


def _message(data: Mapping[str, Any]) -> Message:
    call = data.get("tool_call_id", "")
    if not isinstance(call, str):
        raise RecordError("a tool_call_id is text")
    parts = tuple(_part(part) for part in _content(data))
    return Message(_ROLES[data["role"]], parts, tool_call_id=call)


def _content(data: Mapping[str, Any]) -> list[Any]:
    content = data.get("content")
    if content is None or content == "":
        return []
    return content if isinstance(content, list) else [{"type": "text", "text": content}]


def _part(data: Any) -> Part:
    """Return a part of a message; its form is that of a Chat Completions request."""
    kind = data.get("type") if isinstance(data, dict) else None
    inner = data.get(kind) if kind else None
    if kind in ("text", "refusal") and isinstance(inner, str):
        return Text(inner) if kind == "text" else Refusal(inner)
    if not isinstance(inner, dict) or not all(isinstance(item, str) for item in inner.values()):
        raise RecordError(f"there is no part of type {kind!r}, or it is not complete")
    if kind == "image_url" and "url" in inner:
        return Image(inner["url"], inner.get("detail", ""))
    if kind == "input_audio" and "data" in inner:
        return Audio(inner["data"], inner.get("format", "wav"))
    if kind == "file":
        return File(
            inner.get("filename", ""), inner.get("file_data", ""), inner.get("file_id", "")
        )
    raise RecordError(f"there is no part of type {kind!r}, or it is not complete")


def _answer(data: Mapping[str, Any]) -> list[StreamEvent]:
    events: list[StreamEvent] = []
    for part in map(_part, _content(data)):
        if isinstance(part, Text):
            events.append(TextDelta(part.text))
        elif isinstance(part, Refusal):
            events.append(RefusalDelta(part.text))
        else:
            raise RecordError("an assistant's message is text")
    if isinstance(refusal := data.get("refusal"), str):
        events.append(RefusalDelta(refusal))
    audio = data.get("audio")
    if isinstance(audio, dict) and isinstance(audio.get("id"), str):
        events.append(AudioDelta(id=audio["id"]))
    return [*events, *_calls(data.get("tool_calls") or [])]


def _calls(calls: Any) -> Iterator[StreamEvent]:
    if not isinstance(calls, list):
        raise RecordError("tool_calls are a list")
    for place, call in enumerate(calls):
        if not isinstance(call, dict):
            raise RecordError("a tool call is an object")
        kind: Literal["function", "custom"] = (
            "custom" if call.get("type") == "custom" else "function"
        )
        inner = call.get(kind)
        if not isinstance(inner, dict):
            raise RecordError(f"a tool call has a {kind}")
        id, name, given = call.get("id"), inner.get("name"), inner.get(_GIVEN[kind])
        if not (isinstance(id, str) and isinstance(name, str) and isinstance(given, str)):
            raise RecordError(f"a tool call has id, name and {_GIVEN[kind]}")
        extra = {key: value for key, value in call.items() if key not in ("id", "type", kind)}
        yield ToolCallDelta(str(place), id, name, given, 0, kind, extra)
