"""Responses, as servers send them that leave things out or tell them otherwise."""

from __future__ import annotations

from tests.wire.streams import failed, sse, whole
from tests.wire.streams.events import (
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
    without,
)

PLACES = ("item_id", "output_index", "content_index", "summary_index")
BARE = {"text": "Hello"}


CASES = [
    respond(
        "row 28: no places at all",
        sse(
            *without(
                [
                    created(),
                    *thought("we", "ll"),
                    *SPOKEN,
                    *called('{"a"', ":1}"),
                    ended(output=None),
                ],
                *PLACES,
            )
        ),
        BARE
        | {
            "reasoning": "well",
            "finish": "tool_calls",
            "calls": CALLED["calls"],
            "items": ("reasoning", "message", "function_call"),
        },
    ),
    respond(
        "row 28: no output_index (llama.cpp)",
        sse(
            *without(
                [
                    created(),
                    *SPOKEN,
                    *called('{"a"', ":1}"),
                    ended(output=[*OUTPUT, function_call('{"a":1}')]),
                ],
                "output_index",
            )
        ),
        BARE | CALLED | {"finish": "tool_calls", "items": ("message", "function_call")},
    ),
    respond(
        "row 28: every output_index 0",
        sse(*([created(), *SPOKEN, *spoken("Bye", item="msg_2"), ended()])),
        {"text": "Hello\n\nBye", "items": ("message", "message")},
    ),
    respond(
        "row 28: another id in every event",
        stream(
            created(),
            *(
                {**frame, "item_id": f"i{n}"} if "item_id" in frame else frame
                for n, frame in enumerate(SPOKEN[:-1])
            ),
            done(0, message(output_text("Hello"), item="m9")),
            ended(output=[message(output_text("Hello"), item="m10")]),
        ),
        HELLO,
    ),
    respond(
        "row 28: two calls without any place",
        sse(
            *without(
                [
                    created(),
                    *called('{"a"', ":1}"),
                    *called('{"b":2}', item="fc_2", call="call_2"),
                    ended(),
                ],
                *PLACES,
            )
        ),
        {
            "calls": (("call_1", "get", '{"a":1}'), ("call_2", "get", '{"b":2}')),
            "items": ("function_call", "function_call"),
            "finish": "tool_calls",
        },
    ),
    respond("row 29: deltas alone", sse(delta("Hel"), delta("lo"), ended(output=None)), BARE),
    respond(
        "row 29: deltas alone, without places",
        sse(*without([delta("Hel"), delta("lo"), ended(output=None)], *PLACES)),
        BARE,
    ),
    respond(
        "row 29: deltas, then the output",
        sse(created(), delta("Hel"), delta("lo"), ended(output=OUTPUT)),
        HELLO,
    ),
    respond(
        "row 29: deltas without ids, then the output",
        sse(*without([delta("Hel"), delta("lo"), ended(output=OUTPUT)], *PLACES)),
        HELLO,
    ),
    respond(
        "row 29: no deltas, the output alone",
        sse(created(), ended(output=[reasoning("well"), *OUTPUT, function_call('{"a":1}')])),
        BARE
        | CALLED
        | {
            "reasoning": "well",
            "finish": "tool_calls",
            "items": ("reasoning", "message", "function_call"),
        },
    ),
    respond(
        "row 29: no deltas, output_item.done alone",
        sse(created(), done(0, OUTPUT[0]), ended()),
        HELLO,
    ),
    respond(
        "row 29: no deltas, output_text.done alone",
        sse(event("output_text.done", "msg_1", content_index=0, text="Hello"), ended(output=None)),
        BARE,
    ),
    respond(
        "row 29: done is longer",
        sse(
            delta("Hel"),
            event("output_text.done", "msg_1", content_index=0, text="Hello"),
            ended(),
        ),
        BARE,
    ),
    respond(
        "row 29: done is shorter, or empty",
        sse(
            delta("Hello"),
            event("output_text.done", "msg_1", content_index=0, text="Hel"),
            event("output_text.done", "msg_1", content_index=0, text=""),
            ended(),
        ),
        BARE,
    ),
    respond(
        "row 29: done differs",
        sse(
            delta("Hallo"),
            event("output_text.done", "msg_1", content_index=0, text="Hello"),
            ended(),
        ),
        BARE,
    ),
    respond(
        "row 29: [DONE] without a terminal event",
        sse(created(), *SPOKEN, "[DONE]"),
        HELLO | {"finish": ""},
    ),
    respond(
        "row 29: a call without its announcement",
        sse(*called('{"a"', ":1}")[1:], ended()),
        CALLED | {"finish": "tool_calls"},
    ),
    respond(
        "row 29: a call announced whole and never ended",
        sse(added(0, function_call('{"a":1}')), ended(output=None)),
        CALLED | {"finish": "tool_calls"},
    ),
    respond(
        "row 29: a call of arguments alone",
        sse(
            event("function_call_arguments.done", "fc_1", arguments='{"a":1}'), ended(output=None)
        ),
        {"calls": (("call_0", "", '{"a":1}'),), "finish": "tool_calls"},
    ),
    respond(
        "row 29: content as text", sse(ended(output=[{**message(), "content": "Hello"}])), HELLO
    ),
    respond("row 30: output empty", stream(created(), *SPOKEN, ended(output=[])), HELLO),
    respond("row 30: output null", stream(created(), *SPOKEN, ended(output=None)), HELLO),
    respond(
        "row 30: output absent",
        stream(
            created(),
            *SPOKEN,
            {"type": "response.completed", "response": {"id": "resp_1", "status": "completed"}},
        ),
        HELLO,
    ),
    respond(
        "row 30: no response", stream(created(), *SPOKEN, {"type": "response.completed"}), HELLO
    ),
    respond(
        "row 30: a message of an output null",
        sse(created(), ended(output=[None, {**message(), "content": None}])),
        {"items": ("message",)},
    ),
    respond(
        "row 31: item null and gaps",
        stream(
            created(),
            added(0, None),
            done(0, None),
            added(5, None),
            *spoken("Hel", "lo", index=7),
            ended(output=OUTPUT),
        ),
        HELLO,
    ),
    respond(
        "row 32: the type is the event's name alone",
        b"".join(
            f"event: {f['type']}\n".encode() + sse(*without([f], "type"))
            for f in (created(), *SPOKEN, ended(output=OUTPUT))
        ),
        HELLO,
    ),
    respond("row 32: no names", sse(created(), *SPOKEN, ended(output=OUTPUT)), HELLO),
    respond(
        "row 32: a wrong name",
        b"".join(b"event: message\n" + sse(f) for f in (created(), *SPOKEN, ended(output=OUTPUT))),
        HELLO,
    ),
    respond(
        "row 32: data before id",
        b"".join(sse(f)[:-1] + b"id: 7\n\n" for f in (created(), *SPOKEN, ended(output=OUTPUT))),
        HELLO,
    ),
    respond(
        "row 33: flat error",
        stream(
            created(),
            *SPOKEN[:4],
            {"type": "error", "code": "server_error", "message": "bad", "param": None},
        ),
        failed("server_error: bad", text="Hello"),
    ),
    respond(
        "row 33: nested error",
        stream(
            created(),
            *SPOKEN[:4],
            {"type": "error", "error": {"type": "server_error", "code": None, "message": "bad"}},
        ),
        failed("server_error: bad", text="Hello"),
    ),
    respond(
        "row 33: response.failed",
        stream(
            created(),
            *SPOKEN[:4],
            ended("failed", error={"code": "server_error", "message": "bad"}),
        ),
        failed("server_error: bad", text="Hello"),
    ),
    respond(
        "row 33: response.failed without a reason",
        stream(created(), *SPOKEN, ended("failed")),
        failed("the server reported a failure and gave no reason") | HELLO,
    ),
    respond(
        "row 33: an error without a type",
        sse(created(), {"error": {"message": "bad"}}),
        failed("bad"),
    ),
    respond(
        "row 33: whole and failed",
        whole(
            response(
                "failed",
                OUTPUT,
                error={"code": "server_error", "message": "bad"},
                usage=usage(3, 4),
            )
        ),
        failed("server_error: bad", usage=(3, 4)) | HELLO,
    ),
    respond("row 33: an error alone", whole({"error": {"message": "bad"}}), failed("bad")),
    respond(
        "row 29: two calls at once, unannounced and without a place",
        sse(
            *without(
                [
                    event("function_call_arguments.delta", "fc_1", delta='{"a"'),
                    event("function_call_arguments.delta", "fc_2", delta='{"b"'),
                    event("function_call_arguments.delta", "fc_1", delta=":1}"),
                    event("function_call_arguments.delta", "fc_2", delta=":2}"),
                    ended(),
                ],
                "output_index",
            )
        ),
        {
            "calls": (("call_0", "", '{"a":1}'), ("call_1", "", '{"b":2}')),
            "finish": "tool_calls",
        },
    ),
    respond(
        "row 33: response.error",
        stream(created(), *SPOKEN, {"type": "response.error", "error": {"message": "bad"}}),
        failed("bad") | HELLO,
    ),
    respond(
        "row 34: an end by a type of its own",
        stream(created(), *SPOKEN, ended("cancelled", OUTPUT)),
        HELLO | {"status": "cancelled", "finish": "cancelled"},
    ),
    respond("row 33: something else", whole({"id": "x"}), failed("this is no response object")),
    respond(
        "row 34: completed event, status failed",
        stream(
            created(),
            *SPOKEN,
            {**ended("failed", error={"message": "bad"}), "type": "response.completed"},
        ),
        failed("bad") | HELLO,
    ),
    respond(
        "row 34: completed event, status incomplete",
        stream(
            created(),
            *SPOKEN,
            {
                **ended("incomplete", OUTPUT, incomplete_details={"reason": "max_output_tokens"}),
                "type": "response.completed",
            },
        ),
        HELLO | {"status": "incomplete", "finish": "length"},
    ),
    respond(
        "row 34: completed at the limit that was asked for (llama.cpp)",
        stream(created(), *SPOKEN, ended(output=OUTPUT, usage=usage(3, 16))),
        HELLO | {"finish": "length", "usage": (3, 16)},
        max_tokens=16,
    ),
    respond(
        "row 34: completed at the limit that the server echoes",
        stream(created(), *SPOKEN, ended(output=OUTPUT, usage=usage(3, 16), max_output_tokens=16)),
        HELLO | {"finish": "length", "usage": (3, 16)},
    ),
    respond(
        "row 34: completed, status in_progress",
        stream(created(), *SPOKEN, {**ended("in_progress", OUTPUT), "type": "response.completed"}),
        HELLO,
    ),
    respond(
        "row 35: null",
        b"null",
        {"status": "cut", "finish": "", "error": "the server sent an empty answer"},
    ),
    respond(
        "row 37: one item of two is not whole",
        sse(created(), *thought("well"), *SPOKEN[:-1], ended(output=None)),
        BARE | {"reasoning": "well"},
    ),
    respond(
        "things that are no event",
        sse(
            "null",
            "[]",
            '{"type": 5}',
            '{"type": "response.output_text.delta"}',
            '{"type": "response.output_text.delta", "delta": 5}',
            '{"type": "response.output_item.added", "item": "x"}',
            '{"type": "response.output_text.delta", "delta": "", "item_id": 5}',
            '{"type": "response.created", "response": 7}',
            '{"type": "response.refusal.delta"}',
            '{"type": "response.audio.delta", "delta": null}',
            '{"type": "response.function_call_arguments.delta", "delta": null}',
            created(),
            *SPOKEN,
            ended(output=OUTPUT),
        ),
        HELLO,
    ),
]
