"""A shell in which commands are run, and what they print."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from IPython.core.interactiveshell import InteractiveShell

from tests.support.server import ScriptedServer
from tests.support.shell import shell

__all__ = ["run", "sent", "shell"]


@pytest.fixture
def run(shell: InteractiveShell, capsys: pytest.CaptureFixture[str]) -> Callable[[str], str]:
    """Return a function that runs a cell and returns what it printed; an error is raised."""

    def run(source: str) -> str:
        capsys.readouterr()
        done = shell.run_cell(source)
        out = capsys.readouterr().out
        done.raise_error()
        return out

    return run


@pytest.fixture
def sent(run: Callable[[str], str], server: ScriptedServer) -> Callable[[], list[str]]:
    """Return a function that asks once more, on no thread's account, what the model sees.

    It is a prompt that is taken off the thread again.
    """

    def sent() -> list[str]:
        run("%chat what next?")
        run("%nbchat undo")
        messages = server.exchanges[-1].json["messages"]
        return [message["content"] for message in messages[:-1]]

    return sent
