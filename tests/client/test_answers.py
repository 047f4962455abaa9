"""From a request to the events of its answer, over real sockets."""

from __future__ import annotations

import gzip
import json
import threading
import tracemalloc

import pytest

from nbchat.client import Client, channel, stream
from nbchat.errors import APIError, BadRequestError, NotFoundError, StreamError, UsageError
from nbchat.messages import Connected, Endpoint, Failed, Finished, TextDelta, UsageSeen
from nbchat.providers import Secret
from tests.support.prompts import at_rest, collect, prompt, text_of, until
from tests.support.server import (
    CLOSE,
    DONE,
    PATIENCE,
    RESET,
    UNTIL_DISCONNECT,
    Head,
    Hold,
    ScriptedServer,
    chat_chunk,
    chat_stream,
    json_answer,
    responses_stream,
    sse,
)


@pytest.mark.parametrize("endpoint", ["chat", "responses"])
def test_an_answer_streams(server: ScriptedServer, client: Client, endpoint: Endpoint) -> None:
    events = collect(client.send(prompt(server.base_url, endpoint)))
    assert isinstance(events[0], Connected)
    assert text_of(events) == "echo: hello there"
    assert sum(isinstance(event, Finished) for event in events) == 1


@pytest.mark.parametrize("endpoint", ["chat", "responses"])
def test_an_answer_that_does_not_stream(
    server: ScriptedServer, client: Client, endpoint: Endpoint
) -> None:
    events = collect(client.send(prompt(server.base_url, endpoint, stream=False)))
    assert any(getattr(event, "text", "") == "echo: hello there" for event in events)
    assert any(isinstance(event, Finished) for event in events)


@pytest.mark.parametrize(
    "headers",
    [{"content-type": "application/json"}, {"content-type": "text/plain; charset=iso-8859-1"}, {}],
    ids=["json", "plain", "none"],
)
def test_what_the_answer_is_its_headers_do_not_say(
    server: ScriptedServer, client: Client, headers: dict[str, str]
) -> None:
    """Row 8."""
    server.script(Head(headers=headers), *chat_stream("Grüße"))
    assert text_of(collect(client.send(prompt(server.base_url)))) == "Grüße"


def test_what_is_sent(server: ScriptedServer, client: Client) -> None:
    request = prompt(
        server.base_url, text="Grüße \ud800", key=Secret("sk-1"), headers={"X-Extra": "yes"}
    )
    collect(client.send(request))
    seen = server.exchange(0)
    assert (seen.method, seen.path) == ("POST", "/v1/chat/completions")
    assert seen.headers["authorization"] == "Bearer sk-1"
    assert seen.headers["content-type"] == "application/json"
    assert seen.headers["user-agent"].startswith("nbchat/")
    assert seen.headers["x-extra"] == "yes"
    assert seen.json["messages"][0]["content"] == "Grüße ?"
    assert "Grüße".encode() in seen.body


def test_without_a_key_no_authorization_is_sent(server: ScriptedServer, client: Client) -> None:
    collect(client.send(prompt(server.base_url)))
    assert "authorization" not in server.exchange(0).headers


def test_the_request_id_comes_with_the_headers(server: ScriptedServer, client: Client) -> None:
    head = Head(headers={"content-type": "text/event-stream", "x-request-id": "req_9"})
    server.script(head, *chat_stream("hi"))
    connected = until(client.send(prompt(server.base_url)), Connected)
    assert connected == Connected(200, "req_9")


def test_a_body_that_is_no_json_is_not_sent(server: ScriptedServer, client: Client) -> None:
    request = prompt(server.base_url)
    for value in (float("nan"), object(), {1, 2}):
        with pytest.raises(UsageError, match="can't be written as JSON"):
            client.send(stream.Request(request.url, {"x": value}, "chat"))
    assert server.exchanges == []


def test_get_gives_none_while_nothing_comes(server: ScriptedServer, client: Client) -> None:
    hold = Hold()
    server.script(hold, *chat_stream("hi"))
    answer = client.send(prompt(server.base_url))
    assert hold.reached.wait(PATIENCE)
    assert answer.get(timeout=0.01) is None
    assert not answer.ended
    hold.release()
    assert text_of(collect(answer)) == "hi"
    assert answer.ended
    assert answer.get() == []


def test_one_network_read_is_one_batch(server: ScriptedServer, client: Client) -> None:
    """However many HTTP chunks it holds."""
    frames = chat_stream(*"many small pieces")
    chunked = b"".join(b"%x\r\n%s\r\n" % (len(frame), frame) for frame in frames)
    headers = {"content-type": "text/event-stream", "transfer-encoding": "chunked"}
    hold = Hold()
    server.script(Head(200, headers, "close"), hold, chunked + b"0\r\n\r\n")
    answer = client.send(prompt(server.base_url))
    until(answer, Connected)
    hold.release()
    batches = []
    while not answer.ended:
        if batch := answer.get(PATIENCE):
            batches.append(batch)
    assert len(batches) == 1
    assert text_of(batches[0]) == "many small pieces"


def test_connections_are_used_again(server: ScriptedServer, client: Client) -> None:
    for endpoint in ("chat", "responses", "chat"):
        answer = client.send(prompt(server.base_url, endpoint))
        collect(answer)
        at_rest(answer)
    assert client.get_json(f"{server.base_url}/models")["data"][0]["id"] == "test-model"
    assert [exchange.connection for exchange in server.exchanges] == [0, 0, 0, 0]


def test_a_connection_is_kept_though_the_stream_is_closed_at_once(
    server: ScriptedServer, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stream, "DRAIN", PATIENCE)
    end = Hold()
    server.script(*chat_stream("hi"), end)
    with client.send(prompt(server.base_url)) as answer:
        assert text_of(collect(answer)) == "hi"
    collect(client.send(prompt(server.base_url)))  # on another connection
    end.release()
    assert server.exchange(0).answered.wait(PATIENCE)
    assert not server.exchange(0).disconnected.is_set()


def test_streams_run_side_by_side(server: ScriptedServer, client: Client) -> None:
    holds = [Hold() for _ in range(8)]
    for number, hold in enumerate(holds):
        server.script(hold, *chat_stream(f"answer {number}"))
    answers = [client.send(prompt(server.base_url))]
    for number in range(1, 8):
        server.exchange(number - 1)
        answers.append(client.send(prompt(server.base_url)))
    server.exchange(7)
    for number in reversed(range(8)):
        holds[number].release()
        assert text_of(collect(answers[number])) == f"answer {number}"


# --- How answers end ------------------------------------------------------------------------


def test_the_end_is_not_awaited_after_done(
    server: ScriptedServer, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stream, "DRAIN", PATIENCE)
    server.script(*chat_stream("hi"), UNTIL_DISCONNECT)
    events = collect(client.send(prompt(server.base_url)))
    assert text_of(events) == "hi"
    assert not server.exchange(0).disconnected.is_set()


def test_a_connection_that_does_not_end_is_closed(
    server: ScriptedServer, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stream, "DRAIN", 0.05)
    server.script(*chat_stream("hi"), UNTIL_DISCONNECT)
    collect(client.send(prompt(server.base_url)))
    assert server.exchange(0).disconnected.wait(PATIENCE)


def test_usage_is_awaited_after_the_finish(server: ScriptedServer, client: Client) -> None:
    """Row 3."""
    hold = Hold()
    frames = chat_stream("hi", usage=(3, 4))
    server.script(*frames[:-2], hold, *frames[-2:])
    answer = client.send(prompt(server.base_url))
    until(answer, Finished)
    hold.release()
    usage = until(answer, UsageSeen)
    assert isinstance(usage, UsageSeen)
    assert usage.usage.output == 4


def test_a_server_that_keeps_the_connection_open_is_left(
    server: ScriptedServer, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Row 3."""
    monkeypatch.setattr(stream, "GRACE", 0.05)
    server.script(*chat_stream("hi", usage=None)[:-1], UNTIL_DISCONNECT)
    events = collect(client.send(prompt(server.base_url)))
    assert text_of(events) == "hi"
    assert not any(isinstance(event, Failed) for event in events)
    assert server.exchange(0).disconnected.wait(PATIENCE)


@pytest.mark.parametrize("end", [CLOSE, RESET])
@pytest.mark.parametrize("endpoint", ["chat", "responses"])
def test_a_cut_answer_keeps_its_text_and_says_so(
    server: ScriptedServer, client: Client, endpoint: Endpoint, end: object
) -> None:
    frames = chat_stream("Hel", "lo") if endpoint == "chat" else responses_stream("Hel", "lo")
    hold = Hold()
    server.script(*frames[: 3 if endpoint == "chat" else 6], hold, end)
    answer = client.send(prompt(server.base_url, endpoint, provider="p", model="m"))
    first = until(answer, TextDelta)
    hold.release()
    events = [first, *collect(answer)]
    assert text_of(events).startswith("Hel")
    failures = [event for event in events if isinstance(event, Failed)]
    assert len(failures) == 1
    assert failures[0] is events[-1]
    assert failures[0].cut
    error = failures[0].error
    assert isinstance(error, StreamError)
    assert "cut off: " in str(error)
    assert error.__cause__ is not None
    assert (error.provider, error.model) == ("p", "m")
    assert error.host == f"127.0.0.1:{server.port}"


def test_a_clean_end_without_a_finish_is_a_cut(server: ScriptedServer, client: Client) -> None:
    """Row 2."""
    server.script(*chat_stream("Hel", "lo")[:3])
    events = collect(client.send(prompt(server.base_url)))
    assert text_of(events) == "Hello"
    assert [event.cut for event in events if isinstance(event, Failed)] == [True]


@pytest.mark.parametrize("end", [CLOSE, RESET])
def test_a_break_after_the_finish_harms_nothing(
    server: ScriptedServer, client: Client, end: object
) -> None:
    server.script(*chat_stream("hi", usage=None)[:-1], end)
    events = collect(client.send(prompt(server.base_url)))
    assert text_of(events) == "hi"
    assert not any(isinstance(event, Failed) for event in events)


def test_silence_within_an_answer_times_out(server: ScriptedServer, client: Client) -> None:
    server.script(*chat_stream("hi")[:2], UNTIL_DISCONNECT)
    events = collect(client.send(prompt(server.base_url, timeout=0.1)))
    assert text_of(events) == "hi"
    [failure] = [event for event in events if isinstance(event, Failed)]
    assert "nothing came for 0.1 s" in str(failure.error)
    assert len(server.exchanges) == 1  # an answer that began is never asked for again


@pytest.mark.parametrize("status", [200, 201])
def test_a_failure_within_the_stream_is_an_event(
    server: ScriptedServer, client: Client, status: int
) -> None:
    server.script(
        Head(status), chat_chunk({"content": "Hel"}), sse({"error": {"message": "no luck"}})
    )
    events = collect(client.send(prompt(server.base_url, model="m")))
    assert text_of(events) == "Hel"
    [failure] = [event for event in events if isinstance(event, Failed)]
    assert "no luck" in str(failure.error)
    assert failure.error.model == "m"


def test_an_error_body_with_status_200(server: ScriptedServer, client: Client) -> None:
    """Row 10."""
    server.script(*json_answer({"error": {"message": "no luck"}}))
    events = collect(client.send(prompt(server.base_url)))
    assert [type(event) for event in events] == [Connected, Failed]


def test_a_compressed_answer_is_read(server: ScriptedServer, client: Client) -> None:
    body = gzip.compress(b"".join(chat_stream("packed")))
    headers = {"content-type": "text/event-stream", "content-encoding": "gzip"}
    server.script(Head(200, headers, "length"), body)
    assert text_of(collect(client.send(prompt(server.base_url)))) == "packed"
    server.script(Head(200, headers, "length"), b"no gzip at all")
    [failure] = [
        event
        for event in collect(client.send(prompt(server.base_url)))
        if isinstance(event, Failed)
    ]
    assert "compression" in str(failure.error)


# --- Memory ---------------------------------------------------------------------------------


def test_a_reader_that_lags_slows_the_server_down(server: ScriptedServer, client: Client) -> None:
    hold = Hold()
    piece = chat_chunk({"content": "x" * 60_000})
    server.script(*[piece] * 600, hold, *chat_stream("end"))  # 36 MB
    answer = client.send(prompt(server.base_url))
    waiting = answer._channel
    full = threading.Event()
    for _ in range(2000):
        if waiting.full or full.wait(0.01):
            break
    assert waiting.full
    assert not hold.reached.is_set()
    hold.release()
    assert len(text_of(collect(answer))) == 600 * 60_000 + len("end")
    assert waiting._queue.qsize() <= channel.MOST_UNREAD


def test_memory_does_not_grow_with_the_number_of_chunks(
    server: ScriptedServer, client: Client
) -> None:
    def peak(count: int) -> int:
        block = chat_chunk({"content": "ab"}) * 100
        server.script(*[block] * (count // 100), *chat_stream("end"))
        answer = client.send(prompt(server.base_url))
        seen = 0
        tracemalloc.start()
        while not answer.ended:
            seen += len(answer.get(PATIENCE) or [])
        _, most = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert seen > count
        return most

    peak(1000)
    assert peak(40_000) < peak(10_000) + 2_000_000


# --- Other requests -------------------------------------------------------------------------


def test_get_json_sends_the_key(server: ScriptedServer, client: Client) -> None:
    client.get_json(f"{server.base_url}/models", key=Secret("sk-1"))
    assert server.exchange(0).headers["authorization"] == "Bearer sk-1"


def test_get_json_wants_json(server: ScriptedServer, client: Client) -> None:
    server.script(Head(200, {"content-type": "text/html"}), b"<html>")
    with pytest.raises(APIError, match="no JSON"):
        client.get_json(f"{server.base_url}/models", provider="p")
    with pytest.raises(NotFoundError) as caught:
        client.get_json(f"{server.base_url}/nothing", provider="p")
    assert caught.value.provider == "p"


def test_a_closed_client_starts_again(server: ScriptedServer, client: Client) -> None:
    hold = Hold()
    server.script(hold)
    answer = client.send(prompt(server.base_url))
    assert hold.reached.wait(PATIENCE)
    client.close()
    client.close()
    assert server.exchange(0).disconnected.wait(PATIENCE)
    assert collect(answer) == []
    assert text_of(collect(client.send(prompt(server.base_url)))) == "echo: hello there"


def test_done_alone_is_an_empty_answer(server: ScriptedServer, client: Client) -> None:
    server.script(DONE)
    events = collect(client.send(prompt(server.base_url)))
    assert [type(event) for event in events] == [Connected, Failed]
    assert json.dumps(str(events[-1].error))


def test_an_error_body_of_any_depth(server: ScriptedServer, client: Client) -> None:
    for depth in (60, 900, 20_000):
        server.script(Head(400), b'{"a":' * depth + b"1" + b"}" * depth)
        with pytest.raises(BadRequestError):
            collect(client.send(prompt(server.base_url)))
