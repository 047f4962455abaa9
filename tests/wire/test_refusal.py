"""A refusal that names a field leads to one more request without it; no other does."""

from __future__ import annotations

import json

import pytest

from nbchat.errors import APIStatusError
from nbchat.messages import Endpoint
from nbchat.wire import Habits
from nbchat.wire.failure import read_failure
from nbchat.wire.refusal import amend


def refusal(message: str, status: int = 400, **fields: object) -> APIStatusError:
    body = {"error": {"message": message, **fields}}
    error = read_failure(status, {}, json.dumps(body).encode())
    error.model = "gpt-5"
    return error


UNSUPPORTED = "Unsupported parameter: '{}' is not supported with this model."


def test_max_tokens_is_renamed_either_way_and_once() -> None:
    """Row 23."""
    words = UNSUPPORTED.format("max_tokens") + " Use 'max_completion_tokens' instead."
    error = refusal(words, param="max_tokens", code="unsupported_parameter")
    first = amend({"max_tokens": 5}, error, "chat", Habits(max_tokens="max_tokens"))
    assert first is not None
    assert first[0].max_tokens == "max_completion_tokens"
    assert first[1] == "max tokens were sent as max_completion_tokens: gpt-5 wants it so"

    back = refusal(UNSUPPORTED.format("max_completion_tokens"))
    assert amend({"max_completion_tokens": 5}, back, "chat", first[0]) is None

    other = amend({"max_completion_tokens": 5}, back, "chat", Habits())
    assert other is not None
    assert other[0].max_tokens == "max_tokens"


def test_a_limit_that_is_too_high_is_an_error() -> None:
    error = refusal("max_completion_tokens is too large: 99999", param="max_completion_tokens")
    assert amend({"max_completion_tokens": 99999}, error, "chat", Habits()) is None


@pytest.mark.parametrize(
    ("field", "message"),
    [
        ("temperature", "Unsupported value: 'temperature' does not support 0.2 with this model."),
        ("temperature", "temperature: Only the default (1) value is supported"),
        ("top_p", UNSUPPORTED.format("top_p")),
        ("seed", "Unknown parameter: 'seed'."),
        ("store", "Unrecognized request argument supplied: store"),
        ("user", "body.user: Extra inputs are not permitted"),
        ("parallel_tool_calls", "parallel_tool_calls is not yet supported"),
        ("frequency_penalty", "This model doesn't support frequency_penalty."),
        ("reasoning_effort", "Unrecognized request argument supplied: reasoning_effort"),
    ],
)
def test_optional_fields_are_left_out(field: str, message: str) -> None:
    """Row 24."""
    amended = amend({field: 1, "model": "m"}, refusal(message), "chat", Habits())
    assert amended is not None
    assert amended[0].dropped == {field}
    assert amended[1] == f"{field} was left out: gpt-5 does not take it"


def test_the_field_may_be_named_by_param_alone() -> None:
    error = refusal("Unsupported value.", param="temperature")
    amended = amend({"temperature": 0, "top_p": 1}, error, "chat", Habits())
    assert amended is not None
    assert amended[0].dropped == {"temperature"}


@pytest.mark.parametrize(
    ("field", "habits"),
    [
        ("temperature", Habits(dropped=frozenset({"temperature"}))),
        ("stream_options", Habits(include_usage=False)),
        ("previous_response_id", Habits(stateful=False)),
    ],
)
def test_what_the_user_sets_in_spite_of_it_is_an_error(field: str, habits: Habits) -> None:
    error = refusal(UNSUPPORTED.format(field), param=field)
    endpoint = "responses" if field == "previous_response_id" else "chat"
    assert amend({field: "x"}, error, endpoint, habits) is None


def test_an_inner_field_leaves_the_outer_one() -> None:
    error = refusal(
        "Your organization must be verified to generate reasoning summaries.",
        param="reasoning.summary",
        code="unsupported_value",
    )
    body = {"reasoning": {"effort": "low", "summary": "auto"}}
    amended = amend(body, error, "responses", Habits())
    assert amended is not None
    assert amended[0].dropped == {"reasoning.summary"}


FORMAT = {"type": "json_schema", "name": "p", "schema": {}, "strict": True}


@pytest.mark.parametrize(
    ("endpoint", "message", "param", "dropped"),
    [
        (
            "chat",
            "Invalid parameter: 'response_format' of type 'json_schema' is not supported with "
            "this model.",
            "",
            "response_format",
        ),
        ("chat", "This response_format type is unavailable now", "", "response_format"),
        (
            "chat",
            "Unknown parameter: 'response_format.json_schema.strict'.",
            "response_format.json_schema.strict",
            "response_format.json_schema.strict",
        ),
        ("responses", UNSUPPORTED.format("text.format"), "text.format", "text.format"),
        ("responses", "text.format.strict: Extra inputs", "", "text.format.strict"),
        ("chat", "Invalid schema for response_format 'p': 'default' is not permitted.", "", ""),
        ("responses", "'default' is not permitted.", "text.format.schema", ""),
    ],
)
def test_a_format_is_left_out_but_for_a_fault_in_its_schema(
    endpoint: Endpoint, message: str, param: str, dropped: str
) -> None:
    code = "invalid_json_schema" if param == "text.format.schema" else ""
    error = refusal(message, param=param, code=code)
    chat = {"response_format": {"type": "json_schema", "json_schema": FORMAT}}
    body = chat if endpoint == "chat" else {"text": {"format": FORMAT, "verbosity": "low"}}
    amended = amend(body, error, endpoint, Habits())
    assert (amended[0].dropped if amended else frozenset()) == ({dropped} if dropped else set())


def test_logprobs_take_top_logprobs_with_them() -> None:
    amended = amend(
        {"logprobs": True, "top_logprobs": 2}, refusal("logprobs: not supported"), "chat", Habits()
    )
    assert amended is not None
    assert amended[0].dropped == {"logprobs", "top_logprobs"}


def test_fastapi_names_a_field_by_its_place() -> None:
    """Row 26."""
    detail = [
        {"type": "missing", "loc": ["body", "x"], "msg": "Field required", "input": "seed"},
        {"type": "extra_forbidden", "loc": ["body", "stream_options"], "msg": "Extra inputs"},
    ]
    error = read_failure(422, {}, json.dumps({"detail": detail}).encode())
    amended = amend({"stream_options": {}, "seed": 1}, error, "chat", Habits())
    assert amended is not None
    assert amended[0] == Habits(include_usage=False)
    assert "stream_options" in amended[1]


@pytest.mark.parametrize(
    ("role", "message", "next_role"),
    [
        (
            "developer",
            "messages[0].role: unknown variant `developer`, expected `system`",
            "system",
        ),
        ("developer", "Unexpected message role: developer", "system"),
        ("system", "'messages[0].role' does not support 'system' with this model.", "user"),
        ("system", "System role not supported", "user"),
    ],
)
def test_roles_are_swapped(role: str, message: str, next_role: str) -> None:
    """Row 25."""
    body = {"messages": [{"role": role, "content": "s"}, {"role": "user", "content": "u"}]}
    amended = amend(body, refusal(message), "chat", Habits(system_role=role))
    assert amended is not None
    assert amended[0].system_role == next_role


def test_a_role_that_was_not_sent_is_not_swapped() -> None:
    body = {"messages": [{"role": "user", "content": "u"}]}
    assert amend(body, refusal("System role not supported"), "chat", Habits()) is None


@pytest.mark.parametrize(
    ("status", "message", "fields"),
    [
        (400, "llama.cpp does not support 'previous_response_id'.", {}),
        (404, "Response with id 'resp_1' not found.", {}),
        (404, "Previous response not found", {"code": "previous_response_not_found"}),
        (400, "Not possible due to Zero Data Retention.", {"param": "previous_response_id"}),
    ],
)
def test_a_lost_response_leads_to_the_whole_history(
    status: int, message: str, fields: dict[str, str]
) -> None:
    """Row 27."""
    error = refusal(message, status, **fields)
    body = {"previous_response_id": "resp_1", "input": []}
    amended = amend(body, error, "responses", Habits())
    assert amended is not None
    assert amended[0] == Habits(stateful=False)
    assert amend({"input": []}, error, "responses", amended[0]) is None


@pytest.mark.parametrize(
    ("status", "message"),
    [
        (
            404,
            "Item with id 'rs_1' not found. Items are not persisted when `store` is set to false. "
            "Try again with `store` set to true, or remove this item from your input.",
        ),
        (400, "Item 'rs_1' of type 'reasoning' was provided without its required following item."),
        (400, "Invalid 'input[1].id': 'rs_1'. Expected an ID that begins with 'msg'."),
    ],
)
def test_a_lost_item_leads_to_a_history_without_ids(status: int, message: str) -> None:
    """Row 38."""
    error = refusal(message, status, param="input")
    body = {"input": [{"role": "user"}, {"type": "reasoning", "id": "rs_1"}]}
    amended = amend(body, error, "responses", Habits())
    assert amended is not None
    assert amended[0] == Habits(stateful=False)
    assert amend(body, error, "responses", amended[0]) is None  # set by the user
    another = {"input": [{"type": "reasoning", "id": "rs_12"}]}
    assert amend(another, error, "responses", Habits()) is None


@pytest.mark.parametrize(
    ("status", "message"),
    [
        (400, "temperature must be between 0 and 2"),  # a wrong value, not a refused field
        (400, "Unknown parameter: 'foo'."),  # what the user set
        (400, "The user is not allowed to do this; unsupported"),  # no field at all
        (400, "Unsupported parameter: 'tools'"),  # the answer would be another one
        (401, "Unsupported parameter: 'temperature'"),
        (404, "Unknown parameter: 'temperature'"),
        (500, "Unsupported parameter: 'temperature'"),
    ],
)
def test_anything_else_stays_an_error(status: int, message: str) -> None:
    body = {"temperature": 3, "foo": 1, "user": "u", "tools": []}
    assert amend(body, refusal(message, status), "chat", Habits()) is None
