"""The notebooks on what the embedded model can't do, run against llmock and aimock."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from tests.servers.conftest import (
    _aimock_program,
    _aimock_script,
    _llmock_program,
    aimock,
    llmock,
)
from tests.servers.control import AIMock, LLMock
from tests.servers.models import DONE, AIMockModel, LLMockModel, Model
from tests.support.notebooks import run

__all__ = ["_aimock_program", "_aimock_script", "_llmock_program", "aimock", "llmock"]

pytestmark = pytest.mark.kernel


def asking(server: AIMock | LLMock) -> dict[str, str]:
    """The environment in which a server is asked."""
    return {"NBCHAT_BASE_URL": server.base_url, "NBCHAT_MODEL": "gpt-5.1"}


@pytest.mark.parametrize("name", ["llmock", "aimock"])
def test_tools(name: str, request: pytest.FixtureRequest, tmp_path: Path) -> None:
    server = request.getfixturevalue(name)
    model: Model = AIMockModel(server) if name == "aimock" else LLMockModel(server)
    for wanted in (
        [("in_stock", {"fruit": "plums"})],
        [("in_stock", {"fruit": "kiwis"})],
        [("order", {"fruit": "pears", "number": 20})],
        [("price", {"fruit": fruit}) for fruit in ("apples", "pears", "plums")],
    ):
        model.call(*wanted)
        model.say()
    ran = run("tools", tmp_path, asking(server))
    assert ran.errors() == {}
    for cell in ("ask", "failure", "ask-order", "ask-async"):
        assert ran.shown(cell) == DONE
    assert "result='31'" in ran.printed("steps")
    assert "KeyError: &#x27;kiwis&#x27;" in ran.shown("failure", "text/html")
    assert ast.literal_eval(ran.shown("orders")) == [("pears", 20)]
    steps = ast.literal_eval(ran.shown("async-steps"))
    assert sorted(result for _, result in steps) == ["0.2", "0.4", "0.6"]
    assert [output for _, output in model.outputs()] == ["0.4", "0.6", "0.2"]
    if isinstance(server, LLMock):
        assert server.verdict() == []


def test_reasoning_and_the_web(aimock: AIMock, tmp_path: Path) -> None:
    aimock.answer({"content": "5 cents.", "reasoning": "Let me think."}, times=2)
    aimock.answer({"content": "It rains.", "webSearches": ["weather in Rome"]}, times=2)
    ran = run("reasoning", tmp_path, asking(aimock))
    assert ran.errors() == {}
    for cell in ("effort", "summary"):
        assert ran.shown(cell) == "5 cents."
        page = ran.shown(cell, "text/html").partition("</style>")[2]
        assert page.index("Let me think.") < page.index("5 cents.")
    assert ast.literal_eval(ran.shown("counted"))["reasoning"] == "Let me think."
    assert "web search: completed weather in Rome" in ran.shown("web", "text/html")
    assert [ran.shown(cell) for cell in ("web", "chat-web")] == ["It rains."] * 2
