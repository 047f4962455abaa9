"""Every body of an error becomes one typed error with a short message."""

from __future__ import annotations

import json
from email.utils import formatdate

import pytest

from nbchat.errors import (
    APIStatusError,
    AuthenticationError,
    BadRequestError,
    InternalServerError,
    NotFoundError,
    PermissionDeniedError,
    RateLimitError,
    StreamError,
    UnprocessableEntityError,
)
from nbchat.wire.failure import asked_wait, read_failure, stream_failure


def read(status: int, body: object, headers: dict[str, str] | None = None, *, key_hint: str = ""):
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return read_failure(status, headers or {}, raw, key_hint=key_hint)


@pytest.mark.parametrize(
    ("body", "message"),
    [
        pytest.param({"error": {"message": "no"}}, "no", id="openai"),
        pytest.param({"error": "model not found"}, "model not found", id="error is text"),
        pytest.param({"error": "Not Found", "message": "no route"}, "no route", id="two texts"),
        pytest.param({"detail": "Not authenticated"}, "Not authenticated", id="fastapi text"),
        pytest.param(
            {"detail": [{"loc": ["body", "seed"], "msg": "Extra inputs are not permitted"}]},
            "body.seed: Extra inputs are not permitted",
            id="fastapi list",
        ),
        pytest.param({"detail": {"error": "busy"}}, "busy", id="detail is an object"),
        pytest.param(
            {"result": None, "success": False, "errors": [{"code": 1, "message": "bad"}]},
            "bad",
            id="cloudflare",
        ),
        pytest.param([{"error": {"code": 400, "message": "gem"}}], "gem", id="list"),
        pytest.param([{"code": 2001, "message": "set up"}], "set up", id="list of entries"),
        pytest.param({"error": [{"code": 2001, "message": "set up"}]}, "set up", id="error list"),
        pytest.param({"object": "error", "message": "vllm", "code": 400}, "vllm", id="vllm"),
        pytest.param(
            {"object": "error", "message": {"detail": "deep"}}, "deep", id="message dict"
        ),
        pytest.param(
            {"message": "flat", "path": "/v1", "requestId": "r", "statusCode": "400"},
            "flat",
            id="aiml",
        ),
        pytest.param({"state": "Failed", "error": {"code": 1, "message": "run"}}, "run", id="run"),
        pytest.param({"type": "about:blank", "title": "Oh", "detail": "why"}, "why", id="rfc9457"),
        pytest.param({"title": "Bad Request"}, "Bad Request", id="title alone"),
        pytest.param(
            {"error": {"message": "Provider returned error", "metadata": {"raw": "quite busy"}}},
            "Provider returned error: quite busy",
            id="openrouter",
        ),
        pytest.param(
            {"error": {"message": '{"error": {"message": "inner", "code": 7}}'}},
            "inner",
            id="json in json",
        ),
        pytest.param(b"upstream timed out\n", "upstream timed out", id="plain text"),
        pytest.param(b"\xef\xbb\xbf{'no': json}", "{'no': json}", id="no json after a BOM"),
        pytest.param(b'data: {"error":{"message":"x"}}\n\ndata: [DONE]\n\n', "x", id="sse"),
        pytest.param(b'event: error\ndata: {"error":"x"}\n\n', "x", id="sse with event"),
        pytest.param(
            b"<!DOCTYPE html><html><head><title>\n 502 &amp; more</title></head><body>x</body>",
            "502 & more",
            id="html",
        ),
        pytest.param(b"<html><h1>Maintenance <b>now</b></h1>", "Maintenance now", id="html h1"),
        pytest.param(
            b"<?xml version='1.0'?><Error><Code>A</Code><Message>denied</Message></Error>",
            "denied",
            id="xml",
        ),
        pytest.param(
            {"error": {"message": "<html><title>Maintenance</title></html>"}},
            "Maintenance",
            id="html in json",
        ),
        pytest.param(b"<html><body>nothing", "Bad Request", id="html without a title"),
        pytest.param(b"", "Bad Request", id="empty"),
        pytest.param(b"null", "Bad Request", id="null"),
        pytest.param(b"[]", "Bad Request", id="empty list"),
        pytest.param({"error": {}}, "Bad Request", id="empty error"),
        pytest.param({"error": {"message": None, "code": "c"}}, "c", id="code alone"),
    ],
)
def test_message(body: object, message: str) -> None:
    """Rows 12 and 13."""
    error = read(400, body)
    assert isinstance(error, BadRequestError)
    assert error.detail == message


def test_code_param_type_and_request_id() -> None:
    """Row 14."""
    error = read(
        422,
        {"error": {"message": "m", "code": 17, "param": "seed", "type": "t"}},
        {"x-request-id": "req_1"},
    )
    assert isinstance(error, UnprocessableEntityError)
    assert (error.code, error.param, error.type, error.request_id) == ("17", "seed", "t", "req_1")
    assert error.body == {"error": {"message": "m", "code": 17, "param": "seed", "type": "t"}}
    error.host, error.model = "h", "mod"
    assert str(error) == "HTTP 422, 17, request req_1 (h, model mod)\nm"


def test_request_id_of_the_body() -> None:
    assert read(500, {"message": "m", "requestId": "r7"}).request_id == "r7"


@pytest.mark.parametrize("status", [400, 401, 403, 404, 409, 418, 422, 429, 500, 503, 529, 599])
def test_every_status_has_a_message_and_a_class(status: int) -> None:
    error = read(status, b"")
    assert isinstance(error, APIStatusError)
    assert error.status == status
    assert error.detail
    assert len(str(error).splitlines()) <= 3


def test_long_messages_are_shortened() -> None:
    error = read(400, {"error": {"message": "x" * 10_000}})
    assert len(error.detail) == 500
    assert error.detail.endswith("…")


def test_control_characters_and_colours_go() -> None:
    error = read(400, {"error": {"message": "a\x1b[31mred\x1b[0m\x07\u202eb\n\tc"}})
    assert error.detail == "aredb c"


def test_deep_nesting_ends() -> None:
    body = b'{"error":' * 5000 + b"1" + b"}" * 5000
    assert read(400, body).detail
    body = b'{"error":' * 50 + b'"x"' + b"}" * 50
    assert read(400, body).detail == "Bad Request"


@pytest.mark.parametrize(
    "body",
    [
        {"error": {"code": "context_length_exceeded", "message": "too much"}},
        {"error": {"message": "This model's maximum context length is 4096 tokens. However"}},
        {"error": {"message": "prompt is too long: 210000 tokens > 200000 maximum"}},
        {"error": {"message": "the request exceeds the available context size"}},
    ],
)
def test_context_overflow_tells_the_way_out(body: object) -> None:
    """Row 40."""
    error = read(400, body)
    assert error.detail.startswith("the thread does not fit into the model's context: ")
    for way in ("--new", "--truncation auto", "shorten"):
        assert way in error.hint


def test_context_overflow_of_llama_cpp_says_the_sizes() -> None:
    """Row 40."""
    body = {
        "error": {
            "code": 400,
            "message": "the request exceeds the available context size",
            "type": "exceed_context_size_error",
            "n_prompt_tokens": 5012,
            "n_ctx": 4096,
        }
    }
    error = read(400, body)
    assert error.detail.endswith(": 5012 of 4096 tokens")


@pytest.mark.parametrize(
    ("status", "body", "kind", "hint"),
    [
        (401, {}, AuthenticationError, "Check the key"),
        (402, {}, APIStatusError, "no credit"),
        (403, {"message": "out of credits"}, PermissionDeniedError, "no credit"),
        (404, {"error": "model 'x' not found"}, NotFoundError, "%nbchat models"),
        (404, {"error": {"code": "model_not_found", "message": "?"}}, NotFoundError, "-m"),
        (404, {"detail": "Not Found"}, NotFoundError, "/v1"),
        (
            404,
            {"error": {"code": "previous_response_not_found", "message": "?"}},
            NotFoundError,
            "--new",
        ),
        (413, b"", APIStatusError, "too large"),
        (429, {"error": {"message": "slow down"}}, RateLimitError, "Wait"),
        (429, {"error": {"code": "insufficient_quota", "message": "x"}}, RateLimitError, "quota"),
        (503, {"error": {"message": "Loading model"}}, InternalServerError, "loading"),
        (500, b"", InternalServerError, "server's side"),
        (400, {"error": "metadata is only allowed when store is enabled"}, None, "--store"),
        (400, {"success": False, "errors": [{"code": 7003, "message": "m"}]}, None, "account id"),
        (400, {"success": False, "errors": [{"code": 10000, "message": "m"}]}, None, "AI Gateway"),
        (400, {"errors": [{"code": 7001, "message": "m"}]}, None, "--base-url"),
        (401, {"name": "AiGatewayError", "internalCode": 2009}, None, "throttles"),
        (400, {"error": {"code": 7003, "message": "another's 7003"}}, None, ""),
    ],
)
def test_hints(status: int, body: object, kind: type | None, hint: str) -> None:
    """Row 42, a path that does not exist; row 43, metadata without store."""
    error = read(status, body)
    assert isinstance(error, kind or APIStatusError)
    assert hint in error.hint
    assert bool(hint) == bool(error.hint)


def test_the_caller_knows_how_a_key_is_set() -> None:
    assert read(401, {}, key_hint="Set OPENAI_API_KEY.").hint == "Set OPENAI_API_KEY."


def test_a_long_wait_is_said() -> None:
    assert "30 min" in read(429, {}, {"retry-after": "1800"}).hint


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"retry-after-ms": "1500", "retry-after": "9"}, 1.5),
        ({"retry-after": "9"}, 9.0),
        ({"retry-after": "0.5"}, 0.5),
        ({"retry-after": formatdate(1_000_060, usegmt=True)}, 60.0),
        ({"retry-after": "soon"}, None),
        ({"retry-after-ms": "nan"}, None),
        ({"retry-after-ms": "inf"}, None),
        ({}, None),
    ],
)
def test_asked_wait(headers: dict[str, str], seconds: float | None) -> None:
    assert asked_wait(headers, now=lambda: 1_000_000.0) == seconds


@pytest.mark.parametrize(
    ("frame", "text"),
    [
        ({"error": {"message": "m", "type": "server_error"}}, "server_error: m"),
        ({"error": "plain"}, "plain"),
        ("plain", "plain"),
        ({"type": "error", "code": "c", "message": "m", "sequence_number": 3}, "c: m"),
        ({"type": "error", "error": {"type": "t", "message": "m"}}, "t: m"),
        (
            {"type": "response.failed", "response": {"error": {"code": "c", "message": "m"}}},
            "c: m",
        ),
        ({"status": "failed", "error": {"code": "c", "message": "m"}}, "c: m"),
        ([{"error": {"message": "m"}}], "m"),
        (
            {"type": "response.failed", "response": {"error": None}},
            "the server reported a failure",
        ),
        (None, "the server reported a failure"),
        ({"type": "error"}, "the server reported a failure"),
    ],
)
def test_stream_failure(frame: object, text: str) -> None:
    """Row 33."""
    error = stream_failure(frame)
    assert type(error) is StreamError
    assert error.detail.startswith(text)


def test_a_web_page_instead_of_an_answer() -> None:
    error = stream_failure("<!doctype html><html><title>Welcome to nginx!</title></html>")
    assert error.detail == "Welcome to nginx!"
    assert "--base-url" in error.hint
    assert "web page" in stream_failure("<html><body>nothing").detail
    assert stream_failure("<model> is unknown").detail == "<model> is unknown"


@pytest.mark.parametrize(
    ("frame", "kind"),
    [
        ({"error": {"code": 429, "message": "m"}, "choices": []}, RateLimitError),
        ({"error": {"code": "502", "message": "m"}}, InternalServerError),
        ({"message": "m", "statusCode": "403"}, PermissionDeniedError),
        ({"error": {"message": "m", "status_code": 400}}, BadRequestError),
    ],
)
def test_a_status_within_a_stream_tells_the_class(frame: object, kind: type) -> None:
    assert type(stream_failure(frame)) is kind


def test_context_overflow_within_a_stream() -> None:
    """Row 40."""
    response = {"error": {"code": "context_length_exceeded", "message": "Your input exceeds"}}
    error = stream_failure({"type": "response.failed", "response": response})
    assert "does not fit" in error.detail
    assert "--new" in error.hint
