"""Which of several answers a thread goes on with."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from nbchat.errors import UsageError
from tests.support.server import ScriptedServer, chat_chunk, chat_stream

Run = Callable[[str], str]


def ask_two(run: Run, server: ScriptedServer, thread: str) -> None:
    """Get the answers ``first`` and ``second`` on a thread."""
    server.script(chat_chunk({"content": "second"}, index=1), *chat_stream("first"))
    run(f"%chat -t {thread} -n 2 a name for a boat")


def said(run: Run, server: ScriptedServer, thread: str) -> list[str]:
    """What the model is told of a thread."""
    run(f"%chat -t {thread} next")
    return [message["content"] for message in server.exchanges[-1].json["messages"][1:-1]]


def test_the_last_answer_with_choices_is_found_on_its_thread(
    run: Run, server: ScriptedServer
) -> None:
    ask_two(run, server, "older")
    ask_two(run, server, "names")
    run("%chat hello")
    assert run("%nbchat pick 2") == "the thread names goes on with choice 2\n"
    assert said(run, server, "names") == ["second"]
    assert said(run, server, "older") == ["first"]


def test_the_current_thread_goes_before_others(run: Run, server: ScriptedServer) -> None:
    ask_two(run, server, "main")
    ask_two(run, server, "names")
    assert "thread main" in run("%nbchat pick 2")
    assert said(run, server, "names") == ["first"]


def test_a_thread_can_be_named(run: Run, server: ScriptedServer) -> None:
    ask_two(run, server, "main")
    ask_two(run, server, "names")
    assert "thread names" in run("%nbchat pick 2 names")
    assert said(run, server, "main") == ["first"]


def test_where_there_are_no_choices_it_says_how_to_get_them(run: Run) -> None:
    run("%chat -t other hello")
    with pytest.raises(UsageError, match="no answer of any thread has several choices: -n 2"):
        run("%nbchat pick 2")
    with pytest.raises(UsageError, match="no answer of the thread other has several"):
        run("%nbchat pick 2 other")


def test_the_choice_must_be_there(run: Run, server: ScriptedServer) -> None:
    ask_two(run, server, "names")
    for wrong in ("0", "3", "x"):
        with pytest.raises(UsageError, match="has the choices 1 to 2, not"):
            run(f"%nbchat pick {wrong}")
