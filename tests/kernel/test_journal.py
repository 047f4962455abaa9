"""Nothing is lost: a killed kernel's threads come back in a new one."""

from __future__ import annotations

import os
import signal
from pathlib import Path
from typing import Any

import pytest

from tests.support.server import Hold, ScriptedServer, chat_stream

from .conftest import Kernel, kernel_manager

pytestmark = pytest.mark.kernel


def printed(messages: list[dict[str, Any]]) -> str:
    return "".join(m["content"]["text"] for m in messages if m["msg_type"] == "stream")


def test_a_killed_kernel_loses_nothing(
    kernel_environment: dict[str, str], server: ScriptedServer, tmp_path: Path
) -> None:
    env = {**kernel_environment, "JPY_SESSION_NAME": str(tmp_path / "notebook.ipynb")}
    at = f"%%chat --base-url {server.base_url} -m m"
    server.script(*chat_stream("One."))
    with kernel_manager() as manager:
        manager.start_kernel(env=env, cwd=str(tmp_path))
        kernel = Kernel(manager)
        pid = int(printed(kernel.run("%load_ext nbchat\nimport os\nprint(os.getpid())")))
        kernel.run(f"{at} -s 'Be brief.'\none", cell_id="1")
        kernel.run(f"{at} -t other\nelsewhere", cell_id="2")
        hold = Hold()
        server.script(*chat_stream("Half of", " it")[:2], hold)
        request = kernel.send(f"{at}\ntwo", cell_id="3")
        for message in kernel.messages(request):
            if message["msg_type"].startswith("comm_") and "Half of" in str(message["content"]):
                break
        journal = next(tmp_path.rglob("nbchat.sqlite"))
        assert journal.stat().st_mode & 0o777 == 0o600
        _wait_for_words(journal, b"Half of")
        os.kill(pid, signal.SIGKILL)
        hold.release()
        kernel.client.stop_channels()

    with kernel_manager() as manager:
        manager.start_kernel(env=env, cwd=str(tmp_path))
        kernel = Kernel(manager)
        kernel.run("%load_ext nbchat")
        restored = printed(kernel.run("%nbchat restore"))
        assert "main" in restored
        assert "other" in restored
        server.script(*chat_stream("Three."))
        kernel.run(f"{at}\nthree", cell_id="4")
        sent = [(m["role"], m["content"]) for m in server.exchanges[-1].json["messages"]]
        assert sent == [
            ("system", "Be brief."),
            ("user", "one"),
            ("assistant", "One."),
            ("user", "two"),
            ("assistant", "Half of"),
            ("user", "three"),
        ]
        kernel.client.stop_channels()


def _wait_for_words(journal: Path, words: bytes) -> None:
    """Wait until the file (or its write-ahead log) has the words: at most about a second's."""
    import time

    for _ in range(600):
        files = [journal, journal.with_name(journal.name + "-wal")]
        if any(words in file.read_bytes() for file in files if file.exists()):
            return
        time.sleep(0.1)
    raise AssertionError("the partial answer did not reach the journal")


def test_nothing_is_kept_if_that_is_not_wanted(
    kernel: Any, server: ScriptedServer, tmp_path: Path
) -> None:
    kernel.run("%config NbChat.journal = False")
    kernel.run(f"%%chat --base-url {server.base_url} -m m\none", cell_id="1")
    assert list(tmp_path.rglob("nbchat.sqlite")) == []
    kernel.run(f"%config NbChat.journal = {str(tmp_path / 'own.sqlite')!r}")
    kernel.run(f"%%chat --base-url {server.base_url} -m m\ntwo", cell_id="2")
    assert (tmp_path / "own.sqlite").exists()


def test_two_kernels_keep_one_journal(
    kernel_environment: dict[str, str], server: ScriptedServer, tmp_path: Path
) -> None:
    at = f"%%chat --base-url {server.base_url} -m m"
    names = ("first", "second")
    with kernel_manager() as one, kernel_manager() as two:
        kernels = []
        for name, manager in zip(names, (one, two), strict=True):
            env = {**kernel_environment, "JPY_SESSION_NAME": f"{name}.ipynb"}
            manager.start_kernel(env=env, cwd=str(tmp_path))
            kernels.append(Kernel(manager))
            kernels[-1].run("%load_ext nbchat")
        for number in range(3):
            requests = [
                kernel.send(f"{at} -t {name}\n{name} {number}")
                for name, kernel in zip(names, kernels, strict=True)
            ]
            for request, kernel in zip(requests, kernels, strict=True):
                assert kernel.reply(request)["status"] == "ok"
        for other, kernel in zip(reversed(names), kernels, strict=True):
            listed = printed(kernel.run("%nbchat restore"))
            assert f"{other}.ipynb" in listed
            assert f"{other} (3 turns)" in listed
            kernel.client.stop_channels()
    assert len(list(tmp_path.rglob("nbchat.sqlite"))) == 1
