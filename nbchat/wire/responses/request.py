"""The body of a Responses request."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from nbchat.errors import UsageError
from nbchat.messages import Audio, File, Format, Image, Message, Part, Refusal, Text, ToolSpec
from nbchat.options import Options
from nbchat.wire import Habits
from nbchat.wire.fields import drop, put
from nbchat.wire.history import answered

__all__ = ["portable", "request_body"]

_LOGPROBS = "message.output_text.logprobs"

# Options whose value goes into a field as it is.
_PLAIN = (
    ("max_tokens", "max_output_tokens"),
    ("temperature", "temperature"),
    ("top_p", "top_p"),
    ("logprobs", "top_logprobs"),
    ("parallel_tools", "parallel_tool_calls"),
    ("store", "store"),
    ("truncation", "truncation"),
    ("user", "user"),
    ("service_tier", "service_tier"),
    ("prompt_cache_key", "prompt_cache_key"),
    ("safety_identifier", "safety_identifier"),
)

# Tools that run at the provider: a choice names their type, not a function.
_HOSTED = frozenset(
    {
        "apply_patch",
        "code_interpreter",
        "computer_use_preview",
        "file_search",
        "image_generation",
        "shell",
        "web_search_preview",
    }
)


def request_body(
    model: str,
    messages: Sequence[Message],
    options: Options,
    habits: Habits = Habits(),  # noqa: B008 - frozen
    *,
    previous_response_id: str | None = None,
    tools: Sequence[ToolSpec] = (),
    format: Format | None = None,
    web: str | None = None,
) -> dict[str, Any]:
    """Return the body for ``POST {base}/responses``, ready for JSON.

    The system message goes into ``instructions``, with every request: they are not carried over
    by ``previous_response_id``. ``input`` is always a list, since some servers iterate a string.
    The items that a message carries are echoed whole and in order where the server keeps them;
    to a server that did not make them, send the message without its ``items``.

    Args:
        model: the model, in the provider's words.
        messages: the system message and the conversation; with ``previous_response_id`` only
            what came after that response.
        options: what the prompt asks for; ``options.set`` is put in last and has its way.
        habits: how this server wants to be spoken to.
        previous_response_id: the stored response to continue, else ``options.previous``.
        tools: the tools that the model may call.
        format: the form that the answer must have.
        web: search the web with this much context (low, medium, high, ``""`` for the default).

    Raises:
        UsageError: a part of a message has no form here (sound), or a ``--set`` path leads
            nowhere.

    >>> request_body("m", [Message.of("user", "hi")], Options(stream=False))
    ... # doctest: +NORMALIZE_WHITESPACE
    {'model': 'm', 'input': [{'type': 'message', 'role': 'user',
     'content': [{'type': 'input_text', 'text': 'hi'}]}], 'stream': False}
    """
    stateless = habits.stateful is False or options.store is False
    instructions, rest = _instructions(messages)
    body: dict[str, Any] = {"model": model, "input": _items(rest, habits, stateless=stateless)}
    if instructions:
        body["instructions"] = instructions
    previous = previous_response_id or options.previous
    if previous:
        body["previous_response_id"] = previous
    body["stream"] = options.stream
    for name, field in _PLAIN:
        value = getattr(options, name)
        if value is not None:
            body[field] = value
    body |= _reasoning(options) | _text(options, format)
    if options.metadata:
        body["metadata"] = dict(options.metadata)
    if include := _include(options):
        body["include"] = include
    if described := _tools(tools, web):
        body["tools"] = described
    if options.tool_choice is not None:
        body["tool_choice"] = _tool_choice(options.tool_choice, tools)
    drop(body, habits.dropped)
    put(body, options.set)
    return body


# --- Input ----------------------------------------------------------------------------------


def _instructions(messages: Sequence[Message]) -> tuple[str, Sequence[Message]]:
    """Split the system messages at the beginning from the rest."""
    count = 0
    while count < len(messages) and messages[count].role == "system":
        count += 1
    return "\n\n".join(message.text for message in messages[:count]), messages[count:]


def _items(
    messages: Sequence[Message], habits: Habits, *, stateless: bool
) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = []
    custom: set[str] = set()  # ids of calls to custom tools: their output has its own type
    for message in answered(messages):
        if message.role == "tool":
            items.append(_output(message, custom))
        elif message.role != "assistant":
            role = habits.system_role if message.role == "system" else "user"
            content = [_part(part) for part in message.parts]
            items.append({"type": "message", "role": role, "content": content})
        else:
            made = _answer(message, stateless=stateless)
            custom.update(
                item.get("call_id", "") for item in made if item.get("type") == "custom_tool_call"
            )
            items += made
    return items


def _answer(message: Message, *, stateless: bool) -> list[dict[str, Any]]:
    """Return an answer as items: those that it came as, else rebuilt from its parts."""
    items = portable(message.items) if stateless else message.items
    if not items:
        return _rebuilt(message)
    # A summary must be present, though a server may leave it out.
    return [
        {**item, "summary": item.get("summary", [])}
        if item.get("type") == "reasoning"
        else {**item}
        for item in items
    ]


def portable(items: Sequence[Mapping[str, Any]]) -> tuple[Mapping[str, Any], ...]:
    """Return the items of an answer as a server takes them that has not kept it.

    It refuses ids that it does not know, and items without ids pass few validators. They go there
    only if they carry encrypted reasoning, which wants to stand before its message; else there
    are none, and the answer is rebuilt from its parts.

    >>> portable([{"type": "reasoning", "id": "rs_1", "encrypted_content": "gAAA"}])
    ({'type': 'reasoning', 'encrypted_content': 'gAAA'},)
    """
    if not any(item.get("encrypted_content") for item in items):
        return ()
    return tuple(
        {name: value for name, value in item.items() if name != "id"}
        for item in items
        if item.get("type") != "reasoning" or item.get("encrypted_content")
    )


def _rebuilt(message: Message) -> list[dict[str, Any]]:
    """Return an answer in the form that every server takes.

    That is plain text: validators made from OpenAI's own types (vLLM's) want an id beside parts
    of ``output_text``, and llama.cpp knows no ``refusal``. An image that a model made has no
    form here.
    """
    words = [
        part.transcript if isinstance(part, Audio) else part.text
        for part in message.parts
        if isinstance(part, (Text, Refusal, Audio))
    ]
    text = "".join(words)
    items: list[dict[str, Any]] = []
    if text or not message.tool_calls:
        items.append({"type": "message", "role": "assistant", "content": text})
    for call in message.tool_calls:
        if call.kind == "custom":
            given = {"type": "custom_tool_call", "input": call.arguments}
        else:
            given = {"type": "function_call", "arguments": call.arguments or "{}"}
        items.append({**given, "call_id": call.id, "name": call.name})
    return items


def _output(message: Message, custom: set[str]) -> dict[str, Any]:
    kind = "custom_tool_call" if message.tool_call_id in custom else "function_call"
    plain = all(isinstance(part, Text) for part in message.parts)
    output = message.text if plain else [_part(part) for part in message.parts]
    return {"type": f"{kind}_output", "call_id": message.tool_call_id, "output": output}


def _part(part: Part) -> dict[str, Any]:
    if isinstance(part, Image):
        return {"type": "input_image", "image_url": part.url, "detail": part.detail or "auto"}
    if isinstance(part, Audio):
        raise UsageError("%%respond takes no sound: use %%chat")
    if isinstance(part, File):
        given = {
            "filename": part.filename,
            "file_data": part.data,
            "file_id": part.file_id,
            "file_url": part.url,
        }
        return {"type": "input_file", **{key: value for key, value in given.items() if value}}
    return {"type": "input_text", "text": part.text}


# --- Tools and formats ------------------------------------------------------------------------


def _reasoning(options: Options) -> dict[str, Any]:
    asked = {"effort": options.effort, "summary": options.reasoning_summary}
    given = {key: value for key, value in asked.items() if value is not None}
    return {"reasoning": given} if given else {}


def _text(options: Options, format: Format | None) -> dict[str, Any]:
    text: dict[str, Any] = {}
    if format is not None:
        text["format"] = _format(format)
    if options.verbosity is not None:
        text["verbosity"] = options.verbosity
    return {"text": text} if text else {}


def _format(format: Format) -> dict[str, Any]:
    if format.kind == "json_object":
        return {"type": "json_object"}
    shape: dict[str, Any] = {
        "type": "json_schema",
        "name": format.name,
        "schema": format.schema or {},
    }
    if format.description:
        shape["description"] = format.description
    return {**shape, "strict": format.strict}


def _include(options: Options) -> list[str]:
    wanted = [*options.include]
    if options.logprobs is not None and _LOGPROBS not in wanted:
        wanted.append(_LOGPROBS)
    return wanted


def _tools(tools: Sequence[ToolSpec], web: str | None) -> list[dict[str, Any]]:
    described = [_tool(tool) for tool in tools]
    if web is not None:
        size = {"search_context_size": web} if web else {}
        described.append({"type": "web_search_preview", **size})
    return described


def _tool(tool: ToolSpec) -> dict[str, Any]:
    described: dict[str, Any] = {"type": tool.kind, "name": tool.name}
    if tool.description:
        described["description"] = tool.description
    if tool.kind == "function":
        described["parameters"] = tool.parameters or {"type": "object", "properties": {}}
        described["strict"] = tool.strict  # said in any case: the default is true here
    return described


def _tool_choice(choice: str, tools: Sequence[ToolSpec]) -> str | dict[str, Any]:
    if choice in ("none", "auto", "required"):
        return choice
    named = next((tool for tool in tools if tool.name == choice), None)
    if named is None and choice in _HOSTED:
        return {"type": choice}
    return {"type": named.kind if named else "function", "name": choice}
