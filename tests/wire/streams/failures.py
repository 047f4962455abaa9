"""Failures that a server reports with status 200."""

from __future__ import annotations

from tests.wire.streams import failed, sse, whole
from tests.wire.streams.chat import DONE, ERROR, HEL, bare, chat, chunk

CASES = [
    chat("row 10: JSON error", whole({"error": {"message": "bad"}}), failed("bad")),
    chat("row 10: error as text", whole({"error": "bad"}), failed("bad")),
    chat(
        "row 10: error event", sse(HEL, {"error": {"message": "bad"}}), failed("bad", text="Hel")
    ),
    chat(
        "row 10: error event as text", sse(HEL, {"error": "bad"}, DONE), failed("bad", text="Hel")
    ),
    chat(
        "row 10: error event by its name",
        sse(HEL, b"event: error\ndata: it broke\n\n"),
        failed("it broke", text="Hel"),
    ),
    chat(
        "row 10: error event by its name, an object",
        sse(HEL, b'event: error\ndata: {"message": "it broke"}\n\n'),
        failed("it broke", text="Hel"),
    ),
    chat(
        "row 11: error beside choices",
        sse(HEL, chunk({"content": "lo"}, "error", error=ERROR)),
        failed("overloaded", text="Hello", finish="error"),
    ),
    chat(
        "row 11: error and no choices",
        sse(HEL, bare([], error=ERROR), DONE),
        failed("overloaded", text="Hel"),
    ),
    chat(
        "row 11: finish error alone",
        sse(HEL, chunk({}, "error"), DONE),
        failed("the server reported a failure and gave no reason", text="Hel", finish="error"),
    ),
    chat(
        "row 12: an error in SSE framing",
        sse({"error": {"message": "bad", "code": "500"}}, DONE),
        failed("bad"),
    ),
    chat("row 13: detail", whole({"detail": "bad"}), failed("bad")),
    chat(
        "row 13: detail with places",
        whole({"detail": [{"loc": ["body", "n"], "msg": "bad"}]}),
        failed("body.n: bad"),
    ),
    chat(
        "row 13: errors",
        whole({"result": None, "success": False, "errors": [{"message": "bad"}]}),
        failed("bad"),
    ),
    chat(
        "row 13: errors beside an empty result",
        whole({"result": {}, "success": False, "errors": [{"message": "bad"}]}),
        failed("bad"),
    ),
    chat("row 13: a list", whole([{"error": {"message": "bad"}}]), failed("bad")),
    chat("row 13: a list as event", sse([{"error": {"message": "bad"}}]), failed("bad")),
    chat(
        "row 13: object error",
        sse({"object": "error", "message": "bad", "code": 400}),
        failed("bad"),
    ),
    chat(
        "row 13: flat",
        whole({"message": "bad", "statusCode": "400", "path": "/v1"}),
        failed("bad"),
    ),
    chat("row 13: state", whole({"state": "Failed", "error": {"message": "bad"}}), failed("bad")),
    chat("row 14: no message, a number as code", sse({"error": {"code": 400}}), failed("400")),
]
