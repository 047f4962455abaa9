"""The Tab key in a real terminal."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from tests.support.server import ScriptedServer

pexpect = pytest.importorskip("pexpect", reason="a terminal needs a POSIX system")


def test_tab_completes_an_option_and_its_value(tmp_path: Path) -> None:
    # The terminal can't say where its cursor is, so prompt_toolkit must not ask.
    mine = {"IPYTHONDIR": str(tmp_path), "TERM": "xterm", "PROMPT_TOOLKIT_NO_CPR": "1"}
    child = pexpect.spawn(
        sys.executable,
        ["-m", "IPython", "--no-banner", "--colors=nocolor"],
        env={**os.environ, **mine},
        dimensions=(24, 100),
        encoding="utf-8",
        timeout=60,
    )
    try:
        with ScriptedServer() as server:
            child.expect_exact("In [1]:")
            child.send("%load_ext nbchat\r")
            child.expect_exact("In [2]:")
            child.send(f"%chat --base-url {server.base_url} -m m --temp\t")
            child.expect_exact("erature")
            child.send(" 0 --effort=minim\t")
            child.expect_exact("al")
            child.send(" hello\r")
            body = server.exchange(0).json
    finally:
        child.close(force=True)
    assert (body["temperature"], body["reasoning_effort"]) == (0, "minimal")
