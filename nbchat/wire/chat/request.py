"""The body of a Chat Completions request."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from nbchat.errors import UsageError
from nbchat.messages import (
    Audio,
    File,
    Format,
    Image,
    Message,
    Part,
    Refusal,
    Text,
    ToolCall,
    ToolSpec,
)
from nbchat.options import Options
from nbchat.wire import Habits
from nbchat.wire.fields import drop, put
from nbchat.wire.history import answered

__all__ = ["request_body"]

# Options whose value goes into a field as it is.
_PLAIN = (
    ("temperature", "temperature"),
    ("top_p", "top_p"),
    ("frequency_penalty", "frequency_penalty"),
    ("presence_penalty", "presence_penalty"),
    ("seed", "seed"),
    ("n", "n"),
    ("effort", "reasoning_effort"),
    ("verbosity", "verbosity"),
    ("parallel_tools", "parallel_tool_calls"),
    ("store", "store"),
    ("user", "user"),
    ("service_tier", "service_tier"),
    ("prompt_cache_key", "prompt_cache_key"),
    ("safety_identifier", "safety_identifier"),
)


def request_body(
    model: str,
    messages: Sequence[Message],
    options: Options,
    habits: Habits = Habits(),  # noqa: B008 - frozen
    *,
    tools: Sequence[ToolSpec] = (),
    format: Format | None = None,
    web: str | None = None,
) -> dict[str, Any]:
    """Return the body for ``POST {base}/chat/completions``, ready for JSON.

    Args:
        model: the model, in the provider's words.
        messages: the whole conversation, the system message first.
        options: what the prompt asks for; ``options.set`` is put in last and has its way.
        habits: how this server wants to be spoken to.
        tools: the tools that the model may call.
        format: the form that the answer must have.
        web: search the web with this much context (low, medium, high, ``""`` for the default).

    Raises:
        UsageError: a part of a message has no form here (a file by URL), or a ``--set`` path
            leads nowhere.

    >>> request_body("m", [Message.of("user", "hi")], Options(max_tokens=5, stream=False))
    ... # doctest: +NORMALIZE_WHITESPACE
    {'model': 'm', 'messages': [{'role': 'user', 'content': 'hi'}], 'stream': False,
     'max_completion_tokens': 5}
    """
    body: dict[str, Any] = {
        "model": model,
        "messages": _messages(messages, habits),
        "stream": options.stream,
    }
    if options.stream and habits.include_usage:
        body["stream_options"] = {"include_usage": True}
    if options.max_tokens is not None:
        body[habits.max_tokens] = options.max_tokens
    for name, field in _PLAIN:
        value = getattr(options, name)
        if value is not None:
            body[field] = value
    if options.stop:
        body["stop"] = list(options.stop)
    if options.logprobs is not None:
        body["logprobs"] = True
        body["top_logprobs"] = options.logprobs
    if options.metadata:
        body["metadata"] = dict(options.metadata)
    if tools:
        body["tools"] = [_tool(tool) for tool in tools]
    if options.tool_choice is not None:
        body["tool_choice"] = _tool_choice(options.tool_choice, tools)
    if format is not None:
        body["response_format"] = _response_format(format)
    if web is not None:
        body["web_search_options"] = {"search_context_size": web} if web else {}
    drop(body, habits.dropped)
    put(body, options.set)
    return body


# --- Messages -------------------------------------------------------------------------------


def _messages(messages: Sequence[Message], habits: Habits) -> list[dict[str, Any]]:
    sent: list[dict[str, Any]] = []
    seen: list[Part] = []  # what tools gave that is no text
    for message in answered(messages):
        if message.role == "tool":
            sent.append(
                {"role": "tool", "tool_call_id": message.tool_call_id, "content": message.text}
            )
            seen += [part for part in message.parts if not isinstance(part, Text)]
            continue
        _show(sent, seen)
        if message.role == "assistant":
            sent.append(_assistant(message))
        else:
            role = habits.system_role if message.role == "system" else "user"
            sent.append({"role": role, "content": _content(message.parts)})
    _show(sent, seen)
    return sent


def _show(sent: list[dict[str, Any]], seen: list[Part]) -> None:
    # A tool message holds text alone, and nothing may stand between a call's answers: what else
    # the tools gave comes after them, as the user's.
    if seen:
        sent.append({"role": "user", "content": _content(seen)})
        seen.clear()


def _assistant(message: Message) -> dict[str, Any]:
    # A refusal goes as the text that it is: its own part is refused by servers that know none
    # (llama.cpp), and a thread may go on at another server than the one that began it.
    text = "".join(part.text for part in message.parts if isinstance(part, (Text, Refusal)))
    sent: dict[str, Any] = {"role": "assistant", "content": text}
    if not text:
        sent |= _spoken(message)
    if message.tool_calls:
        sent["content"] = sent["content"] or None
        sent["tool_calls"] = [_call(call) for call in message.tool_calls]
    return sent


def _spoken(message: Message) -> dict[str, Any]:
    """Return what stands for a spoken answer: its words, which every model can read, or its id.

    Images that a model made have no form in an assistant's message and are left out.
    """
    for part in message.parts:
        if isinstance(part, Audio) and part.transcript:
            return {"content": part.transcript}
        if isinstance(part, Audio) and part.id:
            return {"content": None, "audio": {"id": part.id}}
    return {}


def _call(call: ToolCall) -> dict[str, Any]:
    if call.kind == "custom":
        inner = {"name": call.name, "input": call.arguments}
    else:
        inner = {"name": call.name, "arguments": call.arguments or "{}"}
    return {"id": call.id, "type": call.kind, call.kind: inner, **call.extra}


def _content(parts: Sequence[Part]) -> str | list[dict[str, Any]]:
    """Return plain text where it is only that: the form that every server knows."""
    if all(isinstance(part, Text) for part in parts):
        return "".join(part.text for part in parts if isinstance(part, Text))
    return [_part(part) for part in parts]


def _part(part: Part) -> dict[str, Any]:
    if isinstance(part, Image):
        detail = {"detail": part.detail} if part.detail else {}
        return {"type": "image_url", "image_url": {"url": part.url, **detail}}
    if isinstance(part, Audio):
        return {"type": "input_audio", "input_audio": {"data": part.data, "format": part.format}}
    if isinstance(part, File):
        if part.url:
            raise UsageError(f"%%chat takes no file by its URL ({part.url}): use %%respond")
        given = {"filename": part.filename, "file_data": part.data, "file_id": part.file_id}
        return {"type": "file", "file": {key: value for key, value in given.items() if value}}
    return {"type": "text", "text": part.text}


# --- Tools and formats ------------------------------------------------------------------------


def _tool(tool: ToolSpec) -> dict[str, Any]:
    inner: dict[str, Any] = {"name": tool.name}
    if tool.description:
        inner["description"] = tool.description
    if tool.kind == "function":
        inner["parameters"] = tool.parameters or {"type": "object", "properties": {}}
        if tool.strict:
            inner["strict"] = True
    return {"type": tool.kind, tool.kind: inner}


def _tool_choice(choice: str, tools: Sequence[ToolSpec]) -> str | dict[str, Any]:
    if choice in ("none", "auto", "required"):
        return choice
    kind = next((tool.kind for tool in tools if tool.name == choice), "function")
    return {"type": kind, kind: {"name": choice}}


def _response_format(format: Format) -> dict[str, Any]:
    if format.kind == "json_object":
        return {"type": "json_object"}
    schema: dict[str, Any] = {"name": format.name, "schema": format.schema or {}}
    if format.description:
        schema["description"] = format.description
    return {"type": "json_schema", "json_schema": {**schema, "strict": format.strict}}
