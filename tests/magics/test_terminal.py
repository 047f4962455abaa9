"""IPython in a real terminal."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

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
