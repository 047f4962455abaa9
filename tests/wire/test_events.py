"""Every event type of the Responses API has its reader."""

from __future__ import annotations

import typing

from openai.types.responses import ResponseStreamEvent

from nbchat.wire.responses.stream import HANDLERS
from tests.wire.streams import fold, sse
from tests.wire.streams.catalogue import CASES
from tests.wire.streams.events import ended

TYPES = [
    "error",
    "response.audio.delta",
    "response.audio.done",
    "response.audio.transcript.delta",
    "response.audio.transcript.done",
    "response.code_interpreter_call.completed",
    "response.code_interpreter_call.in_progress",
    "response.code_interpreter_call.interpreting",
    "response.code_interpreter_call_code.delta",
    "response.code_interpreter_call_code.done",
    "response.compaction.compacting",
    "response.completed",
    "response.content_part.added",
    "response.content_part.done",
    "response.created",
    "response.custom_tool_call_input.delta",
    "response.custom_tool_call_input.done",
    "response.failed",
    "response.file_search_call.completed",
    "response.file_search_call.in_progress",
    "response.file_search_call.searching",
    "response.function_call_arguments.delta",
    "response.function_call_arguments.done",
    "response.image_generation_call.completed",
    "response.image_generation_call.generating",
    "response.image_generation_call.in_progress",
    "response.image_generation_call.partial_image",
    "response.in_progress",
    "response.incomplete",
    "response.mcp_call.completed",
    "response.mcp_call.failed",
    "response.mcp_call.in_progress",
    "response.mcp_call_arguments.delta",
    "response.mcp_call_arguments.done",
    "response.mcp_list_tools.completed",
    "response.mcp_list_tools.failed",
    "response.mcp_list_tools.in_progress",
    "response.output_item.added",
    "response.output_item.done",
    "response.output_text.annotation.added",
    "response.output_text.delta",
    "response.output_text.done",
    "response.queued",
    "response.reasoning_summary_part.added",
    "response.reasoning_summary_part.done",
    "response.reasoning_summary_text.delta",
    "response.reasoning_summary_text.done",
    "response.reasoning_text.delta",
    "response.reasoning_text.done",
    "response.refusal.delta",
    "response.refusal.done",
    "response.shell_call_command.added",
    "response.shell_call_command.delta",
    "response.shell_call_command.done",
    "response.shell_call_output_content.delta",
    "response.shell_call_output_content.done",
    "response.web_search_call.completed",
    "response.web_search_call.in_progress",
    "response.web_search_call.searching",
]


def test_each_of_the_59_types_has_its_reader() -> None:
    assert len(TYPES) == 59
    assert set(HANDLERS) == set(TYPES)


def test_each_type_that_the_sdk_knows_has_its_reader() -> None:
    union = typing.get_args(typing.get_args(ResponseStreamEvent)[0])
    known = {typing.get_args(kind.model_fields["type"].annotation)[0] for kind in union}
    assert set(HANDLERS) >= known


def test_each_type_occurs_in_a_stream_of_the_tests() -> None:
    bodies = b"".join(case.body for case in CASES if case.endpoint == "responses")
    assert [kind for kind in TYPES if f'"type": "{kind}"'.encode() not in bodies] == []


def test_no_type_stops_a_stream_though_nothing_else_is_said() -> None:
    for kind in TYPES:
        if kind not in ("error", "response.failed", "response.incomplete"):
            answer, _ = fold("responses", [sse({"type": kind}, ended())])
            assert (kind, answer.status) == (kind, "completed")
