"""Turns belong to the cells that made them."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.kernels import at, displays
from tests.support.server import ScriptedServer, error_answer

pytestmark = pytest.mark.kernel


def ask(kernel: Any, server: ScriptedServer, prompt: str, cell: str | None, *options: str) -> str:
    """Run a cell, and return the page of its answer."""
    messages = kernel.run(f"{at(server, *options)}\n{prompt}", cell_id=cell)
    _, shown = displays(messages)[-1]
    return str(shown["data"].get("text/html"))


def prompts(server: ScriptedServer) -> list[str]:
    """The user's words in the last request."""
    messages = server.exchanges[-1].json["messages"]
    return [message["content"] for message in messages if message["role"] == "user"]


def test_running_a_cell_again_replaces_its_turn(kernel: Any, server: ScriptedServer) -> None:
    for prompt, cell in (("one", "1"), ("two", "2"), ("three", "3")):
        ask(kernel, server, prompt, cell)
    assert prompts(server) == ["one", "two", "three"]
    page = ask(kernel, server, "two, better", "2")
    assert prompts(server) == ["one", "two, better"]
    assert "replaces this cell&#x27;s earlier answer; 1 later turn set aside" in page
    ask(kernel, server, "three", "3")
    assert prompts(server) == ["one", "two, better", "three"]
    ask(kernel, server, "inserted", "new")
    assert prompts(server) == ["one", "two, better", "three", "inserted"]


def test_prompts_of_one_execution_follow_each_other(kernel: Any, server: ScriptedServer) -> None:
    source = f"for n in range(2):\n    {at(server, '--thread loop')[1:]} number $n"
    for _ in range(2):
        kernel.run(source, cell_id="loop")
    sent = [len(e.json["messages"]) for e in server.exchanges]
    assert sent == [1, 3, 1, 3]


def test_appending_instead(kernel: Any, server: ScriptedServer) -> None:
    ask(kernel, server, "one", "1")
    ask(kernel, server, "one", "1", "--append")
    assert prompts(server) == ["one", "one"]
    kernel.run("%config NbChat.rerun = 'append'")
    ask(kernel, server, "one", "1")
    assert prompts(server) == ["one", "one", "one"]


def test_without_a_cell_id_each_run_appends(kernel: Any, server: ScriptedServer) -> None:
    ask(kernel, server, "one", None)
    ask(kernel, server, "one", None)
    assert prompts(server) == ["one", "one"]


def test_a_failed_run_leaves_the_earlier_answer(kernel: Any, server: ScriptedServer) -> None:
    ask(kernel, server, "one", "1")
    server.script(*error_answer(400, "no"))
    kernel.run(f"{at(server)}\nwrong", cell_id="1")
    ask(kernel, server, "two", "2")
    assert prompts(server) == ["one", "two"]
