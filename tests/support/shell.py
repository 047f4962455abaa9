"""A real IPython shell with nbchat in it and a scripted server behind it, as fixtures."""

from __future__ import annotations

import atexit
from collections.abc import Iterator
from pathlib import Path

import pytest
from IPython.core.interactiveshell import InteractiveShell
from traitlets.config import Config

from tests.support.server import ScriptedServer


@pytest.fixture
def shell(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, server: ScriptedServer
) -> Iterator[InteractiveShell]:
    """The server is the provider ``lab``; the working folder is empty."""
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
    retire(shell)


def retire(shell: InteractiveShell) -> None:
    """Let go of a shell: at the end of the process each that is left collects all garbage."""
    atexit.unregister(shell.atexit_operations)
    InteractiveShell.clear_instance()
