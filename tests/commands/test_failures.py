"""Asking about the last exception."""

from __future__ import annotations

from typing import Any

import pytest
from IPython.core.interactiveshell import InteractiveShell

from nbchat.commands.failures import masked, report
from nbchat.errors import UsageError
from tests.support.server import ScriptedServer, chat_stream

FAILING = """\
api_key = "not to be told"
def mean(values):
    total = sum(values)
    return total / len(values)
mean([])
"""


def prompt(server: ScriptedServer, number: int = 0) -> str:
    return str(server.exchange(number).json["messages"][-1]["content"])


def test_explain_tells_the_traceback_the_cell_and_the_values(
    shell: InteractiveShell, server: ScriptedServer
) -> None:
    shell.run_cell(FAILING)
    shell.run_cell("%nbchat explain").raise_error()
    said = prompt(server)
    assert "ZeroDivisionError: division by zero" in said
    assert "def mean(values):" in said
    assert "total = 0" in said
    assert "values = []" in said
    shell.run_cell("%nbchat explain And in two words?").raise_error()
    # A thread of its own, and the question goes first.
    messages = server.exchange(1).json["messages"]
    assert len(messages) == 3
    assert messages[-1]["content"].startswith("And in two words?")
    shell.run_cell("%chat elsewhere").raise_error()
    assert len(server.exchange(2).json["messages"]) == 1
    shell.run_cell("%nbchat explain -t main").raise_error()
    assert len(server.exchange(3).json["messages"]) == 3


def test_fix_offers_the_corrected_code(shell: InteractiveShell, server: ScriptedServer) -> None:
    offered: list[str] = []
    shell.set_next_input = lambda source, replace=False: offered.append(source)
    shell.run_cell(FAILING)
    server.script(*chat_stream("Here:\n\n```python\nprint('mended')\n```\n"))
    shell.run_cell("%nbchat fix").raise_error()
    assert offered == ["print('mended')"]


def test_nothing_failed(shell: InteractiveShell, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr("sys.last_value", raising=False)
    with pytest.raises(UsageError, match="nothing has failed"):
        shell.run_cell("%nbchat explain").raise_error()


class Odd:
    def __repr__(self) -> str:
        raise RuntimeError("no")


def failure(**names: Any) -> BaseException:
    source = f"f({', '.join(names)})"
    filename = "<ipython-input-test>"
    import linecache

    linecache.cache[filename] = (len(source), None, [source + "\n"], filename)
    try:
        exec(compile(source, filename, "exec"), {"f": lambda *_: 1 / 0, **names})
    except ZeroDivisionError as error:
        return error
    raise AssertionError


def test_values_are_shortened_and_secrets_masked() -> None:
    error = failure(
        password="hunter2", text="x" * 5000, odd=Odd(), header="Bearer sk-abcdefghijklmnop12345"
    )
    said = report(error, "Explain.")
    assert "password = (left out)" in said
    assert "hunter2" not in said
    assert "sk-abc" not in said
    assert "odd = (Odd; its repr failed: RuntimeError)" in said
    assert len(said) < 2000


@pytest.mark.parametrize("plain", ["total = 3", "/usr/lib/python3/dist-packages/numpy/core.py"])
def test_ordinary_text_is_not_masked(plain: str) -> None:
    assert masked(plain) == plain


def test_last_gives_the_reply(shell: InteractiveShell, server: ScriptedServer) -> None:
    with pytest.raises(UsageError, match="no answer yet"):
        shell.run_cell("%nbchat last").raise_error()
    shell.run_cell("%chat hello").raise_error()
    shell.run_cell("r = %nbchat last").raise_error()
    assert shell.user_ns["r"].text == "echo: hello"
