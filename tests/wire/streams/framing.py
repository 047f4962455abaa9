"""Frames, ends and single bodies: what stands around the chunks."""

from __future__ import annotations

from tests.wire.streams import CUT, failed, sse, whole
from tests.wire.streams.chat import (
    DONE,
    END,
    GET_A,
    GET_B,
    HEL,
    HELLO,
    LO,
    PAIR,
    SOURCE,
    answer,
    bare,
    call,
    chat,
    chunk,
    completion,
    usage,
)

FRAMING = [
    chat("row 1: comments", sse(b": OPENROUTER PROCESSING\n\n:\n", HEL, LO, END, DONE), HELLO),
    chat(
        "row 1: comments wrapped as data",
        sse(": OPENROUTER PROCESSING", HEL, LO, END, DONE),
        HELLO,
    ),
    chat("row 2: no [DONE] but a finish", sse(HEL, LO, END), HELLO),
    chat("row 2: no [DONE], no finish", sse(HEL, LO), HELLO | CUT),
    chat("row 2: [DONE] without a finish", sse(HEL, LO, DONE), HELLO | {"finish": ""}),
    chat(
        "row 2: one of two choices finished",
        sse(HEL, chunk({"content": "A"}, index=1), END),
        {"text": "Hel", "text_1": "A", "finish": "stop", "finish_1": ""}
        | {key: CUT[key] for key in ("status", "error")},
    ),
    chat("row 4: no space after data:", sse(HEL, LO, END, DONE).replace(b": {", b":{"), HELLO),
    chat("row 4: CRLF", sse(HEL, LO, END, DONE, end="\r\n\r\n"), HELLO),
    chat("row 4: CR", sse(HEL, LO, END, DONE, end="\r\r"), HELLO),
    chat("row 4: a byte order mark", b"\xef\xbb\xbf" + sse(HEL, LO, END, DONE), HELLO),
    chat(
        "row 4: data in several lines",
        sse(b'data: {"choices": [{"index": 0,\ndata: "delta": {"content": "Hel"}}]}\n\n', LO, END),
        HELLO,
    ),
    chat(
        "row 4: line separators within JSON",
        answer({"content": "Hel\u2028\u2029\x85lo"}),
        {"text": "Hel\u2028\u2029\x85lo"},
    ),
    chat(
        "row 5: last event without a blank line",
        sse(HEL, chunk({"content": "lo"}, "stop")).rstrip(),
        HELLO,
    ),
    chat(
        "row 6: frames without data",
        sse(b"id: 1\n\nretry: 5\n\nevent: x\n\ndata:\n\ndata: \n\n", HEL, LO, END, DONE),
        HELLO,
    ),
    chat(
        "row 7: a frame run into the next",
        sse(HEL, b'data: {"id":"chatcmpl-1","object":"chat.completion.c', LO, END, DONE),
        HELLO | {"notices": ("one frame of the stream could not be read",)},
    ),
    chat(
        "row 7: two whole frames on one line",
        sse(sse(HEL).rstrip(), LO, END, DONE),
        HELLO,
    ),
    chat(
        "row 7: two whole frames that speak of data:",
        sse(sse(chunk({"content": "data: {"})).rstrip(), LO, END, DONE),
        {"text": "data: {lo"},
    ),
    chat(
        "row 7: a line feed where a blank line belongs",
        sse(HEL, LO, END, DONE, end="\n"),
        HELLO,
    ),
    chat(
        "row 7: one frame unreadable",
        sse(HEL, '{"choices":[{"delta":{"content":"lo', LO, END, DONE),
        HELLO | {"notices": ("one frame of the stream could not be read",)},
    ),
    chat(
        "invalid UTF-8",
        sse(HEL, LO, END, DONE).replace(b"Hel", b"H\xff\xc3"),
        {"text": "H\ufffd\ufffdlo"},
    ),
    chat(
        "an event larger than 1 MiB",
        answer({"content": "x" * 1_300_000}),
        {"text": "x" * 1_300_000},
    ),
]

BODIES = [
    chat(
        "row 9: JSON though a stream was asked for", whole(completion({"content": "Hello"})), HELLO
    ),
    chat(
        "row 9: JSON with everything",
        whole(
            completion(
                {
                    "content": "Hello",
                    "refusal": None,
                    "reasoning_content": "hm",
                    "annotations": [SOURCE],
                    "audio": {"id": "a1", "data": "UklG", "transcript": "Hi", "expires_at": 1},
                    "tool_calls": [
                        call(**GET_A)["tool_calls"][0],
                        call(**GET_B)["tool_calls"][0],
                    ],
                },
                "tool_calls",
                usage=usage(3, 4),
            )
        ),
        HELLO
        | {
            "reasoning": "hm",
            "citations": (("https://a.test", 0, 3),),
            "audio": ("UklG", "Hi", "a1"),
            "calls": PAIR,
            "finish": "tool_calls",
            "usage": (3, 4),
        },
    ),
    chat(
        "row 9: a completion as the only event",
        sse(completion({"content": "Hello"}), DONE),
        HELLO,
    ),
    chat(
        "row 9: JSON without finish",
        whole(completion({"content": "Hello"}, None)),
        HELLO | {"finish": ""},
    ),
    chat(
        "row 9: JSON in an envelope",
        whole({"result": completion({"content": "Hello"}), "success": True, "errors": []}),
        HELLO,
    ),
    chat(
        "Workers AI: stream",
        sse({"response": "Hel"}, {"response": "lo", "usage": usage(3, 4)}, {"response": ""}, DONE),
        HELLO | {"finish": "", "usage": (3, 4)},
    ),
    chat(
        "Workers AI: JSON",
        whole({"result": {"response": "Hello", "usage": usage(3, 4)}, "success": True}),
        HELLO | {"finish": "", "usage": (3, 4)},
    ),
    chat(
        "Workers AI: tool calls",
        whole({"response": None, "tool_calls": [{"name": "get", "arguments": {"a": 1}}]}),
        {"finish": "", "calls": (("call_0", "get", '{"a": 1}'),)},
    ),
    chat(
        "JSON lines", b"".join(whole(x).replace(b"\n", b"") + b"\n" for x in (HEL, LO, END)), HELLO
    ),
    chat(
        "comments, then nothing",
        b": ping\n\n: ping\n\n",
        CUT | {"error": "the server sent an empty answer"},
    ),
    chat("row 35: null", b"null", CUT | {"error": "the server sent an empty answer"}),
    chat("nothing", b"", CUT | {"error": "the server sent an empty answer"}),
    chat("white space", b"\xef\xbb\xbf \r\n", CUT | {"error": "the server sent an empty answer"}),
    chat("[DONE] alone", sse(DONE), failed("the server sent an empty answer")),
    chat(
        "cut JSON",
        whole(completion({"content": "Hello"}))[:-40],
        CUT | {"error": "nothing of the answer could be read"},
    ),
    chat("no choice", whole(bare([])), failed("the answer has no choice")),
    chat(
        "HTML",
        b"<!DOCTYPE html><html><head><title>Maintenance &amp; rest</title></head>",
        failed("Maintenance & rest"),
    ),
    chat("plain text", b"Internal Server Error", failed("Internal Server Error")),
    chat("plain text that begins like a field", b"error code: 1010", failed("error code: 1010")),
    chat("a text in front of the stream", b"Welcome\n\n" + sse(HEL, LO, END, DONE), HELLO),
]

CASES = [*FRAMING, *BODIES]
