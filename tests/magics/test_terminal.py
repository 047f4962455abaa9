"""IPython in a real terminal."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.cells import script, streamed
from tests.support.server import UNTIL_DISCONNECT, Hold, ScriptedServer, chat_stream

pexpect = pytest.importorskip("pexpect", reason="a terminal needs a POSIX system")

ANSI = re.compile(r"\x1b\[[0-9;?]*[a-zA-Z]")


@pytest.fixture
def terminal(tmp_path: Path) -> Iterator[pexpect.spawn]:
    child = pexpect.spawn(
        sys.executable,
        ["-m", "IPython", "--no-banner", "--simple-prompt", "--colors=NoColor"],
        env={**os.environ, "IPYTHONDIR": str(tmp_path), "TERM": "xterm"},
        dimensions=(24, 60),
        encoding="utf-8",
        timeout=60,
    )
    child.expect_exact("In [1]: ")
    child.sendline("%load_ext nbchat")
    child.expect_exact("In [2]: ")
    yield child
    child.close(force=True)


@pytest.fixture
def prompt(tmp_path: Path) -> Iterator[pexpect.spawn]:
    """IPython with the prompt that people edit, nbchat loaded."""
    child = pexpect.spawn(
        sys.executable,
        ["-m", "IPython", "--no-banner", "--colors=NoColor", "--ext=nbchat"],
        # Nobody here tells prompt_toolkit where the cursor is.
        env={**os.environ, "IPYTHONDIR": str(tmp_path), "TERM": "xterm"}
        | {"PROMPT_TOOLKIT_NO_CPR": "1"},
        dimensions=(24, 80),
        encoding="utf-8",
        timeout=60,
    )
    child.expect_exact("In [1]:")
    yield child
    child.close(force=True)


def screen(text: str) -> str:
    return ANSI.sub("", text).replace("\r\n", "\n")


def test_text_streams_once_wrapped_at_the_width(terminal: pexpect.spawn) -> None:
    words = " ".join(f"word{n}" for n in range(20))
    with ScriptedServer() as server:
        hold = Hold()
        frames = chat_stream(words, "\n\n# End\n")
        server.script(*frames[:2], hold, *frames[2:])
        terminal.sendline(f"%chat --base-url {server.base_url} -m m hello")
        terminal.expect_exact("word18")  # on the screen while the server holds the rest back
        hold.release()
        terminal.expect_exact("In [3]: ")
        server.script(*frames)
        terminal.sendline(f"x = %chat --base-url {server.base_url} -m m why?")
        terminal.expect_exact("In [4]: ")
    shown = screen(terminal.before)
    assert shown.count("word0 ") == 1
    assert "\x1b[1mEnd" in terminal.before
    lines = [line for line in shown.splitlines() if line.startswith("word")]
    assert len(lines) > 1
    assert all(len(line) <= 60 for line in lines)
    assert "Out[" not in shown
    terminal.sendline("print(x.finish_reason)")
    terminal.expect_exact("stop")


def test_ctrl_c_keeps_what_came(terminal: pexpect.spawn) -> None:
    with ScriptedServer() as server:
        hold = Hold()
        server.script(*chat_stream("Half a ", "loaf")[:2], hold, UNTIL_DISCONNECT)
        terminal.sendline(f"%chat --base-url {server.base_url} -m m -o half hello")
        terminal.expect_exact("Half a")
        terminal.sendintr()
        terminal.expect_exact("In [3]: ")
        assert server.exchange(0).disconnected.wait(20)
        hold.release()
        shown = screen(terminal.before)
        assert "[stopped]" in shown
        assert "Interrupted: stopped; what had come is kept" in shown
        assert "Traceback" not in shown
        terminal.sendline("print(half.text, half.status)")
        terminal.expect_exact("Half a  stopped")
        terminal.sendline(f"%chat --base-url {server.base_url} -m m again")
        terminal.expect_exact("echo: again")
        assert len(server.exchange(1).json["messages"]) == 3


@pytest.mark.parametrize("magic", ["chat", "respond"])
def test_code_stands_on_the_next_prompt_and_is_not_run(prompt: pexpect.spawn, magic: str) -> None:
    with ScriptedServer() as server:
        text = "One:\n\n```python\nalpha = 1\n```\n\nTwo:\n\n```python\nbeta = 2\n```\n"
        script(server, magic, streamed(magic, text))
        prompt.send(f"%{magic} --base-url {server.base_url} -m m --code=2 some code\r")
        prompt.expect_exact("In [2]:")
        prompt.expect_exact("beta = 2")
        prompt.send("\x15print('alpha' in globals(), 'beta' in globals())\r")  # in its place
        prompt.expect_exact("False False")
