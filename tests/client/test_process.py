"""The client within a process: interrupts, the exit of the interpreter, forks."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from tests.support.server import (
    PATIENCE,
    UNTIL_DISCONNECT,
    Head,
    Hold,
    ScriptedServer,
    chat_stream,
    error_answer,
)

ROOT = Path(__file__).parents[2]

PRELUDE = """
import sys
from nbchat.client import Client
from tests.support.prompts import collect, prompt, text_of, until
client = Client()
base_url = sys.argv[1]
"""


def start(script: str, base_url: str) -> subprocess.Popen[str]:
    code = PRELUDE + textwrap.dedent(script)
    return subprocess.Popen(
        [sys.executable, "-W", "error", "-c", code, base_url],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def finish(process: subprocess.Popen[str]) -> str:
    """Wait for the end; return what was printed. Nothing may be complained about."""
    out, err = process.communicate(timeout=PATIENCE)
    assert err == ""
    assert process.returncode == 0
    return out


@pytest.mark.skipif(sys.platform == "win32", reason="SIGINT can't be sent to one process")
@pytest.mark.parametrize("stage", ["headers", "middle", "backoff"])
def test_an_interrupt_ends_the_wait(server: ScriptedServer, stage: str) -> None:
    hold = Hold()
    if stage == "headers":
        server.script(hold)
    elif stage == "middle":
        server.script(*chat_stream("Hel")[:2], hold)
    else:
        server.script(*error_answer(503, "busy", headers={"retry-after": "100"}))
    process = start(
        """
        from nbchat.messages import Retrying
        answer = client.send(prompt(base_url))
        try:
            while not answer.ended:
                for event in answer.get(timeout=60) or []:
                    if isinstance(event, Retrying):
                        print("retrying", flush=True)
        except KeyboardInterrupt:
            answer.cancel()
            print("interrupted", flush=True)
        sys.stdin.read()  # so that not the exit closes the connection
        """,
        server.base_url,
    )
    assert process.stdout is not None
    if stage == "backoff":
        assert process.stdout.readline() == "retrying\n"
    else:
        assert hold.reached.wait(PATIENCE)
    process.send_signal(signal.SIGINT)
    assert process.stdout.readline() == "interrupted\n"
    if stage != "backoff":
        assert server.exchange(0).disconnected.wait(PATIENCE)
    finish(process)
    assert len(server.exchanges) == 1


@pytest.mark.skipif(sys.platform == "win32", reason="SIGINT can't be sent to one process")
def test_an_interrupt_ends_get_json(server: ScriptedServer) -> None:
    hold = Hold()
    server.script(hold)
    process = start(
        """
        try:
            client.get_json(base_url + "/models", timeout=600)
        except KeyboardInterrupt:
            print("interrupted", flush=True)
        sys.stdin.read()
        """,
        server.base_url,
    )
    assert hold.reached.wait(PATIENCE)
    process.send_signal(signal.SIGINT)
    assert server.exchange(0).disconnected.wait(PATIENCE)
    assert finish(process) == "interrupted\n"


def test_the_exit_does_not_wait_for_a_stream(server: ScriptedServer) -> None:
    server.script(*chat_stream("Hel")[:2], UNTIL_DISCONNECT)
    process = start(
        """
        from nbchat.messages import TextDelta
        answer = client.send(prompt(base_url))
        until(answer, TextDelta)
        """,
        server.base_url,
    )
    assert server.exchange(0).disconnected.wait(PATIENCE)
    finish(process)


def test_the_exit_does_not_wait_for_a_name(server: ScriptedServer) -> None:
    process = start(
        """
        import socket, threading
        looking = threading.Event()

        def hang(*args, **options):
            looking.set()
            threading.Event().wait()

        socket.getaddrinfo = hang
        answer = client.send(prompt("http://slow.test/v1"))
        looking.wait()
        print("leaving", flush=True)
        """,
        server.base_url,
    )
    assert finish(process) == "leaving\n"


def test_the_exit_after_close(server: ScriptedServer) -> None:
    process = start(
        """
        print(text_of(collect(client.send(prompt(base_url)))))
        client.close()
        """,
        server.base_url,
    )
    assert finish(process) == "echo: hello there\n"


def test_the_exit_after_answers_that_were_read_in_part(server: ScriptedServer) -> None:
    for _ in range(10):
        server.script(Head(400), b"x" * 70_000)
        server.script(*chat_stream("Hel")[:2], UNTIL_DISCONNECT)
    process = start(
        """
        from nbchat.errors import BadRequestError
        from nbchat.messages import TextDelta
        for _ in range(10):
            try:
                collect(client.send(prompt(base_url)))
            except BadRequestError:
                pass
            with client.send(prompt(base_url)) as answer:
                until(answer, TextDelta)
        """,
        server.base_url,
    )
    assert finish(process) == ""
    assert server.exchange(19).disconnected.wait(PATIENCE)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="the platform has no fork")
def test_a_fork_has_connections_of_its_own(server: ScriptedServer) -> None:
    process = start(
        """
        import os, warnings
        warnings.simplefilter("ignore", DeprecationWarning)  # of forks beside threads
        ask = lambda text: print(text_of(collect(client.send(prompt(base_url, text=text)))))
        ask("parent")
        sys.stdout.flush()
        child = os.fork()
        if child == 0:
            ask("child")
            client.close()
            sys.stdout.flush()
            os._exit(0)
        os.waitpid(child, 0)
        ask("parent again")
        """,
        server.base_url,
    )
    assert finish(process).splitlines() == ["echo: parent", "echo: child", "echo: parent again"]
    assert [exchange.connection for exchange in server.exchanges] == [0, 1, 0]


def test_nothing_starts_before_the_first_request(server: ScriptedServer) -> None:
    process = start(
        """
        import threading
        print(threading.active_count())
        client.close()
        """,
        server.base_url,
    )
    assert finish(process) == "1\n"
