"""Responses: what the provider's own tools do and make."""

from __future__ import annotations

from typing import Any

from tests.wire.streams import Case
from tests.wire.streams.events import (
    HELLO,
    OUTPUT,
    SPOKEN,
    Frames,
    added,
    created,
    done,
    ended,
    event,
    respond,
    spoken,
    stream,
)


def ran(kind: str, *middle: Any, states: tuple[str, ...] = (), **result: Any) -> Frames:
    """Return the events of one hosted tool; ``middle`` comes between its states and its end."""
    item = {"id": "x_1", "type": kind, "status": "in_progress"}
    if "call_id" in result:
        item["call_id"] = result["call_id"]
    return [
        added(0, item),
        *(event(f"{kind}.{state}", "x_1") for state in states),
        *middle,
        done(0, {**item, "status": "completed", **result}),
    ]


def tool(name: str, frames: Frames, *state: str, **expect: Any) -> Case:
    """Return a case in which the tool's events precede a message."""
    kind, status, detail, text = state
    item = frames[-1]["item"]
    found = {"items": (kind, "message"), "hosted": ((kind, status, detail, text),), **expect}
    body = stream(created(), *frames, *spoken("Hel", "lo", index=1), ended(output=[item, *OUTPUT]))
    return respond(name, body, HELLO | found)


CODE = "print(1)"
IMAGE = "data:image/png;base64,iVBORw0KGgo="

CASES = [
    tool(
        "web search",
        ran(
            "web_search_call",
            states=("in_progress", "searching", "completed"),
            action={"type": "search", "query": "rain"},
        ),
        "web_search_call",
        "completed",
        "rain",
        "",
    ),
    tool(
        "file search",
        ran(
            "file_search_call",
            states=("in_progress", "searching", "completed"),
            queries=["rain", "snow"],
            results=None,
        ),
        "file_search_call",
        "completed",
        "rain, snow",
        "",
    ),
    tool(
        "code interpreter",
        ran(
            "code_interpreter_call",
            event("code_interpreter_call_code.delta", "x_1", delta="print"),
            event("code_interpreter_call_code.delta", "x_1", delta="(1)"),
            event("code_interpreter_call_code.done", "x_1", code=CODE),
            event("code_interpreter_call.completed", "x_1"),
            states=("in_progress", "interpreting"),
            code=CODE,
            container_id="c",
            outputs=[{"type": "logs", "logs": "\n1\n"}, {"type": "image", "url": IMAGE}],
        ),
        "code_interpreter_call",
        "completed",
        "",
        CODE + "\n1\n",
        images=(IMAGE,),
    ),
    tool(
        "code interpreter: the code at its end alone",
        ran(
            "code_interpreter_call",
            event("code_interpreter_call_code.done", "x_1", code=CODE),
            code=CODE,
            container_id="c",
            outputs=None,
        ),
        "code_interpreter_call",
        "completed",
        "",
        CODE,
    ),
    tool(
        "image generation",
        ran(
            "image_generation_call",
            event(
                "image_generation_call.partial_image",
                "x_1",
                partial_image_index=0,
                partial_image_b64="AAAA",
                output_format="webp",
            ),
            event(
                "image_generation_call.partial_image",
                "x_1",
                partial_image_index=1,
                partial_image_b64="BBBB",
            ),
            event("image_generation_call.completed", "x_1"),
            states=("in_progress", "generating"),
            result="iVBORw0KGgo=",
            revised_prompt="a cat",
        ),
        "image_generation_call",
        "completed",
        "a cat",
        "",
        images=(IMAGE,),
    ),
    tool(
        "MCP",
        ran(
            "mcp_call",
            event("mcp_call_arguments.delta", "x_1", delta='{"q":'),
            event("mcp_call_arguments.delta", "x_1", delta="1}"),
            event("mcp_call_arguments.done", "x_1", arguments='{"q":1}'),
            event("mcp_call.completed", "x_1"),
            states=("in_progress",),
            name="roll",
            server_label="dice",
            arguments='{"q":1}',
            output="4",
        ),
        "mcp_call",
        "completed",
        "dice.roll",
        '{"q":1}',
    ),
    tool(
        "MCP that failed",
        ran(
            "mcp_call",
            event("mcp_call.failed", "x_1"),
            name="roll",
            server_label="dice",
            arguments="{}",
            error="no dice",
            status="failed",
        ),
        "mcp_call",
        "failed",
        "dice.roll",
        "{}",
    ),
    tool(
        "MCP list",
        ran("mcp_list_tools", states=("in_progress", "completed"), server_label="dice", tools=[]),
        "mcp_list_tools",
        "completed",
        "dice",
        "",
    ),
    tool(
        "MCP list that failed",
        ran("mcp_list_tools", states=("failed",), server_label="dice", tools=[], status="failed"),
        "mcp_list_tools",
        "failed",
        "dice",
        "",
    ),
    tool(
        "shell",
        ran(
            "shell_call",
            {
                "type": "response.shell_call_command.added",
                "output_index": 0,
                "command_index": 0,
                "command": "",
            },
            {
                "type": "response.shell_call_command.delta",
                "output_index": 0,
                "command_index": 0,
                "delta": "ls",
            },
            {
                "type": "response.shell_call_command.done",
                "output_index": 0,
                "command_index": 0,
                "command": "ls",
            },
            event(
                "shell_call_output_content.delta",
                "x_1",
                command_index=0,
                delta={"stdout": "\na", "stderr": ""},
            ),
            event(
                "shell_call_output_content.delta", "x_1", command_index=0, delta={"stderr": "!"}
            ),
            event(
                "shell_call_output_content.done",
                "x_1",
                command_index=0,
                output=[{"stdout": "\na", "stderr": "!"}],
            ),
            call_id="call_1",
            action={"commands": ["ls"], "timeout_ms": None, "max_output_length": None},
        ),
        "shell_call",
        "completed",
        "ls",
        "ls\na!",
    ),
    tool(
        "compaction",
        ran("compaction", states=("compacting",), encrypted_content="x"),
        "compaction",
        "completed",
        "",
        "",
    ),
    respond(
        "audio",
        stream(
            created(),
            {"type": "response.audio.transcript.delta", "delta": "Hel"},
            {"type": "response.audio.delta", "delta": "UklG"},
            {"type": "response.audio.transcript.delta", "delta": "lo"},
            {"type": "response.audio.delta", "delta": "RgAA"},
            {"type": "response.audio.transcript.done"},
            {"type": "response.audio.done"},
            ended(),
        ),
        {"audio": ("UklGRgAA", "Hello", "")},
    ),
    respond(
        "unknown events and items",
        stream(
            created(),
            {"type": "response.new_thing", "message": "x", "error": "y"},
            {"type": "keepalive"},
            {"type": None},
            *SPOKEN,
            ended(output=OUTPUT),
        ),
        HELLO,
    ),
    respond(
        "a preview of an image, then cut",
        stream(
            created(),
            event("image_generation_call.partial_image", "x_1", partial_image_b64="AAAA"),
        ),
        {
            "status": "cut",
            "error": "the stream ended before the answer was complete",
            "images": ("data:image/png;base64,AAAA",),
        },
    ),
]
