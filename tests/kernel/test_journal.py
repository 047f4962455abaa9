"""Nothing is lost: a killed kernel's threads come back in a new one."""

from __future__ import annotations

import os
import signal
from pathlib import Path
from typing import Any

import pytest

from tests.support.kernels import at, printed, running_kernel
from tests.support.server import Hold, ScriptedServer, chat_stream

pytestmark = pytest.mark.kernel


def test_a_killed_kernel_loses_nothing(
    kernel_environment: dict[str, str], server: ScriptedServer, tmp_path: Path, wait_until: Any
) -> None:
    env = {**kernel_environment, "JPY_SESSION_NAME": str(tmp_path / "notebook.ipynb")}
    server.script(*chat_stream("One."))
    with running_kernel(env, tmp_path) as kernel:
        pid = int(printed(kernel.run("import os\nprint(os.getpid())")))
        kernel.run(f"{at(server)} -s 'Be brief.'\none", cell_id="1")
        kernel.run(f"{at(server)} -t other\nelsewhere", cell_id="2")
        hold = Hold()
        server.script(*chat_stream("Half of", " it")[:2], hold)
        request = kernel.send(f"{at(server)}\ntwo", cell_id="3")
        kernel.until_shown(request, "Half of")
        journal = next(tmp_path.rglob("nbchat.sqlite"))
        assert journal.stat().st_mode & 0o777 == 0o600
        files = [journal, journal.with_name(journal.name + "-wal")]
        wait_until(lambda: any(b"Half of" in file.read_bytes() for file in files if file.exists()))
        os.kill(pid, signal.SIGKILL)
        hold.release()

    with running_kernel(env, tmp_path) as kernel:
        restored = printed(kernel.run("%nbchat restore"))
        assert "main" in restored
        assert "other" in restored
        server.script(*chat_stream("Three."))
        kernel.run(f"{at(server)}\nthree", cell_id="4")
        sent = [(m["role"], m["content"]) for m in server.exchanges[-1].json["messages"]]
        assert sent == [
            ("system", "Be brief."),
            ("user", "one"),
            ("assistant", "One."),
            ("user", "two"),
            ("assistant", "Half of"),
            ("user", "three"),
        ]


def test_nothing_is_kept_if_that_is_not_wanted(
    kernel: Any, server: ScriptedServer, tmp_path: Path
) -> None:
    kernel.run("%config NbChat.journal = False")
    kernel.run(f"{at(server)}\none", cell_id="1")
    assert list(tmp_path.rglob("nbchat.sqlite")) == []
    kernel.run(f"%config NbChat.journal = {str(tmp_path / 'own.sqlite')!r}")
    kernel.run(f"{at(server)}\ntwo", cell_id="2")
    assert (tmp_path / "own.sqlite").exists()


def test_two_kernels_keep_one_journal(
    kernel_environment: dict[str, str], server: ScriptedServer, tmp_path: Path
) -> None:
    names = ("first", "second")
    one, two = ({**kernel_environment, "JPY_SESSION_NAME": f"{name}.ipynb"} for name in names)
    with running_kernel(one, tmp_path) as first, running_kernel(two, tmp_path) as second:
        kernels = (first, second)
        for number in range(3):
            requests = [
                kernel.send(f"{at(server)} -t {name}\n{name} {number}")
                for name, kernel in zip(names, kernels, strict=True)
            ]
            for request, kernel in zip(requests, kernels, strict=True):
                assert kernel.reply(request)["status"] == "ok"
        for other, kernel in zip(reversed(names), kernels, strict=True):
            listed = printed(kernel.run("%nbchat restore"))
            assert f"{other}.ipynb" in listed
            assert f"{other} (3 turns)" in listed
    assert len(list(tmp_path.rglob("nbchat.sqlite"))) == 1
