"""When a request is sent again, and how long that waits."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from nbchat.client import Client
from nbchat.client.retry import LONGEST_WAIT, wait_before_retry
from nbchat.errors import (
    APIConnectionError,
    APIError,
    APIStatusError,
    APITimeoutError,
    BadRequestError,
    InternalServerError,
    RateLimitError,
    status_error,
)
from nbchat.messages import Connected, Failed, Retrying
from tests.support.prompts import collect, prompt, text_of, until
from tests.support.server import (
    CLOSE,
    PATIENCE,
    RESET,
    UNTIL_DISCONNECT,
    Hold,
    ScriptedServer,
    chat_stream,
    error_answer,
)

AT_ONCE = {"retry-after-ms": "1"}


@pytest.fixture
def waits() -> list[float]:
    return []


@pytest.fixture
def client(waits: list[float]) -> Iterator[Client]:
    """A client that notes how long it would wait."""

    async def sleep(seconds: float) -> None:
        waits.append(seconds)

    client = Client(sleep=sleep)
    yield client
    client.close()


def failed(status: int, code: str = "") -> APIStatusError:
    return status_error(status)("m", status=status, code=code)


@pytest.mark.parametrize("status", [408, 409, 429, 500, 502, 503, 529])
def test_these_statuses_are_tried_again(
    server: ScriptedServer, client: Client, waits: list[float], status: int
) -> None:
    server.script(*error_answer(status, "not now", headers=AT_ONCE))
    server.script(*chat_stream("hi"))
    events = collect(client.send(prompt(server.base_url)))
    assert text_of(events) == "hi"
    retrying = events[0]
    assert isinstance(retrying, Retrying)
    assert (retrying.attempt, retrying.attempts) == (1, 2)
    assert retrying.seconds == 0.001
    assert str(status) in retrying.reason
    assert waits == [0.001]


@pytest.mark.parametrize("status", [400, 401, 402, 403, 404, 413, 422])
def test_these_are_not(server: ScriptedServer, client: Client, status: int) -> None:
    server.script(*error_answer(status, "never"))
    with pytest.raises(APIStatusError) as caught:
        collect(client.send(prompt(server.base_url)))
    assert caught.value.status == status
    assert len(server.exchanges) == 1


def test_two_retries_then_the_last_error(
    server: ScriptedServer, client: Client, waits: list[float]
) -> None:
    """Row 41."""
    for number in range(3):
        server.script(*error_answer(500, f"failure {number}"))
    with pytest.raises(InternalServerError, match="failure 2"):
        collect(client.send(prompt(server.base_url)))
    assert len(server.exchanges) == 3
    assert 0.375 <= waits[0] <= 0.5
    assert 0.75 <= waits[1] <= 1.0


def test_the_number_of_retries_is_the_callers(server: ScriptedServer, client: Client) -> None:
    server.script(*error_answer(500, "no"))
    with pytest.raises(InternalServerError):
        collect(client.send(prompt(server.base_url, retries=0)))
    assert len(server.exchanges) == 1


@pytest.mark.parametrize("break_off", [CLOSE, RESET])
def test_a_connection_that_breaks_before_the_answer(
    server: ScriptedServer, client: Client, break_off: object
) -> None:
    server.script(break_off)
    server.script(*chat_stream("hi"))
    events = collect(client.send(prompt(server.base_url)))
    assert isinstance(events[0], Retrying)
    assert text_of(events) == "hi"


def test_a_server_that_does_not_answer(server: ScriptedServer, client: Client) -> None:
    for _ in range(3):
        server.script(UNTIL_DISCONNECT)
    with pytest.raises(APITimeoutError, match=r"no answer within 0\.05 s") as caught:
        collect(client.send(prompt(server.base_url, timeout=0.05)))
    assert len(server.exchanges) == 3
    assert "--timeout" in caught.value.hint


def test_a_refused_connection(client: Client, waits: list[float]) -> None:
    with ScriptedServer() as gone:
        url = gone.base_url
    with pytest.raises(APIConnectionError, match="refused") as caught:
        collect(client.send(prompt(url)))
    assert len(waits) == 2
    assert "Is the server running?" in caught.value.hint


def test_never_after_the_headers(server: ScriptedServer, client: Client) -> None:
    server.script(*chat_stream("Hel", "lo")[:2], RESET)
    events = collect(client.send(prompt(server.base_url)))
    assert isinstance(events[0], Connected)
    assert isinstance(events[-1], Failed)
    assert len(server.exchanges) == 1


def test_a_quota_that_is_used_up(server: ScriptedServer, client: Client) -> None:
    server.script(*error_answer(429, "pay", code="insufficient_quota", headers=AT_ONCE))
    with pytest.raises(RateLimitError):
        collect(client.send(prompt(server.base_url)))
    assert len(server.exchanges) == 1


def test_a_wait_that_is_too_long_is_left_to_the_user(
    server: ScriptedServer, client: Client
) -> None:
    server.script(*error_answer(429, "later", headers={"retry-after": "600"}))
    with pytest.raises(RateLimitError) as caught:
        collect(client.send(prompt(server.base_url)))
    assert len(server.exchanges) == 1
    assert "10 min" in caught.value.hint


def test_the_server_says_whether(server: ScriptedServer, client: Client) -> None:
    server.script(*error_answer(400, "try", headers={"x-should-retry": "true", **AT_ONCE}))
    server.script(*error_answer(500, "do not", headers={"x-should-retry": "false"}))
    with pytest.raises(InternalServerError, match="do not"):
        collect(client.send(prompt(server.base_url)))
    assert len(server.exchanges) == 2


def test_retrying_is_said_before_the_wait(server: ScriptedServer) -> None:
    """And a cancelled wait sends nothing more."""
    client = Client()
    try:
        server.script(*error_answer(503, "busy", headers={"retry-after": "100"}))
        answer = client.send(prompt(server.base_url))
        retrying = until(answer, Retrying)
        assert isinstance(retrying, Retrying)
        assert retrying.seconds == 100
        answer.cancel()
        assert collect(answer) == []
        collect(client.send(prompt(server.base_url, text="another")))
    finally:
        client.close()
    assert [exchange.json["messages"][0]["content"] for exchange in server.exchanges] == [
        "hello there",
        "another",
    ]


def test_a_long_error_body_is_not_read_to_its_end(server: ScriptedServer, client: Client) -> None:
    from tests.support.server import Head

    hold = Hold()
    server.script(Head(400), b"x" * 70_000, hold)
    with pytest.raises(BadRequestError) as caught:
        collect(client.send(prompt(server.base_url)))
    assert len(caught.value.detail) == 500
    assert server.exchange(0).disconnected.wait(PATIENCE)


# --- The rule itself ------------------------------------------------------------------------


def wait(error: APIError, attempt: int = 1, retries: int = 2, **headers: str) -> float | None:
    names = {name.replace("_", "-"): value for name, value in headers.items()}
    return wait_before_retry(
        error, names, attempt, retries, draw=lambda: 0.0, now=lambda: 784111777.0
    )


def test_the_backoff_doubles_up_to_eight_seconds() -> None:
    error = failed(500)
    waited = [wait(error, attempt, 10) for attempt in range(1, 8)]
    assert waited == [0.5, 1, 2, 4, 8, 8, 8]


def test_jitter_takes_off_at_most_a_quarter() -> None:
    assert wait_before_retry(failed(500), {}, 1, 2, draw=lambda: 1.0) == 0.375


def test_what_the_server_asks_for_comes_first() -> None:
    error = failed(429)
    assert wait(error, retry_after_ms="250", retry_after="9") == 0.25
    assert wait(error, retry_after="9") == 9
    assert wait(error, retry_after="Sun, 06 Nov 1994 08:49:47 GMT") == 10
    assert wait(error, retry_after=str(LONGEST_WAIT)) == LONGEST_WAIT
    assert wait(error, retry_after=str(LONGEST_WAIT + 1)) is None


@pytest.mark.parametrize("asked", ["0", "-5", "soon", "Sun, 06 Nov 1994 08:49:00 GMT"])
def test_a_wait_that_makes_no_sense_is_ignored(asked: str) -> None:
    assert wait(failed(429), retry_after=asked) == 0.5


def test_only_requests_that_may_work_next_time() -> None:
    assert wait(APIConnectionError("x")) == 0.5
    assert wait(APIConnectionError("x"), attempt=3) is None
    assert wait(failed(429, code="insufficient_quota")) is None
    assert wait(failed(400)) is None
    assert wait(APIError("x")) is None
