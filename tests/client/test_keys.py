"""A key shows up nowhere but in the request itself."""

from __future__ import annotations

import io
import logging
import socket
import sys
import traceback
from collections.abc import Callable, Iterator
from urllib.parse import quote

import pytest
from IPython.core.ultratb import VerboseTB

from nbchat.client import Client, Request
from nbchat.errors import APIError, ConfigurationError, NbchatError
from nbchat.messages import Failed
from nbchat.providers import Secret
from nbchat.wire.failure import read_failure
from tests.support.prompts import collect, prompt
from tests.support.server import (
    CLOSE,
    RESET,
    UNTIL_DISCONNECT,
    Head,
    ScriptedServer,
    Step,
    chat_stream,
    error_answer,
    sse,
)

# Written in two halves, so that no line of a traceback that quotes this file holds it.
KEY = Secret("sk-" + "canary/4711")


def assert_clean(text: str) -> None:
    for form in (KEY.reveal(), quote(KEY.reveal(), safe=""), quote(KEY.reveal())):
        # Not a bare assert: its report would show what a leak leaks.
        if form in text:
            place = text.index(form)
            pytest.fail(f"the key is shown: …{text[max(0, place - 300) : place]}")


def assert_error_is_clean(error: BaseException) -> None:
    """Search all that can be printed of an error, and of all that led to it."""
    waiting: list[BaseException | None] = [error]
    seen = []
    while waiting:
        found = waiting.pop()
        if found is None or found in seen:
            continue
        seen.append(found)
        waiting += [found.__cause__, found.__context__, *getattr(found, "exceptions", ())]
        assert_clean(str(found))
        assert_clean(repr(found))
        assert_clean(repr(getattr(found, "args", "")))
        assert_clean(repr(vars(found)))
        trace = traceback.TracebackException.from_exception(found, capture_locals=True)
        assert_clean("".join(trace.format()))
        assert_clean(verbose(found))


def verbose(error: BaseException) -> str:
    """Return what IPython's ``%xmode Verbose`` shows."""
    report = VerboseTB(include_vars=True)
    if sys.version_info and hasattr(report, "set_theme_name"):
        report.set_theme_name("nocolor")
    lines = report.structured_traceback(type(error), error, error.__traceback__)
    return "\n".join(lines)


def failure(client: Client, request: Request) -> BaseException:
    try:
        events = collect(client.send(request))
    except NbchatError as error:
        return error
    return next(event.error for event in events if isinstance(event, Failed))


def request(base_url: str) -> Request:
    return prompt(base_url, key=KEY, retries=0, timeout=0.2, provider="p", model="m")


@pytest.fixture
def logged() -> Iterator[io.StringIO]:
    """All that any logger says at any level."""
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    root = logging.getLogger()
    level = root.level
    root.addHandler(handler)
    root.setLevel(1)
    yield stream
    root.setLevel(level)
    root.removeHandler(handler)


def echoing(make: Callable[[str], list[Step]]) -> list[list[Step]]:
    forms = (KEY.reveal(), quote(KEY.reveal(), safe=""), quote(KEY.reveal()))
    return [make(f"bad key {form}, I say") for form in forms]


SCRIPTS: list[list[Step]] = [
    [CLOSE],
    [RESET],
    [UNTIL_DISCONNECT],
    [Head(302, {"location": "https://elsewhere.test/"}, "length")],
    [Head(200), CLOSE],
    [*chat_stream("Hel")[:2], RESET],
    [*chat_stream("Hel")[:2], UNTIL_DISCONNECT],
    *echoing(lambda words: error_answer(401, words)),
    *echoing(lambda words: [Head(401, {}, "length"), words.encode()]),
    *echoing(lambda words: [sse({"error": {"message": words}})]),
    *echoing(lambda words: [*chat_stream("Hel")[:2], sse({"type": "error", "message": words})]),
    *echoing(lambda words: [*chat_stream("Hel")[:2], sse({"error": {"code": 429, "x": words}})]),
]

HEADERS_THAT_ECHO: list[list[Step]] = [
    *echoing(lambda words: [Head(500, {"x-request-id": words}, "length")]),
    *echoing(lambda words: [Head(302, {"location": f"https://elsewhere.test/{words}"}, "length")]),
]


@pytest.mark.parametrize("steps", SCRIPTS)
def test_no_error_shows_it(
    server: ScriptedServer, client: Client, logged: io.StringIO, steps: list[Step]
) -> None:
    server.script(*steps)
    error = failure(client, request(server.base_url))
    assert isinstance(error, APIError)
    assert_error_is_clean(error)
    assert_clean(logged.getvalue())
    assert "httpcore" in sys.modules
    assert logged.getvalue()


@pytest.mark.parametrize("steps", HEADERS_THAT_ECHO)
def test_nor_an_error_with_the_servers_headers(
    server: ScriptedServer, client: Client, steps: list[Step]
) -> None:
    """(httpcore's log at DEBUG has the server's headers as they came.)"""
    server.script(*steps)
    error = failure(client, request(server.base_url))
    assert isinstance(error, APIError)
    assert_error_is_clean(error)


def test_nor_does_a_connection_that_fails(
    client: Client, logged: io.StringIO, monkeypatch: pytest.MonkeyPatch
) -> None:
    with ScriptedServer() as gone:
        url = gone.base_url
    for base_url in (url, url.replace("http:", "https:"), "http://a.test/v1"):
        monkeypatch.setattr(socket, "getaddrinfo", _unknown)
        error = failure(client, request(base_url))
        assert isinstance(error, APIError)
        assert_error_is_clean(error)
    assert_clean(logged.getvalue())


def _unknown(*args: object, **options: object) -> object:
    raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")


def test_nor_do_the_logs_of_an_answer(
    server: ScriptedServer, client: Client, logged: io.StringIO
) -> None:
    collect(client.send(request(server.base_url)))
    assert server.exchange(0).headers["authorization"] == f"Bearer {KEY.reveal()}"
    assert "send_request_headers" in logged.getvalue()
    assert_clean(logged.getvalue())


@pytest.mark.parametrize("damage", ["\n", " ", "\x00", "é", "\u2028"])
def test_a_key_that_http_forbids_is_refused_without_showing_it(
    server: ScriptedServer, client: Client, damage: str
) -> None:
    broken = Secret(KEY.reveal() + damage)
    try:
        client.send(prompt(server.base_url, key=broken))
    except ConfigurationError as error:
        caught = error
    assert_error_is_clean(caught)
    assert server.exchanges == []


@pytest.mark.parametrize(("name", "value"), [("X-A", "a\nb"), ("X A", "a"), ("X-A", "é")])
def test_a_header_that_http_forbids_is_refused(
    server: ScriptedServer, client: Client, name: str, value: str
) -> None:
    with pytest.raises(ConfigurationError, match="HTTP"):
        client.send(prompt(server.base_url, headers={name: value}))


def test_nor_does_get_json(server: ScriptedServer, client: Client) -> None:
    server.script(*error_answer(401, f"bad key {KEY.reveal()}"))
    try:
        client.get_json(f"{server.base_url}/models", key=KEY)
    except APIError as error:
        caught = error
    assert "bad key ••••" in str(caught)
    assert_error_is_clean(caught)


def test_a_request_shows_neither_key_nor_headers_nor_body(server: ScriptedServer) -> None:
    shown = repr(prompt(server.base_url, text="private", key=KEY, headers={"X-A": "secret"}))
    assert_clean(shown)
    assert "private" not in shown
    assert "secret" not in shown


def test_the_error_of_a_status_does_not_know_the_key() -> None:
    error = read_failure(401, {}, b"bad key", key_hint="Set NBCHAT_API_KEY.")
    assert_error_is_clean(error)
