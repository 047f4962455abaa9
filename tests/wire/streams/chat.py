"""Chat Completions: builders, and the shapes that chunks have."""

from __future__ import annotations

from typing import Any

from tests.wire.streams import Case, sse, whole

DONE = "[DONE]"


def chunk(delta: Any = None, finish: Any = None, index: int = 0, **more: Any) -> dict[str, Any]:
    """Return a chunk with one choice."""
    choice = {"index": index, "delta": delta, "finish_reason": finish}
    if "logprobs" in more:
        choice["logprobs"] = more.pop("logprobs")
    return bare([choice], **more)


def bare(choices: Any, **more: Any) -> dict[str, Any]:
    """Return a chunk with these choices."""
    return {
        "id": "chatcmpl-1",
        "object": "chat.completion.chunk",
        "created": 1700000000,
        "model": "test-model",
        "choices": choices,
        **more,
    }


def call(index: int | None = None, **more: Any) -> dict[str, Any]:
    """Return a delta with one fragment of a tool call; name and arguments are its function's."""
    function = {key: more.pop(key) for key in ("name", "arguments") if key in more}
    fragment = {**({} if index is None else {"index": index}), **more, "function": function}
    return {"tool_calls": [fragment]}


def usage(given: int, made: int, **more: Any) -> dict[str, Any]:
    """Return a usage object."""
    return {
        "prompt_tokens": given,
        "completion_tokens": made,
        "total_tokens": given + made,
        **more,
    }


def completion(message: dict[str, Any], finish: Any = "stop", **more: Any) -> dict[str, Any]:
    """Return a whole completion."""
    choice = {"index": 0, "message": {"role": "assistant", **message}, "finish_reason": finish}
    return {**bare([choice]), "object": "chat.completion", **more}


def answer(*deltas: Any, finish: Any = "stop") -> bytes:
    """Return a proper stream of these deltas."""
    return sse(*map(chunk, deltas), chunk({}, finish), DONE)


ROLE = {"role": "assistant", "content": ""}
HEL, LO = chunk({"content": "Hel"}), chunk({"content": "lo"})
END = chunk({}, "stop")
ERROR = {"message": "overloaded", "code": 502}
GET_A = {"id": "c1", "type": "function", "name": "get", "arguments": '{"a":1}'}
GET_B = {"id": "c2", "type": "function", "name": "get", "arguments": '{"b":2}'}
PAIR = (("c1", "get", '{"a":1}'), ("c2", "get", '{"b":2}'))
TOKENS = [{"token": "Hel", "logprob": -0.1, "bytes": [72], "top_logprobs": []}]
SOURCE = {
    "type": "url_citation",
    "url_citation": {"url": "https://a.test", "title": "A", "start_index": 0, "end_index": 3},
}

HELLO = {"text": "Hello"}


def chat(name: str, body: bytes, expect: Any, **options: Any) -> Case:
    return Case(name, "chat", body, expect, options)


PLAIN = [
    chat("plain", sse(chunk(ROLE), HEL, LO, END, DONE), HELLO),
    chat("empty answer that ended well", sse(chunk(ROLE), END, DONE), {}),
    chat("length", answer({"content": "Hello"}, finish="length"), HELLO | {"finish": "length"}),
    chat(
        "content filter",
        answer({"content": "Hel"}, finish="content_filter"),
        {"text": "Hel", "finish": "content_filter"},
    ),
    chat("refusal", answer({"refusal": "I "}, {"refusal": "can't."}), {"refusal": "I can't."}),
    chat(
        "logprobs of content and refusal",
        sse(
            chunk({"content": "Hel"}, logprobs={"content": TOKENS, "refusal": None}),
            chunk({"refusal": "No"}, logprobs={"content": None, "refusal": [TOKENS[0]]}),
            END,
            DONE,
        ),
        {"text": "Hel", "refusal": "No", "logprobs": ("Hel", "Hel")},
    ),
    chat(
        "audio",
        answer(
            {"audio": {"id": "a1", "transcript": "Hel"}},
            {"audio": {"data": "UklG", "transcript": "lo"}},
            {"audio": {"data": "RgAA", "expires_at": 1700000100}},
        ),
        {"audio": ("UklGRgAA", "Hello", "a1")},
    ),
    chat(
        "audio encoded piece by piece",
        answer({"audio": {"id": "a1", "data": "Ug=="}}, {"audio": {"data": "SQ=="}}),
        {"audio": ("Ukk=", "", "a1")},
    ),
    chat(
        "unknown fields at every level",
        sse(
            chunk(
                {"content": "Hello", "provider_specific_fields": {"x": 1}, "new": [1]}, timings={}
            ),
            bare(
                [{"index": 0, "delta": {}, "finish_reason": "stop", "native_finish_reason": "e"}]
            ),
            DONE,
        ),
        HELLO,
    ),
    chat(
        "a character cut into two escaped surrogates",
        sse(
            b'data: {"choices":[{"index":0,"delta":{"content":"a\\ud83d"}}]}\n\n',
            b'data: {"choices":[{"index":0,"delta":{"content":"\\ude00b\\udc00"}}]}\n\n',
            END,
            DONE,
        ),
        {"text": "a\U0001f600b\ufffd"},
    ),
]

SHAPES = [
    chat(
        "row 15: choices empty, null and missing",
        sse(
            bare([], prompt_filter_results=[{"prompt_index": 0}]),
            bare(None),
            {"id": "x"},
            HEL,
            LO,
            END,
            DONE,
        ),
        HELLO,
    ),
    chat(
        "row 15: empty first chunk (Azure)",
        sse(
            {"id": "", "model": "", "created": 0, "object": "", "choices": []}, HEL, LO, END, DONE
        ),
        HELLO,
    ),
    chat(
        "row 16: null delta and null content",
        sse(
            chunk(None),
            chunk({"content": None, "tool_calls": None, "role": None}),
            HEL,
            LO,
            END,
            DONE,
        ),
        HELLO,
    ),
    chat(
        "row 16: bare chunks",
        sse(
            {"choices": [{"delta": {"content": "Hel"}}]},
            {"choices": [{"delta": {"content": "lo"}}]},
            {"choices": [{"delta": {}, "finish_reason": "stop"}]},
        ),
        HELLO,
    ),
    chat(
        "row 16: content as parts",
        answer(
            {"content": [{"type": "text", "text": "Hel"}, {"type": "text", "text": "lo"}]},
            {"content": [{"type": "refusal", "refusal": "No"}, {"type": "new"}]},
        ),
        HELLO | {"refusal": "No"},
    ),
    chat(
        "row 16: things that are no chunk",
        sse(
            "null",
            "1",
            '"x"',
            '{"choices": "x"}',
            '{"choices": ["x"]}',
            '{"choices": [{"delta": "x"}]}',
            '{"choices": [{"delta": {"content": 5, "audio": 1}, "index": "0"}]}',
            '{"choices": [{"delta": {"tool_calls": "x"}}]}',
            HEL,
            LO,
            END,
            DONE,
        ),
        HELLO,
    ),
    chat(
        "row 17: choices in any order",
        sse(
            chunk({"content": "b"}, index=1),
            chunk({"content": "a"}),
            chunk({"content": "B"}, index=1),
            chunk({"content": "A"}),
            chunk({}, "length", index=1),
            END,
            DONE,
        ),
        {"text": "aA", "text_1": "bB", "finish_1": "length"},
        choices=2,
    ),
    chat(
        "row 17: several choices in one chunk",
        sse(
            bare(
                [{"index": 0, "delta": {"content": "a"}}, {"index": 1, "delta": {"content": "b"}}]
            ),
            bare([{"delta": {}, "finish_reason": "stop"}, {"delta": {}, "finish_reason": "stop"}]),
            DONE,
        ),
        {"text": "a", "text_1": "b", "finish_1": "stop"},
        choices=2,
    ),
    chat("row 17: fewer choices than were asked for", sse(HEL, LO, END), HELLO, choices=2),
    chat(
        "a finish in every chunk",
        sse(chunk({"content": "Hel"}, "stop"), chunk({"content": "lo"}, "stop"), DONE),
        HELLO,
    ),
    chat(
        "images of the model",
        answer(
            {
                "content": "Hello",
                "images": [
                    {"type": "image_url", "image_url": {"url": "data:image/png;base64,iVBO"}}
                ],
            }
        ),
        HELLO | {"images": ("data:image/png;base64,iVBO",)},
    ),
    chat(
        "a whole answer with an empty delta beside its message (Perplexity)",
        whole(
            bare(
                [
                    {
                        "index": 0,
                        "message": {"role": "assistant", "content": "Hello"},
                        "delta": {"role": "assistant", "content": ""},
                        "finish_reason": "stop",
                    }
                ]
            )
        ),
        HELLO,
    ),
    chat(
        "the message so far beside each delta (Perplexity)",
        sse(
            bare([{"index": 0, "delta": {"content": "Hel"}, "message": {"content": "Hel"}}]),
            bare([{"index": 0, "delta": {"content": "lo"}, "message": {"content": "Hello"}}]),
            bare(
                [
                    {
                        "index": 0,
                        "delta": {},
                        "message": {"content": "Hello"},
                        "finish_reason": "stop",
                    }
                ]
            ),
            DONE,
        ),
        HELLO,
    ),
    chat(
        "citations on a delta",
        answer({"content": "Hello"}, {"annotations": [SOURCE]}, {"annotations": [SOURCE]}),
        HELLO | {"citations": (("https://a.test", 0, 3),)},
    ),
    chat(
        "citations as a list of addresses (Perplexity)",
        sse(
            chunk({"content": "Hel"}, citations=["https://a.test"]),
            chunk({"content": "lo"}, citations=["https://a.test", "https://b.test"]),
            END,
            DONE,
        ),
        HELLO | {"citations": (("https://a.test", None, None), ("https://b.test", None, None))},
    ),
]

USAGE = [
    chat(
        "row 22: in its own chunk",
        sse(HEL, LO, END, bare([], usage=usage(3, 4)), DONE),
        HELLO | {"usage": (3, 4)},
    ),
    chat(
        "row 22: on the last choice",
        sse(HEL, LO, chunk({}, "stop", usage=usage(3, 4)), DONE),
        HELLO | {"usage": (3, 4)},
    ),
    chat(
        "row 22: on every chunk, zeros first",
        sse(
            chunk({"content": "Hel"}, usage=usage(0, 0)),
            chunk({"content": "lo"}, usage=usage(3, 1)),
            chunk({}, "stop", usage=usage(3, 4)),
            DONE,
        ),
        HELLO | {"usage": (3, 4)},
    ),
    chat(
        "row 22: null and zeros after it",
        sse(
            HEL,
            LO,
            chunk({}, "stop", usage=usage(3, 4)),
            bare([], usage=None),
            bare([], usage=usage(0, 0)),
            DONE,
        ),
        HELLO | {"usage": (3, 4)},
    ),
    chat(
        "row 22: null details",
        sse(
            HEL,
            LO,
            END,
            bare(
                [], usage=usage(3, 4, prompt_tokens_details=None, completion_tokens_details=None)
            ),
            DONE,
        ),
        HELLO | {"usage": (3, 4)},
    ),
    chat(
        "row 22: within the choice (Moonshot)",
        sse(
            HEL,
            LO,
            bare([{"index": 0, "delta": {}, "finish_reason": "stop", "usage": usage(3, 4)}]),
            DONE,
        ),
        HELLO | {"usage": (3, 4)},
    ),
]

CASES = [*PLAIN, *SHAPES, *USAGE]
