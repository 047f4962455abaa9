"""Tool calls and reasoning of Chat Completions, as broken as servers send them."""

from __future__ import annotations

from tests.wire.streams import CUT, sse
from tests.wire.streams.chat import DONE, GET_A, GET_B, PAIR, answer, call, chat, chunk

CALLS = [
    chat(
        "row 18: as it should be",
        answer(
            call(0, id="c1", type="function", name="get", arguments=""),
            call(0, arguments='{"a"'),
            call(0, arguments=":1}"),
            call(1, **GET_B),
            finish="tool_calls",
        ),
        {"calls": PAIR, "finish": "tool_calls"},
    ),
    chat(
        "row 18: two calls interleaved",
        answer(
            call(0, id="c1", type="function", name="get", arguments='{"a"'),
            call(1, id="c2", type="function", name="get", arguments='{"b"'),
            call(0, arguments=":1}"),
            call(1, arguments=":2}"),
            finish="tool_calls",
        ),
        {"calls": PAIR, "finish": "tool_calls"},
    ),
    chat(
        "row 18: no index (Gemini)",
        answer({"tool_calls": [*call(**GET_A)["tool_calls"], *call(**GET_B)["tool_calls"]]}),
        {"calls": PAIR},
    ),
    chat(
        "row 18: no index, in pieces",
        answer(
            call(id="c1", name="get", arguments='{"a"'),
            call(arguments=":1}"),
            call(id="c2", name="get", arguments='{"b"'),
            call(arguments=":2}"),
        ),
        {"calls": PAIR},
    ),
    chat(
        "row 18: every index 0",
        answer(call(0, **GET_A), call(0, **GET_B)),
        {"calls": PAIR},
    ),
    chat(
        "row 18: every index 0 and no id, another name",
        answer(call(0, name="get", arguments="{}"), call(0, name="put", arguments="{}")),
        {"calls": (("call_0", "get", "{}"), ("call_1", "put", "{}"))},
    ),
    chat(
        "row 18: every index 0 and no id, the same name",
        answer(
            call(0, id="", name="get", arguments='{"a":1}'),
            call(0, id="", name="get", arguments='{"b":2}'),
        ),
        {"calls": (("call_0", "get", '{"a":1}'), ("call_1", "get", '{"b":2}'))},
    ),
    chat(
        "row 18: id and name in every fragment",
        answer(
            *(
                call(0, id="c1", type="function", name="get", arguments=a)
                for a in ('{"a"', ":1", "}")
            )
        ),
        {"calls": PAIR[:1]},
    ),
    chat(
        "row 18: id in every fragment, no index",
        answer(
            call(id="c1", name="get", arguments='{"a"'), call(id="c1", name="", arguments=":1}")
        ),
        {"calls": PAIR[:1]},
    ),
    chat(
        "row 18: another id in every fragment",
        answer(call(0, id="c1", name="get", arguments='{"a"'), call(0, id="c9", arguments=":1}")),
        {"calls": PAIR[:1]},
    ),
    chat(
        "row 18: an empty id after the first",
        answer(
            call(0, id="c1", type="function", name="get", arguments='{"a"'),
            call(0, id="", name="", arguments=":1}"),
        ),
        {"calls": PAIR[:1]},
    ),
    chat(
        "row 18: the id comes late",
        answer(call(0, name="get", arguments='{"a"'), call(0, id="c1", arguments=":1}")),
        {"calls": PAIR[:1]},
    ),
    chat(
        "row 18: arguments as an object",
        answer(call(0, id="c1", name="get", arguments={"ä": 1})),
        {"calls": (("c1", "get", '{"ä": 1}'),)},
    ),
    chat(
        "row 18: arguments null",
        answer(call(0, id="c1", name="get", arguments=None)),
        {"calls": (("c1", "get", ""),)},
    ),
    chat(
        "custom tool",
        answer(
            {
                "tool_calls": [
                    {
                        "index": 0,
                        "id": "c1",
                        "type": "custom",
                        "custom": {"name": "sql", "input": "SELECT"},
                    }
                ]
            },
            {"tool_calls": [{"index": 0, "custom": {"input": " 1"}}]},
            finish="tool_calls",
        ),
        {"calls": (("c1", "sql", "SELECT 1"),), "finish": "tool_calls"},
    ),
    chat(
        "the deprecated function_call",
        answer(
            {"function_call": {"name": "get", "arguments": '{"a"'}},
            {"function_call": {"arguments": ":1}"}},
            finish="function_call",
        ),
        {"calls": (("call_0", "get", '{"a":1}'),), "finish": "function_call"},
    ),
    chat("row 19: stop with calls", answer(call(0, **GET_A)), {"calls": PAIR[:1]}),
    chat(
        "row 19: an empty finish with calls",
        sse(chunk(call(0, **GET_A), ""), DONE),
        {"calls": PAIR[:1], "finish": ""},
    ),
    chat(
        "row 20: unknown keys are kept",
        answer(call(0, **GET_A, extra_content={"google": {"thought_signature": "sig"}})),
        {
            "calls": PAIR[:1],
            "extra": ({"extra_content": {"google": {"thought_signature": "sig"}}},),
        },
    ),
]

WELL = {"text": "Yes.", "reasoning": "well"}
REASONING = [
    *(
        chat(f"row 21: {name}", answer({name: "we"}, {name: "ll"}, {"content": "Yes."}), WELL)
        for name in ("reasoning_content", "reasoning")
    ),
    chat(
        "row 21: reasoning_details",
        answer(
            {"reasoning_details": [{"type": "reasoning.text", "text": "we"}]},
            {
                "reasoning_details": [
                    {"type": "reasoning.summary", "summary": "ll"},
                    {"type": "reasoning.encrypted", "data": "x"},
                ]
            },
            {"content": "Yes."},
        ),
        WELL,
    ),
    chat(
        "row 21: in three fields, shown once",
        answer(
            *(
                {"reasoning": t, "reasoning_content": t, "reasoning_details": [{"text": t}]}
                for t in ("we", "ll")
            ),
            {"content": "Yes."},
        ),
        WELL,
    ),
    chat(
        "row 21: again whole in another field",
        answer(
            {"reasoning": "we"},
            {"reasoning": "ll"},
            {"content": "Yes."},
            {"reasoning_details": [{"text": "well"}]},
        ),
        WELL,
    ),
    chat(
        "row 21: parts of content (Mistral)",
        answer(
            {"content": [{"type": "thinking", "thinking": [{"type": "text", "text": "well"}]}]},
            {"content": "Yes."},
        ),
        WELL,
    ),
    chat(
        "row 21: <think> in one piece",
        answer({"content": "<think>well</think>Yes."}),
        WELL,
    ),
    chat(
        "row 21: <think> in small pieces",
        answer(*({"content": c} for c in "\n<think>\nwell</think>\n\nYes.")),
        WELL,
    ),
    chat(
        "row 21: an empty <think>",
        answer({"content": "<think>\n\n</think>\n\nYes."}),
        {"text": "Yes."},
    ),
    chat(
        "row 21: <think> that never closes",
        answer({"content": "<think>well</th"}, finish="length"),
        {"reasoning": "well</th", "finish": "length"},
    ),
    chat(
        "row 21: <think> in prose",
        answer({"content": "The tag "}, {"content": "<think>x</think> is"}),
        {"text": "The tag <think>x</think> is"},
    ),
    chat(
        "row 21: nearly <think>",
        answer({"content": "<thi"}, {"content": "s>"}),
        {"text": "<this>"},
    ),
    chat(
        "row 21: cut within the tag",
        sse(chunk({"content": "<thi"})),
        {"text": "<thi"} | CUT,
    ),
]

CASES = [*CALLS, *REASONING]
