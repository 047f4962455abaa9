"""The body of a Responses request."""

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
from nbchat.wire.responses.request import request_body
from tests.support.sdk import validate

HI = Message.of("user", "hi")
HI_ITEM = {
    "type": "message",
    "role": "user",
    "content": [{"type": "input_text", "text": "hi"}],
}


def body(options: Options | None = None, habits: Habits | None = None, **more: Any) -> Any:
    messages = more.pop("messages", [HI])
    made = request_body("m", messages, options or Options(), habits or Habits(), **more)
    assert json.loads(json.dumps(made)) == made
    # Of items that go without their ids the types know nothing.
    if all("id" in item for item in made["input"] if item.get("status")):
        validate(made, "responses")
    return made


def sent(*messages: Message, **more: Any) -> Any:
    return body(messages=messages, **more)["input"]


def answer(text: str) -> dict[str, Any]:
    return {"type": "message", "role": "assistant", "content": text}


def test_the_least() -> None:
    """Row 36: the input is a list."""
    assert body() == {"model": "m", "input": [HI_ITEM], "stream": True}
    assert list(body())[:2] == ["model", "input"]


FIELDS = [
    (Options(temperature=0.0), {"temperature": 0.0}),
    (Options(top_p=0.5), {"top_p": 0.5}),
    (Options(max_tokens=16), {"max_output_tokens": 16}),
    (
        Options(logprobs=5),
        {"top_logprobs": 5, "include": ["message.output_text.logprobs"]},
    ),
    (
        Options(logprobs=0, include=("message.output_text.logprobs",)),
        {"top_logprobs": 0, "include": ["message.output_text.logprobs"]},
    ),
    (Options(effort="max"), {"reasoning": {"effort": "max"}}),
    (
        Options(effort="low", reasoning_summary="auto"),
        {"reasoning": {"effort": "low", "summary": "auto"}},
    ),
    (Options(verbosity="low"), {"text": {"verbosity": "low"}}),
    (Options(tool_choice="required"), {"tool_choice": "required"}),
    (Options(tool_choice="f"), {"tool_choice": {"type": "function", "name": "f"}}),
    (Options(tool_choice="shell"), {"tool_choice": {"type": "shell"}}),
    (Options(parallel_tools=False), {"parallel_tool_calls": False}),
    (Options(store=False), {"store": False}),
    (Options(previous="resp_1"), {"previous_response_id": "resp_1"}),
    (Options(truncation="auto"), {"truncation": "auto"}),
    (Options(metadata={"a": "b"}), {"metadata": {"a": "b"}}),
    (Options(user="u"), {"user": "u"}),
    (Options(service_tier="ultrafast"), {"service_tier": "ultrafast"}),
    (Options(prompt_cache_key="k"), {"prompt_cache_key": "k"}),
    (Options(safety_identifier="i"), {"safety_identifier": "i"}),
    (
        Options(include=("reasoning.encrypted_content",)),
        {"include": ["reasoning.encrypted_content"]},
    ),
    (Options(stream=False), {"stream": False}),
    (Options(set={"stream": False}), {"stream": False}),
]


@pytest.mark.parametrize(("options", "fields"), FIELDS, ids=lambda value: repr(value)[:50])
def test_an_option_is_a_field(options: Options, fields: dict[str, Any]) -> None:
    assert body(options) == {**body(), **fields}


def test_the_system_message_is_the_instructions() -> None:
    made = body(messages=[Message.of("system", "a"), Message.of("system", "b"), HI])
    assert made["instructions"] == "a\n\nb"
    assert made["input"] == [HI_ITEM]
    assert body(messages=[Message.of("system", ""), HI]) == body()


def test_a_later_system_message_is_an_item() -> None:
    messages = [HI, Message.of("system", "s")]
    assert sent(*messages, habits=Habits(system_role="developer"))[1] == {
        "type": "message",
        "role": "developer",
        "content": [{"type": "input_text", "text": "s"}],
    }


def test_the_response_to_continue() -> None:
    assert body(previous_response_id="resp_2")["previous_response_id"] == "resp_2"
    both = body(Options(previous="resp_1"), previous_response_id="resp_2")
    assert both["previous_response_id"] == "resp_2"
    refused = Habits(dropped=frozenset({"previous_response_id"}))
    assert "previous_response_id" not in body(habits=refused, previous_response_id="resp_2")


def test_dropped_fields_and_set() -> None:
    made = body(
        Options(effort="low", reasoning_summary="auto", set={"reasoning.context": "auto"}),
        Habits(dropped=frozenset({"reasoning.effort"})),
    )
    assert made["reasoning"] == {"summary": "auto", "context": "auto"}


# --- Input ----------------------------------------------------------------------------------

IMAGE = Image("data:image/png;base64,AA==")
IMAGE_PART = {"type": "input_image", "image_url": IMAGE.url, "detail": "auto"}

PARTS = [
    (Text("a"), {"type": "input_text", "text": "a"}),
    (IMAGE, IMAGE_PART),
    (Image("https://h/i", "high"), {**IMAGE_PART, "image_url": "https://h/i", "detail": "high"}),
    (
        File("a.pdf", data="data:application/pdf;base64,AA=="),
        {
            "type": "input_file",
            "filename": "a.pdf",
            "file_data": "data:application/pdf;base64,AA==",
        },
    ),
    (File(file_id="file_1"), {"type": "input_file", "file_id": "file_1"}),
    (File(url="https://h/a.pdf"), {"type": "input_file", "file_url": "https://h/a.pdf"}),
    (Refusal("no"), {"type": "input_text", "text": "no"}),
]


@pytest.mark.parametrize(("part", "expected"), PARTS, ids=lambda value: repr(value)[:40])
def test_parts_of_the_user(part: Any, expected: Any) -> None:
    [item] = sent(Message("user", (part, Text("see"))))
    assert item["content"] == [expected, {"type": "input_text", "text": "see"}]


def test_sound_is_refused() -> None:
    with pytest.raises(UsageError, match="use %%chat"):
        sent(Message("user", (Audio("AA=="),)))


ANSWERS = [
    ((Text("a"), Text("b")), answer("ab")),
    ((), answer("")),
    ((Text("a "), Refusal("no")), answer("a no")),
    ((Audio("AA==", transcript="said"),), answer("said")),
    ((Text("see"), IMAGE), answer("see")),
]


@pytest.mark.parametrize(("parts", "expected"), ANSWERS, ids=lambda value: repr(value)[:40])
def test_an_answer_is_rebuilt_from_its_parts(parts: Any, expected: Any) -> None:
    assert sent(HI, Message("assistant", parts), HI) == [HI_ITEM, expected, HI_ITEM]


def test_tool_calls_and_their_results() -> None:
    calls = (ToolCall("c1", "f", '{"x": 1}'), ToolCall("c2", "h", "free", "custom"))
    assert sent(
        Message("assistant", (Text("let me see"),), calls),
        Message("tool", (Text("one"),), tool_call_id="c1"),
        Message("tool", (Text("two"), IMAGE), tool_call_id="c2"),
    ) == [
        answer("let me see"),
        {"type": "function_call", "arguments": '{"x": 1}', "call_id": "c1", "name": "f"},
        {"type": "custom_tool_call", "input": "free", "call_id": "c2", "name": "h"},
        {"type": "function_call_output", "call_id": "c1", "output": "one"},
        {
            "type": "custom_tool_call_output",
            "call_id": "c2",
            "output": [{"type": "input_text", "text": "two"}, IMAGE_PART],
        },
    ]


def test_a_call_alone_makes_no_empty_message() -> None:
    [item] = sent(Message("assistant", tool_calls=(ToolCall("c", "f", ""),)))
    assert item == {"type": "function_call", "arguments": "{}", "call_id": "c", "name": "f"}


ITEMS: tuple[dict[str, Any], ...] = (
    {"type": "reasoning", "id": "rs_1", "summary": [], "encrypted_content": "e"},
    {"type": "reasoning", "id": "rs_2"},
    {
        "type": "web_search_call",
        "id": "ws_1",
        "status": "completed",
        "action": {"type": "search", "query": "q"},
    },
    {
        "type": "message",
        "id": "msg_1",
        "role": "assistant",
        "status": "completed",
        "content": [{"type": "output_text", "text": "a", "annotations": []}],
    },
    {"type": "custom_tool_call", "id": "ct_1", "call_id": "c", "name": "h", "input": ""},
)
CALL = ToolCall("c", "h", "", "custom")
RESULT = Message("tool", (Text("r"),), tool_call_id="c")
RESULT_ITEM = {"type": "custom_tool_call_output", "call_id": "c", "output": "r"}


def test_a_call_that_nobody_ran_is_answered() -> None:
    message = Message("assistant", (Text("a"),), (CALL,), items=ITEMS)
    items = sent(message, Message.of("user", "go on"))
    assert [item["type"] for item in items[: len(ITEMS)]] == [item["type"] for item in ITEMS]
    assert items[len(ITEMS)] == RESULT_ITEM | {"output": "This call was not run."}
    assert items[-1]["role"] == "user"
    assert len(items) == len(ITEMS) + 2


def test_items_are_echoed_whole_and_in_order() -> None:
    """Row 37."""
    message = Message("assistant", (Text("a"),), (CALL,), items=ITEMS)
    echoed = sent(HI, message, RESULT)
    reasoning = {**ITEMS[1], "summary": []}
    assert echoed == [HI_ITEM, ITEMS[0], reasoning, *ITEMS[2:], RESULT_ITEM]
    assert "summary" not in ITEMS[1]


KEEPS_NOTHING = [{"options": Options(store=False)}, {"habits": Habits(stateful=False)}]


@pytest.mark.parametrize("more", KEEPS_NOTHING)
def test_where_nothing_is_kept_encrypted_reasoning_goes_without_ids(more: dict[str, Any]) -> None:
    """Rows 37 and 38."""
    items = sent(Message("assistant", (Text("a"),), (CALL,), items=ITEMS), **more)
    kept = [ITEMS[0], *ITEMS[2:]]
    assert items == [{key: item[key] for key in item if key != "id"} for item in kept]


@pytest.mark.parametrize("more", KEEPS_NOTHING)
def test_where_nothing_is_kept_other_answers_are_rebuilt(more: dict[str, Any]) -> None:
    """Rows 37 and 38."""
    message = Message("assistant", (Text("a"),), (CALL,), items=ITEMS[1:])
    call = {"type": "custom_tool_call", "input": "", "call_id": "c", "name": "h"}
    assert sent(message, RESULT, **more) == [answer("a"), call, RESULT_ITEM]


# --- Tools, formats, the web --------------------------------------------------------------------


def test_tools() -> None:
    schema = {"type": "object", "properties": {"x": {"type": "integer"}}}
    tools = [
        ToolSpec("f", "does f", schema, strict=True),
        ToolSpec("g"),
        ToolSpec("shell", "writes", kind="custom"),
    ]
    made = body(Options(tool_choice="shell"), tools=tools, web="low")
    assert made["tools"] == [
        {
            "type": "function",
            "name": "f",
            "description": "does f",
            "parameters": schema,
            "strict": True,
        },
        {
            "type": "function",
            "name": "g",
            "parameters": {"type": "object", "properties": {}},
            "strict": False,
        },
        {"type": "custom", "name": "shell", "description": "writes"},
        {"type": "web_search_preview", "search_context_size": "low"},
    ]
    assert made["tool_choice"] == {"type": "custom", "name": "shell"}
    assert body(web="")["tools"] == [{"type": "web_search_preview"}]


def test_formats() -> None:
    assert body(format=Format("json_object"))["text"] == {"format": {"type": "json_object"}}
    shape = Format("json_schema", "city", {"type": "object"}, strict=False, description="a city")
    assert body(Options(verbosity="high"), format=shape)["text"] == {
        "format": {
            "type": "json_schema",
            "name": "city",
            "schema": {"type": "object"},
            "description": "a city",
            "strict": False,
        },
        "verbosity": "high",
    }
