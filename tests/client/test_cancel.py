"""An answer is given up at once, at whatever stage, and its connection is closed."""

from __future__ import annotations

import contextlib
import gc
import socket
import threading
from collections.abc import Iterator

import pytest

from nbchat.client import Client
from nbchat.messages import TextDelta
from tests.support.prompts import collect, prompt, text_of, until
from tests.support.server import (
    PATIENCE,
    UNTIL_DISCONNECT,
    Head,
    Hold,
    ScriptedServer,
    chat_stream,
)


def test_before_the_headers(server: ScriptedServer, client: Client) -> None:
    hold = Hold()
    server.script(hold)
    answer = client.send(prompt(server.base_url))
    assert hold.reached.wait(PATIENCE)
    answer.cancel()
    answer.cancel()
    assert answer.get() == []
    assert answer.ended
    assert server.exchange(0).disconnected.wait(PATIENCE)


def test_after_the_headers(server: ScriptedServer, client: Client) -> None:
    hold = Hold()
    server.script(Head(), b": comment\n\n", hold)
    answer = client.send(prompt(server.base_url))
    assert hold.reached.wait(PATIENCE)
    answer.cancel()
    assert server.exchange(0).disconnected.wait(PATIENCE)


def test_in_the_middle(server: ScriptedServer, client: Client) -> None:
    server.script(*chat_stream("Hel", "lo")[:2], UNTIL_DISCONNECT)
    answer = client.send(prompt(server.base_url))
    until(answer, TextDelta)
    answer.cancel()
    assert server.exchange(0).disconnected.wait(PATIENCE)
    assert answer.get() == []


def test_while_the_server_floods(server: ScriptedServer, client: Client) -> None:
    server.script(*chat_stream("x" * 1000) * 50_000)
    answer = client.send(prompt(server.base_url))
    until(answer, TextDelta)
    answer.cancel()
    assert answer.get() == []
    assert server.exchange(0).disconnected.wait(PATIENCE)


def test_while_the_reader_lags(server: ScriptedServer, client: Client) -> None:
    piece = chat_stream("x" * 60_000)[1]
    server.script(*[piece] * 600)
    answer = client.send(prompt(server.base_url))
    until(answer, TextDelta)
    pause = threading.Event()
    while not answer._channel.full:
        pause.wait(0.01)
    answer.cancel()
    assert server.exchange(0).disconnected.wait(PATIENCE)


def test_during_a_look_up_of_the_name(
    server: ScriptedServer, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    looking, answered = threading.Event(), threading.Event()
    real = socket.getaddrinfo

    def hang(host: object, *args: object, **options: object) -> object:
        if host in ("slow.test", b"slow.test"):
            looking.set()
            answered.wait()
            host = "127.0.0.1"
        return real(host, *args, **options)

    monkeypatch.setattr(socket, "getaddrinfo", hang)
    slow = f"http://slow.test:{server.port}/v1"
    answer = client.send(prompt(slow))
    assert looking.wait(PATIENCE)
    # Others are not kept waiting.
    assert text_of(collect(client.send(prompt(server.base_url)))) == "echo: hello there"
    answer.cancel()
    assert collect(answer) == []
    answered.set()
    # The late outcome of the look-up is nobody's; the client goes on.
    assert text_of(collect(client.send(prompt(slow)))) == "echo: hello there"
    assert len(server.exchanges) == 2


@contextlib.contextmanager
def deaf() -> Iterator[int]:
    """A port that takes no connection and refuses none: its backlog is full."""
    with contextlib.ExitStack() as stack:
        listening = stack.enter_context(socket.socket())
        listening.bind(("127.0.0.1", 0))
        listening.listen(0)
        port = listening.getsockname()[1]
        for _ in range(4):
            waiting = stack.enter_context(socket.socket())
            waiting.setblocking(False)
            waiting.connect_ex(("127.0.0.1", port))
        yield port


def test_during_the_connect(server: ScriptedServer, client: Client) -> None:
    with deaf() as port:
        answer = client.send(prompt(f"http://127.0.0.1:{port}/v1"))
        assert answer.get(timeout=0.05) is None
        answer.cancel()
        assert collect(answer) == []
    assert text_of(collect(client.send(prompt(server.base_url)))) == "echo: hello there"


def test_from_another_thread_wakes_the_reader(server: ScriptedServer, client: Client) -> None:
    server.script(UNTIL_DISCONNECT)
    answer = client.send(prompt(server.base_url))
    server.exchange(0)
    stopper = threading.Thread(target=answer.cancel)
    stopper.start()
    assert answer.get(timeout=PATIENCE) == []
    stopper.join(PATIENCE)


def test_at_the_end_of_a_with_block(server: ScriptedServer, client: Client) -> None:
    server.script(*chat_stream("Hel")[:2], UNTIL_DISCONNECT)
    with client.send(prompt(server.base_url)) as answer:
        until(answer, TextDelta)
    assert server.exchange(0).disconnected.wait(PATIENCE)


def test_when_nobody_holds_the_stream(server: ScriptedServer, client: Client) -> None:
    """An interrupt may come before the caller has it in a variable."""
    hold = Hold()
    server.script(hold)
    answer = client.send(prompt(server.base_url))
    assert hold.reached.wait(PATIENCE)
    del answer
    gc.collect()
    assert server.exchange(0).disconnected.wait(PATIENCE)


def test_a_finished_answer_can_be_cancelled(server: ScriptedServer, client: Client) -> None:
    answer = client.send(prompt(server.base_url))
    collect(answer)
    answer.cancel()
    assert answer.get() == []
    collect(client.send(prompt(server.base_url)))


def test_other_answers_go_on(server: ScriptedServer, client: Client) -> None:
    hold = Hold()
    server.script(UNTIL_DISCONNECT)
    first = client.send(prompt(server.base_url))
    server.exchange(0)
    server.script(*chat_stream("a", "b")[:2], hold, *chat_stream("a", "b")[2:])
    second = client.send(prompt(server.base_url))
    until(second, TextDelta)
    first.cancel()
    assert server.exchange(0).disconnected.wait(PATIENCE)
    hold.release()
    assert text_of(collect(second)) == "b"
