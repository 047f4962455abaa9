"""Responses, as it should be."""

from __future__ import annotations

from tests.wire.streams import CUT, Case, sse, whole
from tests.wire.streams.events import (
    ANNOTATION,
    CALLED,
    HELLO,
    OUTPUT,
    SPOKEN,
    added,
    called,
    created,
    delta,
    done,
    ended,
    event,
    function_call,
    message,
    output_text,
    reasoning,
    respond,
    response,
    spoken,
    stream,
    thought,
    usage,
)

CUSTOM_CALL = {
    "id": "ct_1",
    "type": "custom_tool_call",
    "call_id": "call_1",
    "name": "sql",
    "input": "SELECT 1",
}
LOGPROB = {"token": "Hello", "logprob": -0.5}


def incomplete(name: str, reason: str, finish: str) -> Case:
    """A response that ends before its text does, for the server's ``reason``."""
    last = ended("incomplete", OUTPUT, incomplete_details={"reason": reason})
    return respond(
        f"incomplete: {name}",
        stream(created(), *SPOKEN, last),
        HELLO | {"status": "incomplete", "finish": finish},
    )


CASES = [
    respond(
        "queued, then in progress",
        stream(
            created(),
            {"type": "response.queued", "response": response("queued")},
            {"type": "response.in_progress", "response": response("in_progress")},
            *SPOKEN,
            ended(output=OUTPUT),
        ),
        HELLO,
    ),
    respond("plain", stream(created(), *SPOKEN, ended(output=OUTPUT)), HELLO),
    respond("plain, with [DONE]", sse(created(), *SPOKEN, ended(output=OUTPUT), "[DONE]"), HELLO),
    respond(
        "usage",
        stream(created(), *SPOKEN, ended(output=OUTPUT, usage=usage(3, 4))),
        HELLO | {"usage": (3, 4)},
    ),
    respond(
        "refusal",
        stream(
            created(),
            added(0, message(status="in_progress")),
            event(
                "content_part.added",
                "msg_1",
                part={"type": "refusal", "refusal": ""},
                content_index=0,
            ),
            event("refusal.delta", "msg_1", content_index=0, delta="I "),
            event("refusal.delta", "msg_1", content_index=0, delta="can't."),
            event("refusal.done", "msg_1", content_index=0, refusal="I can't."),
            done(0, message({"type": "refusal", "refusal": "I can't."})),
            ended(output=[message({"type": "refusal", "refusal": "I can't."})]),
        ),
        {"refusal": "I can't.", "items": ("message",)},
    ),
    respond(
        "reasoning summary, then text",
        stream(
            created(),
            *thought("we", "ll"),
            *spoken("Hel", "lo", index=1),
            ended(output=[reasoning("well"), *OUTPUT]),
        ),
        {"text": "Hello", "reasoning": "well", "items": ("reasoning", "message")},
    ),
    respond(
        "two summaries",
        stream(
            created(),
            added(0, reasoning()),
            event("reasoning_summary_text.delta", "rs_1", summary_index=0, delta="one"),
            event("reasoning_summary_text.delta", "rs_1", summary_index=1, delta="two"),
            done(0, reasoning("one", "two")),
            ended(output=[reasoning("one", "two")]),
        ),
        {"reasoning": "one\n\ntwo", "items": ("reasoning",)},
    ),
    respond(
        "reasoning text",
        stream(
            created(),
            added(0, reasoning()),
            event("reasoning_text.delta", "rs_1", content_index=0, delta="we"),
            event("reasoning_text.delta", "rs_1", content_index=0, delta="ll"),
            event("reasoning_text.done", "rs_1", content_index=0, text="well"),
            done(0, reasoning(content=[{"type": "reasoning_text", "text": "well"}])),
            ended(output=[reasoning(content=[{"type": "reasoning_text", "text": "well"}])]),
        ),
        {"reasoning": "well", "items": ("reasoning",)},
    ),
    respond(
        "reasoning whole, the same as summary and content",
        whole(
            response(
                "completed",
                [reasoning("well", content=[{"type": "reasoning_text", "text": "well"}])],
            )
        ),
        {"reasoning": "well", "items": ("reasoning",)},
    ),
    respond(
        "annotations",
        stream(
            created(),
            *SPOKEN[:4],
            event(
                "output_text.annotation.added",
                "msg_1",
                content_index=0,
                annotation_index=0,
                annotation=ANNOTATION,
            ),
            event(
                "output_text.annotation.added",
                "msg_1",
                content_index=0,
                annotation_index=1,
                annotation=None,
            ),
            done(0, message(output_text("Hello", [ANNOTATION]))),
            ended(output=[message(output_text("Hello", [ANNOTATION]))]),
        ),
        HELLO | {"citations": (("https://a.test", 0, 3),)},
    ),
    respond(
        "two messages, cited in the second",
        stream(
            created(),
            *SPOKEN,
            *spoken("Bye", item="msg_2", index=1)[:-1],
            done(1, message(output_text("Bye", [ANNOTATION]), item="msg_2")),
            ended(output=[*OUTPUT, message(output_text("Bye", [ANNOTATION]), item="msg_2")]),
        ),
        {
            "text": "Hello\n\nBye",
            "items": ("message", "message"),
            "citations": (("https://a.test", 7, 10),),
        },
    ),
    respond(
        "two parts of one message",
        stream(
            created(),
            added(0, message(status="in_progress")),
            event("content_part.added", "msg_1", content_index=0, part=output_text("")),
            delta("Hel"),
            event("content_part.added", "msg_1", content_index=1, part=output_text("")),
            delta("lo", part=1),
            done(0, message(output_text("Hel"), output_text("lo"))),
            ended(output=[message(output_text("Hel"), output_text("lo"))]),
        ),
        HELLO,
    ),
    respond(
        "logprobs",
        stream(
            created(),
            *SPOKEN[:2],
            {**delta("Hello"), "logprobs": [{**LOGPROB, "top_logprobs": []}]},
            done(0, message({**output_text("Hello"), "logprobs": [LOGPROB]})),
            ended(output=OUTPUT),
        ),
        HELLO | {"logprobs": ("Hello",)},
    ),
    respond(
        "logprobs at the end alone",
        stream(
            created(),
            *SPOKEN[:3],
            done(0, message({**output_text("Hello"), "logprobs": [LOGPROB]})),
            ended(output=OUTPUT),
        ),
        HELLO | {"logprobs": ("Hello",)},
    ),
    respond(
        "function call",
        stream(created(), *called('{"a"', ":1}"), ended(output=[function_call('{"a":1}')])),
        CALLED | {"finish": "tool_calls"},
    ),
    respond(
        "two function calls",
        stream(
            created(),
            *called('{"a"', ":1}"),
            *called('{"b":2}', item="fc_2", call="call_2", index=1),
            ended(output=[function_call('{"a":1}'), function_call('{"b":2}', "fc_2", "call_2")]),
        ),
        {
            "calls": (("call_1", "get", '{"a":1}'), ("call_2", "get", '{"b":2}')),
            "items": ("function_call", "function_call"),
            "finish": "tool_calls",
        },
    ),
    respond(
        "custom tool call",
        stream(
            created(),
            added(0, {**CUSTOM_CALL, "input": ""}),
            event("custom_tool_call_input.delta", "ct_1", delta="SELECT"),
            event("custom_tool_call_input.delta", "ct_1", delta=" 1"),
            event("custom_tool_call_input.done", "ct_1", input="SELECT 1"),
            done(0, CUSTOM_CALL),
            ended(output=[CUSTOM_CALL]),
        ),
        {
            "calls": (("call_1", "sql", "SELECT 1"),),
            "items": ("custom_tool_call",),
            "finish": "tool_calls",
        },
    ),
    incomplete("tokens", "max_output_tokens", "length"),
    incomplete("filter", "content_filter", "content_filter"),
    incomplete("another reason", "steered", "steered"),
    respond(
        "cancelled",
        stream(created(), *SPOKEN, {**ended("cancelled", OUTPUT), "type": "response.completed"}),
        HELLO | {"status": "cancelled", "finish": "cancelled"},
    ),
    respond(
        "queued",
        whole(response("queued")),
        {
            "status": "queued",
            "finish": "queued",
            "notices": ("the provider works on response resp_1 in the background",),
        },
    ),
    respond("cut", stream(created(), *SPOKEN[:4]), CUT | {"text": "Hello"}),
    respond("cut between items", stream(created(), *SPOKEN), CUT | HELLO),
    respond(
        "whole", whole(response("completed", OUTPUT, usage=usage(3, 4))), HELLO | {"usage": (3, 4)}
    ),
    respond(
        "whole, output_text is not the text",
        whole(response("completed", OUTPUT, output_text="other")),
        HELLO,
    ),
    respond(
        "whole: calls",
        whole(response("completed", [function_call('{"a":1}')])),
        CALLED | {"finish": "tool_calls"},
    ),
]
