"""The notebooks on what the embedded model can't do, run in real kernels on a scripted server."""

from __future__ import annotations

import ast
from pathlib import Path
from typing import Any

import pytest

from tests.support.answers import SOURCE, TITLE, searched, thoughtful
from tests.support.cells import bodies, parts
from tests.support.notebooks import run, scripted
from tests.support.server import Exchange, ScriptedServer, Step, chat_stream, echo

pytestmark = pytest.mark.kernel


def test_an_error_is_explained_and_fixed(tmp_path: Path, server: ScriptedServer) -> None:
    for text in ("The list is empty.", "The third.", "```python\ndef mean(numbers): ...\n```"):
        server.script(*chat_stream(text))
    ran = run("explain", tmp_path, scripted(server))
    assert list(ran.errors()) == ["failing"]
    assert [ran.shown(cell) for cell in ("explain", "again")] == [
        "The list is empty.",
        "The third.",
    ]
    first, second, third = bodies(server)
    ((_, told),) = parts(first)
    assert "ZeroDivisionError: division by zero" in told
    assert "def mean(numbers):" in told
    assert "numbers = []" in told
    assert parts(second)[0][1].startswith("Which of the lines is it?")
    assert second["max_completion_tokens"] == 60
    assert len(second["messages"]) == 3
    assert "Correct this cell." in parts(third)[0][1]
    assert "def mean(numbers): ..." in ran.shown("fix")
    assert "The third." in ran.shown("context")


def thinker(exchange: Exchange) -> list[Step]:
    """Search where that is allowed, else think."""
    if exchange.method == "GET":
        return echo(exchange)
    magic = "chat" if exchange.path.endswith("/chat/completions") else "respond"
    asked: dict[str, Any] = exchange.json
    web = "web_search_options" in asked or "tools" in asked
    return searched(magic) if web else thoughtful(magic)


def test_reasoning_and_the_web(tmp_path: Path, server: ScriptedServer) -> None:
    server.answer = thinker
    ran = run("reasoning", tmp_path, scripted(server))
    assert ran.errors() == {}
    for cell in ("effort", "summary"):
        assert ran.shown(cell) == "Four."
        assert "Reasoning · 7 tokens" in ran.shown(cell, "text/html")
    assert ast.literal_eval(ran.shown("counted")) == {
        "reasoning": "Let me *think*.",
        "tokens of it": 7,
        "tokens in all": 9,
    }
    for cell in ("web", "chat-web"):
        assert f'href="{SOURCE}"' in ran.shown(cell, "text/html")
    assert ast.literal_eval(ran.shown("sources")) == [(TITLE, SOURCE)]
    sent = bodies(server)
    assert sent[0]["reasoning_effort"] == "low"
    assert sent[1]["reasoning"] == {"effort": "low", "summary": "auto"}
    assert sent[2]["tools"] == [{"type": "web_search_preview", "search_context_size": "medium"}]
    assert sent[3]["web_search_options"] == {"search_context_size": "low"}
