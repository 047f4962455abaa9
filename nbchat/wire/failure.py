"""Any body of an error, from any server, becomes one `APIError`.

Servers agree on the status at best: reference shapes are ``{"error": {"message": …}}`` (OpenAI and
most others), ``{"error": "text"}`` (Ollama), ``{"detail": "text"}`` and ``{"detail": [{"loc": …,
"msg": …}]}`` (FastAPI), ``{"errors": [{"code": …, "message": …}]}`` (Cloudflare), a list of these
(Gemini), ``{"message": …, "statusCode": …}`` (AIML), ``{"object": "error", …}`` (vLLM), all of
them as server-sent events (litellm), HTML pages of gateways, plain text, and nothing at all.
"""

from __future__ import annotations

import html
import json
import re
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from email.utils import mktime_tz, parsedate_tz
from http import HTTPStatus
from typing import Any

from nbchat.errors import APIError, APIStatusError, StreamError, status_error
from nbchat.wire.hints import CHECK_BASE_URL, Facts, advise, context_overflow

__all__ = ["asked_wait", "read_failure", "request_id_of", "stream_failure"]

LONGEST = 500
"""Characters of a provider's words that are shown."""
_DEPTH = 8
_NO_KIND = ("error", "failed", "response.error", "response.failed")  # says no more than "error"

_REQUEST_IDS = ("x-request-id", "request-id", "x-amzn-requestid", "apim-request-id", "cf-ray")
# What could upset a terminal or a page: control characters, bidirectional marks.
_UNPRINTABLE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]")
_ANSI = re.compile("\x1b\\[[0-9;?]*[ -/]*[@-~]")
_PAGE = re.compile(r"\s*<(?:!doctype|html|head|body|title|center|h1|\?xml)\b", re.IGNORECASE)
_TITLE = re.compile(r"<(title|h1|message)\b[^>]*>(.*?)</\1\s*>", re.IGNORECASE | re.DOTALL)
_TAG = re.compile(r"<[^>]*>")


@dataclass(frozen=True)
class _Found:
    """What an error's body says of itself; ``""`` where it says nothing."""

    message: str = ""
    code: str = ""
    param: str = ""
    type: str = ""
    request_id: str = ""


def read_failure(
    status: int,
    headers: Mapping[str, str],
    body: bytes,
    *,
    key_hint: str = "",
) -> APIStatusError:
    """Return the error for an answer with an error status; the caller knows where it happened.

    ``headers`` have names in lower case (or ignore case); ``key_hint`` says what to do about a key
    that is missing or wrong.

    >>> body = b'{"error": {"message": "no such model", "code": "model_not_found"}}'
    >>> error = read_failure(404, {"x-request-id": "r1"}, body)
    >>> type(error).__name__, error.detail, error.code, error.request_id
    ('NotFoundError', 'no such model', 'model_not_found', 'r1')
    """
    value = _decode(body)
    found = _extract(value)
    message = _shorten(found.message) or _phrase(status)
    facts = Facts(
        status=status,
        message=message,
        code=found.code,
        type=found.type,
        body=value,
        wait=asked_wait(headers),
        key_hint=key_hint,
    )
    overflow = context_overflow(facts)
    return status_error(status)(
        overflow or message,
        status=status,
        code=found.code,
        param=found.param,
        type=found.type,
        request_id=request_id_of(headers) or _shorten(found.request_id, 100),
        body=value,
        hint=advise(facts),
    )


def stream_failure(failure: Any) -> APIError:
    r"""Return the error for a failure that a server reported within an answer.

    ``failure`` is the decoded object: flat, nested, a list, or text (a page of HTML too). A status
    that it names makes an `APIStatusError` of it, otherwise it is a `StreamError`.

    >>> str(stream_failure({"type": "error", "code": "server_error", "message": "oops"}))
    'the answer broke off\nserver_error: oops'
    >>> type(stream_failure({"error": {"code": 429, "message": "slow down"}})).__name__
    'RateLimitError'
    """
    if isinstance(failure, str):
        failure = _decode(failure.encode("utf-8", "replace"))
    if isinstance(failure, str) and _PAGE.match(failure):
        title = _shorten(_title(failure)) or "a web page came instead of an answer"
        return StreamError(title, hint=CHECK_BASE_URL)
    found = _extract(failure)
    status = _status(failure, found.code)
    message = _shorten(found.message) or "the server reported a failure and gave no reason"
    facts = Facts(status=status, message=message, code=found.code, type=found.type, body=failure)
    detail = context_overflow(facts) or message
    if status:
        return status_error(status)(
            detail,
            status=status,
            code=found.code,
            param=found.param,
            type=found.type,
            request_id=_shorten(found.request_id, 100),
            body=failure,
            hint=advise(facts),
        )
    kind = found.code or found.type
    words = detail if not kind or kind in detail else f"{kind}: {detail}"
    return StreamError(words, hint=advise(facts))


def request_id_of(headers: Mapping[str, str]) -> str:
    """Return the server's own id of a request, ``""`` if it gave none.

    >>> request_id_of({"x-request-id": "req_1", "cf-ray": "8a1"})
    'req_1'
    """
    return _shorten(next((headers[name] for name in _REQUEST_IDS if headers.get(name)), ""), 100)


def asked_wait(
    headers: Mapping[str, str], *, now: Callable[[], float] = time.time
) -> float | None:
    """Return the seconds for which a server asks to wait before the next request, or ``None``.

    Reads ``retry-after-ms``, and ``retry-after`` in seconds or as a date.

    >>> asked_wait({"retry-after-ms": "250"}), asked_wait({"retry-after": "7"})
    (0.25, 7.0)
    """
    milliseconds = _number(headers.get("retry-after-ms", ""))
    if milliseconds is not None:
        return milliseconds / 1000
    text = headers.get("retry-after", "")
    seconds = _number(text)
    if seconds is not None:
        return seconds
    date = parsedate_tz(text)
    return None if date is None else mktime_tz(date) - now()


def _number(text: str) -> float | None:
    try:
        value = float(text)
    except ValueError:
        return None
    return value if abs(value) < float("inf") else None  # "nan" and "inf" are floats, too


# --- From bytes to a value ------------------------------------------------------------------


def _decode(body: bytes) -> Any:
    """Return the JSON value of a body, also within server-sent events; else its text."""
    text = body.decode("utf-8-sig", "replace").strip()
    for candidate in (text, *_data_lines(text)):
        try:
            return json.loads(candidate, strict=False)
        except (ValueError, RecursionError):
            continue
    return text


def _data_lines(text: str) -> Iterator[str]:
    for line in text.splitlines():
        name, _, data = line.partition(":")
        if name == "data" and data.strip() != "[DONE]":
            yield data


def _title(page: str) -> str:
    """Return the title of an HTML page (or the message of an XML error), ``""`` if it has none.

    >>> _title("<html><title>502 Bad Gateway</title>")
    '502 Bad Gateway'
    """
    match = _TITLE.search(page)
    return html.unescape(_TAG.sub(" ", match[2])) if match else ""


# --- From a value to what it says -----------------------------------------------------------


def _extract(value: Any, depth: int = 0) -> _Found:
    if depth > _DEPTH:
        return _Found()
    if isinstance(value, str):
        return _from_text(value, depth)
    if isinstance(value, list):
        return _from_list(value, depth)
    if isinstance(value, dict):
        return _from_object(value, depth)
    return _Found()


def _from_text(text: str, depth: int) -> _Found:
    """Read a message; a gateway's may hold the page or the JSON that it was told itself."""
    if _PAGE.match(text):
        return _Found(_title(text))
    if text.lstrip()[:1] in ("{", "["):
        try:
            inner = _extract(json.loads(text, strict=False), depth + 1)
        except (ValueError, RecursionError):
            return _Found(text)
        if inner.message:
            return inner
    return _Found(text)


def _from_list(entries: list[Any], depth: int) -> _Found:
    found = [entry for entry in (_extract(item, depth + 1) for item in entries) if entry.message]
    if not found:
        return _Found()
    message = "; ".join(entry.message for entry in found[:3])
    return _Found(message, found[0].code, found[0].param, found[0].type, found[0].request_id)


def _from_object(value: Mapping[str, Any], depth: int) -> _Found:
    inner = _inner(value, depth)
    message = inner.message or _loc_message(value) or _scalar(value, "title", "reason", "code")
    metadata = value.get("metadata")
    if isinstance(metadata, Mapping):  # OpenRouter: what the provider behind it said
        raw = _extract(metadata.get("raw"), depth + 1).message
        message = f"{message}: {raw}" if raw and raw not in message else message
    kind = _scalar(value, "type", "status", "name")
    return _Found(
        message=message,
        code=inner.code or _scalar(value, "code", "internalCode", "error_code", "statusCode"),
        param=inner.param or _scalar(value, "param"),
        type=inner.type or ("" if kind in _NO_KIND else kind),
        request_id=inner.request_id or _scalar(value, "request_id", "requestId"),
    )


def _inner(value: Mapping[str, Any], depth: int) -> _Found:
    """Return what the first field that holds the error says."""
    error, message = value.get("error"), value.get("message")
    if isinstance(error, str) and isinstance(message, str) and message:
        return _Found(message, type=error)
    for name in ("error", "errors", "response", "message", "detail", "error_description"):
        found = _extract(value.get(name), depth + 1)
        if found.message:
            return found
    return _Found()


def _loc_message(value: Mapping[str, Any]) -> str:
    """Return the text of one entry of FastAPI's (pydantic's) list of errors."""
    message, place = value.get("msg"), value.get("loc")
    if not isinstance(message, str):
        return ""
    if isinstance(place, list | tuple):
        return f"{'.'.join(str(step) for step in place)}: {message}"
    return message


def _scalar(value: Mapping[str, Any], *names: str) -> str:
    """Return the first of these fields that is text or a number, as text."""
    for name in names:
        field = value.get(name)
        if isinstance(field, str | int | float) and not isinstance(field, bool) and field != "":
            return str(field)
    return ""


def _status(failure: Any, code: str) -> int:
    """Return the HTTP status that a failure within a stream names, 0 if none."""
    named = [code]
    if isinstance(failure, Mapping):
        inner = failure.get("error")
        for place in (failure, inner):
            if isinstance(place, Mapping):
                named += [_scalar(place, "statusCode"), _scalar(place, "status_code")]
    for text in named:
        if text.isdecimal() and 400 <= int(text) <= 599:
            return int(text)
    return 0


# --- Words ----------------------------------------------------------------------------------


def _shorten(text: str, longest: int = LONGEST) -> str:
    text = " ".join(_UNPRINTABLE.sub("", _ANSI.sub("", text)).split())
    return text if len(text) <= longest else text[: longest - 1] + "…"


def _phrase(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return "the server gave no reason"
