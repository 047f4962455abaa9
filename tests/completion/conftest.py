"""A shell with nbchat in it, a scripted server behind it, and its completer."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from IPython.core.completer import provisionalcompleter
from IPython.core.interactiveshell import InteractiveShell
from traitlets.config import Config

from tests.support.server import ScriptedServer

Complete = Callable[[str], list[str]]


@pytest.fixture
def server() -> Iterator[ScriptedServer]:
    with ScriptedServer() as server:
        yield server


@pytest.fixture
def shell(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, server: ScriptedServer
) -> Iterator[InteractiveShell]:
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path / "ipython"))
    folder = tmp_path / "work"
    folder.mkdir()
    monkeypatch.chdir(folder)
    monkeypatch.setattr("nbchat.session._shared", [])
    config = Config()
    config.HistoryManager.enabled = False
    config.NbChat.provider = "lab"
    config.NbChat.providers = {"lab": {"base_url": server.base_url, "model": "lab-model"}}
    InteractiveShell.clear_instance()
    shell = InteractiveShell.instance(config=config)
    shell.run_line_magic("load_ext", "nbchat")
    yield shell
    shell.run_line_magic("unload_ext", "nbchat")
    InteractiveShell.clear_instance()


@pytest.fixture
def complete(shell: InteractiveShell) -> Complete:
    """Return a function from a cell, the cursor at its end, to how it would read, completed."""

    def completed(cell: str) -> list[str]:
        with provisionalcompleter():
            found: list[Any] = list(shell.Completer.completions(cell, len(cell)))
        return [cell[: one.start] + one.text + cell[one.end :] for one in found]

    return completed
