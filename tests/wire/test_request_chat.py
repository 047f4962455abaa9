"""The body of a Chat Completions request."""

from __future__ import annotations

import json
from typing import Any

import pytest

from nbchat.errors import UsageError
from nbchat.messages import (
    Audio,
    File,
    Format,
    Image,
    Message,
    Refusal,
    Text,
    ToolCall,
    ToolSpec,
)
from nbchat.options import Options
from nbchat.wire import Habits
from nbchat.wire.chat.request import request_body
from tests.support.sdk import validate

HI = Message.of("user", "hi")


def body(options: Options | None = None, habits: Habits | None = None, **more: Any) -> Any:
    messages = more.pop("messages", [HI])
    made = request_body("m", messages, options or Options(), habits or Habits(), **more)
    assert json.loads(json.dumps(made)) == made
    validate(made, "chat")
    return made


def sent(*messages: Message, habits: Habits | None = None) -> Any:
    return body(habits=habits, messages=messages)["messages"]


def test_the_least() -> None:
    assert body() == {
        "model": "m",
        "messages": [{"role": "user", "content": "hi"}],
        "stream": True,
        "stream_options": {"include_usage": True},
    }
    assert list(body())[:2] == ["model", "messages"]


FIELDS = [
    (Options(temperature=0.0), {"temperature": 0.0}),
    (Options(top_p=0.5), {"top_p": 0.5}),
    (Options(max_tokens=5), {"max_completion_tokens": 5}),
    (Options(frequency_penalty=-2.0), {"frequency_penalty": -2.0}),
    (Options(presence_penalty=0.0), {"presence_penalty": 0.0}),
    (Options(seed=0), {"seed": 0}),
    (Options(stop=("a", "b")), {"stop": ["a", "b"]}),
    (Options(n=2), {"n": 2}),
    (Options(logprobs=5), {"logprobs": True, "top_logprobs": 5}),
    (Options(logprobs=0), {"logprobs": True, "top_logprobs": 0}),
    (Options(effort="none"), {"reasoning_effort": "none"}),
    (Options(verbosity="low"), {"verbosity": "low"}),
    (Options(tool_choice="auto"), {"tool_choice": "auto"}),
    (
        Options(tool_choice="f"),
        {"tool_choice": {"type": "function", "function": {"name": "f"}}},
    ),
    (Options(parallel_tools=False), {"parallel_tool_calls": False}),
    (Options(store=False), {"store": False}),
    (Options(metadata={"a": "b"}), {"metadata": {"a": "b"}}),
    (Options(user="u"), {"user": "u"}),
    (Options(service_tier="flex"), {"service_tier": "flex"}),
    (Options(prompt_cache_key="k"), {"prompt_cache_key": "k"}),
    (Options(safety_identifier="i"), {"safety_identifier": "i"}),
    # nbchat's own, or of the thread: no fields.
    (Options(truncation="auto", thread="t", new=True, out="r", system="s", timeout=3.0), {}),
]


@pytest.mark.parametrize(("options", "fields"), FIELDS, ids=lambda value: repr(value)[:50])
def test_an_option_is_a_field(options: Options, fields: dict[str, Any]) -> None:
    assert body(options) == {**body(), **fields}


def test_without_streaming_no_stream_options() -> None:
    for options in (Options(stream=False), Options(set={"stream": False})):
        made = body(options)
        assert made["stream"] is False
        assert "stream_options" not in made


def test_habits() -> None:
    """Rows 23, 24, 25 and 26: what was learnt is kept to."""
    old = Habits(
        max_tokens="max_tokens",
        system_role="developer",
        include_usage=False,
        dropped=frozenset({"temperature", "metadata.a"}),
    )
    options = Options(max_tokens=5, temperature=1.0, top_p=1.0, metadata={"a": "b"})
    assert body(options, old, messages=[Message.of("system", "s"), HI]) == {
        "model": "m",
        "messages": [{"role": "developer", "content": "s"}, {"role": "user", "content": "hi"}],
        "stream": True,
        "max_tokens": 5,
        "top_p": 1.0,
    }


def test_set_comes_last() -> None:
    made = body(
        Options(temperature=1.0, set={"temperature": None, "a.b": 1, "seed": 5, "n": 2}, seed=1),
        Habits(dropped=frozenset({"n"})),
    )
    assert made == {**body(), "seed": 5, "a": {"b": 1}, "n": 2}


# --- Messages -------------------------------------------------------------------------------

IMAGE = Image("data:image/png;base64,AA==", "low")
IMAGE_PART = {"type": "image_url", "image_url": {"url": IMAGE.url, "detail": "low"}}

PARTS = [
    (Text("a"), {"type": "text", "text": "a"}),
    (IMAGE, IMAGE_PART),
    (Image("https://h/i.png"), {"type": "image_url", "image_url": {"url": "https://h/i.png"}}),
    (
        File("a.pdf", data="data:application/pdf;base64,AA=="),
        {
            "type": "file",
            "file": {"filename": "a.pdf", "file_data": "data:application/pdf;base64,AA=="},
        },
    ),
    (File(file_id="file_1"), {"type": "file", "file": {"file_id": "file_1"}}),
    (
        Audio("AA==", "mp3"),
        {"type": "input_audio", "input_audio": {"data": "AA==", "format": "mp3"}},
    ),
    (Refusal("no"), {"type": "text", "text": "no"}),
]


@pytest.mark.parametrize(("part", "expected"), PARTS, ids=lambda value: repr(value)[:40])
def test_parts_of_the_user(part: Any, expected: Any) -> None:
    [message] = sent(Message("user", (Text("see"), part, IMAGE)))
    assert message["content"] == [{"type": "text", "text": "see"}, expected, IMAGE_PART]


def test_text_alone_is_a_string() -> None:
    assert sent(Message("user", (Text("a"), Text("b")))) == [{"role": "user", "content": "ab"}]


def test_a_file_by_url_is_refused() -> None:
    with pytest.raises(UsageError, match="use %%respond"):
        sent(Message("user", (File(url="https://h/a.pdf"),)))


ANSWERS = [
    ((Text("a"), Text("b")), {"content": "ab"}),
    ((), {"content": ""}),
    ((Text("a "), Refusal("no")), {"content": "a no"}),
    ((Audio("AA==", transcript="said", id="audio_1"),), {"content": "said"}),
    ((Audio("AA==", id="audio_1"),), {"content": None, "audio": {"id": "audio_1"}}),
    ((Text("see"), IMAGE), {"content": "see"}),
]


@pytest.mark.parametrize(("parts", "expected"), ANSWERS, ids=lambda value: repr(value)[:40])
def test_parts_of_the_assistant(parts: Any, expected: dict[str, Any]) -> None:
    message = Message("assistant", parts, items=({"type": "message", "id": "msg_1"},))
    assert sent(message) == [{"role": "assistant", **expected}]


def test_tool_calls_and_their_results() -> None:
    calls = (
        ToolCall("c1", "f", '{"x": 1}', extra={"extra_content": {"google": {"sig": "s"}}}),
        ToolCall("c2", "g", ""),
        ToolCall("c3", "h", "free text", "custom"),
    )
    assert sent(
        HI,
        Message("assistant", tool_calls=calls),
        Message("tool", (Text("one"),), tool_call_id="c1"),
        Message("tool", (Text("see "), IMAGE, Text("this")), tool_call_id="c2"),
        Message("tool", (), tool_call_id="c3"),
        Message.of("assistant", "done"),
    ) == [
        {"role": "user", "content": "hi"},
        {
            "role": "assistant",
            "content": None,
            "tool_calls": [
                {
                    "id": "c1",
                    "type": "function",
                    "function": {"name": "f", "arguments": '{"x": 1}'},
                    "extra_content": {"google": {"sig": "s"}},
                },
                {"id": "c2", "type": "function", "function": {"name": "g", "arguments": "{}"}},
                {"id": "c3", "type": "custom", "custom": {"name": "h", "input": "free text"}},
            ],
        },
        {"role": "tool", "tool_call_id": "c1", "content": "one"},
        {"role": "tool", "tool_call_id": "c2", "content": "see this"},
        {"role": "tool", "tool_call_id": "c3", "content": ""},
        {"role": "user", "content": [IMAGE_PART]},
        {"role": "assistant", "content": "done"},
    ]


def test_text_beside_tool_calls_is_kept() -> None:
    [message] = sent(Message("assistant", (Text("let me see"),), (ToolCall("c", "f", "{}"),)))
    assert message["content"] == "let me see"


def test_a_call_that_nobody_ran_is_answered() -> None:
    calls = (ToolCall("c1", "f", "{}"), ToolCall("c2", "f", "{}"))
    messages = [
        Message("assistant", tool_calls=calls),
        Message("tool", (Text("one"),), tool_call_id="c1"),
        Message.of("user", "go on"),
    ]
    assert sent(*messages)[1:] == [
        {"role": "tool", "tool_call_id": "c1", "content": "one"},
        {"role": "tool", "tool_call_id": "c2", "content": "This call was not run."},
        {"role": "user", "content": "go on"},
    ]


def test_the_result_of_the_last_tool_is_shown_too() -> None:
    assert sent(Message("tool", (IMAGE,), tool_call_id="c"))[-1] == {
        "role": "user",
        "content": [IMAGE_PART],
    }


# --- Tools, formats, the web --------------------------------------------------------------------


def test_tools() -> None:
    schema = {"type": "object", "properties": {"x": {"type": "integer"}}}
    tools = [
        ToolSpec("f", "does f", schema, strict=True),
        ToolSpec("g"),
        ToolSpec("h", "writes", kind="custom"),
    ]
    made = body(Options(tool_choice="h"), tools=tools)
    assert made["tools"] == [
        {
            "type": "function",
            "function": {
                "name": "f",
                "description": "does f",
                "parameters": schema,
                "strict": True,
            },
        },
        {
            "type": "function",
            "function": {"name": "g", "parameters": {"type": "object", "properties": {}}},
        },
        {"type": "custom", "custom": {"name": "h", "description": "writes"}},
    ]
    assert made["tool_choice"] == {"type": "custom", "custom": {"name": "h"}}


def test_formats() -> None:
    assert body(format=Format("json_object"))["response_format"] == {"type": "json_object"}
    shape = Format("json_schema", "city", {"type": "object"}, description="a city")
    assert body(format=shape)["response_format"] == {
        "type": "json_schema",
        "json_schema": {
            "name": "city",
            "schema": {"type": "object"},
            "description": "a city",
            "strict": True,
        },
    }


@pytest.mark.parametrize(
    ("web", "expected"), [("", {}), ("high", {"search_context_size": "high"})]
)
def test_web(web: str, expected: dict[str, str]) -> None:
    assert body(web=web)["web_search_options"] == expected
    assert "web_search_options" not in body()
