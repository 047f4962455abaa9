"""nbchat in real kernels, against a scripted server and the embedded model."""

from __future__ import annotations

import itertools
import json
import os
import signal
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbclient.exceptions import CellExecutionError

from tests.support.kernels import at, displays, printed
from tests.support.server import (
    UNTIL_DISCONNECT,
    Hold,
    ScriptedServer,
    chat_stream,
    error_answer,
)

pytestmark = pytest.mark.kernel

VIEW = "application/vnd.jupyter.widget-view+json"


def test_only_the_permanent_output_is_stored(run_notebook: Any, server: ScriptedServer) -> None:
    server.script(*chat_stream(*[f"word{n} " for n in range(50)]))
    notebook = run_notebook(f"{at(server)}\nhello")
    assert "widgets" not in notebook.metadata
    (output,) = notebook.cells[0].outputs
    assert output.output_type == "display_data"
    assert sorted(output.data) == ["text/html", "text/plain"]
    assert output.data["text/plain"].startswith("word0 word1")
    facts = output.metadata["nbchat"]
    assert facts["finish_reason"] == "stop"
    assert facts["usage"]["input"] == 3
    assert facts["thread"] == "main"
    assert facts["model"] == "test-model"
    assert facts["provider"] == f"127.0.0.1:{server.port}"
    assert facts["turn"]


def test_the_cell_fails_and_the_saved_output_holds_the_message(
    run_notebook: Any, server: ScriptedServer
) -> None:
    server.script(*error_answer(404, "no such model"))
    with pytest.raises(CellExecutionError, match="no such model"):
        run_notebook(f"{at(server)}\nhello", "after = 1")
    server.script(*error_answer(404, "no such model"))
    notebook = run_notebook(f"{at(server)}\nhello", allow_errors=True)
    (output,) = [o for o in notebook.cells[0].outputs if o.output_type == "error"]
    assert 1 <= len(output.traceback) <= 3
    assert "no such model" in "\n".join(output.traceback)
    assert output.ename == "NotFoundError"


def test_no_provider_is_a_short_error(run_notebook: Any, tmp_path: Path) -> None:
    empty = {"NBCHAT_CACHE_DIR": str(tmp_path / "no-weights")}
    notebook = run_notebook("%%chat\nhello", allow_errors=True, env=empty)
    (output,) = notebook.cells[0].outputs
    assert output.ename == "ConfigurationError"
    assert len(output.traceback) == 3


def test_an_empty_cell_is_an_error_that_is_saved(run_notebook: Any) -> None:
    (output,) = run_notebook("%%chat", allow_errors=True).cells[0].outputs
    assert output.ename == "UsageError"
    assert "the prompt is empty" in "".join(output.traceback)


def test_a_key_can_not_be_typed_without_input(run_notebook: Any) -> None:
    (output,) = run_notebook("%nbchat key openai", allow_errors=True).cells[0].outputs
    assert output.ename == "ConfigurationError"
    assert "set OPENAI_API_KEY instead" in output.evalue


# --- Widgets, interrupts -------------------------------------------------------------------


def test_a_cell_with_an_id_gets_widgets_and_then_the_permanent_output(
    kernel: Any, server: ScriptedServer
) -> None:
    server.script(*chat_stream("Hel", "lo."))
    shown = displays(kernel.run(f"{at(server)}\nhello", cell_id="cell-1"))
    (first, live), (last, permanent) = shown
    assert (first, last) == ("display_data", "update_display_data")
    assert VIEW in live["data"]
    assert sorted(permanent["data"]) == ["text/html", "text/plain"]
    assert permanent["data"]["text/plain"] == "Hello."
    assert live["transient"]["display_id"] == permanent["transient"]["display_id"]


def test_a_loop_is_left_by_an_interrupt(kernel: Any, server: ScriptedServer) -> None:
    """`except Exception` in the user's loop does not swallow it."""
    hold = Hold()
    server.script(hold, UNTIL_DISCONNECT)
    loop = (
        "for n in range(3):\n    try:\n"
        f"        {at(server)[1:]} hello\n"
        "    except Exception:\n        pass\n"
    )
    request = kernel.send(loop)
    assert hold.reached.wait(60)
    kernel.manager.interrupt_kernel()
    assert kernel.reply(request)["ename"] == "Interrupted"
    assert len(server.exchanges) == 1
    hold.release()


# --- Keys -----------------------------------------------------------------------------------

CANARY = "sk-canary-7f3d9b52e1"


def test_no_key_appears_anywhere(
    run_notebook: Any,
    server: ScriptedServer,
    tmp_path: Path,
    capfd: pytest.CaptureFixture[str],
) -> None:
    """A canary key is searched for in notebook, files of the kernel, logs and standard error."""
    echoed = {"error": {"message": f"Incorrect API key provided: {CANARY}", "code": "k"}}
    server.script(*error_answer(401, f"Incorrect API key provided: {CANARY}"))
    server.script(*error_answer(401, f"Incorrect API key provided: {CANARY}"))
    server.script(*chat_stream("Hel", "lo.")[:2])
    server.script(*chat_stream(json.dumps(echoed)[:20]))
    notebook = run_notebook(
        "import logging; logging.basicConfig(level=logging.DEBUG, filename='debug.log')",
        "%xmode Verbose",
        "%%chat\nhello",
        "%config NbChat.traceback = True",
        "%%chat\nhello",
        "%%chat -o cut\nhello",
        "%%chat -o whole\nhello",
        "%%chat --dry-run\nhello",
        "%%chat --curl\nhello",
        "%nbchat",
        "%config NbChat",
        "whole, whole.request, whole.raw",
        "from nbchat.session import shared\n"
        "session = shared()\n"
        "print(vars(session), session.keys, vars(session.keys))\n"
        "session.provider.__func__, session.keys.find('OPENAI_API_KEY')",
        allow_errors=True,
        env={"OPENAI_API_KEY": CANARY, "OPENAI_BASE_URL": server.base_url},
    )
    assert server.exchange(0).headers["authorization"] == f"Bearer {CANARY}"
    (tmp_path / "saved.ipynb").write_text(nbformat.writes(notebook), "utf-8")
    assert notebook.cells[4].outputs[-1].ename == "AuthenticationError"
    assert len(notebook.cells[4].outputs[-1].traceback) > 3
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert (tmp_path / "debug.log") in files
    for path in files:
        assert CANARY.encode() not in path.read_bytes(), path
    assert CANARY not in "".join(capfd.readouterr())


def test_unloading_ends_loop_and_hooks(kernel: Any, server: ScriptedServer) -> None:
    kernel.run(f"{at(server)}\nhello")
    source = (
        "%unload_ext nbchat\n"
        "import threading, time\n"
        "for thread in threading.enumerate():\n"
        "    if thread.name.startswith('nbchat'):\n"
        "        thread.join(60)\n"
        "left = [t.name for t in threading.enumerate() if t.name.startswith('nbchat')]\n"
        "shell = get_ipython()\n"
        "print(left, 'chat' in shell.magics_manager.magics['cell'])"
    )
    assert printed(kernel.run(source)) == "[] False\n"


# --- The embedded model ---------------------------------------------------------------------


@pytest.mark.model
def test_both_magics_on_the_embedded_model(run_notebook: Any, weights: Path) -> None:
    notebook = run_notebook(
        "%%chat -p local --temperature 0 -s 'Be brief.' -o one\nWhat is the capital of France?",
        "%%respond -p local --temperature 0 -o two\nAnd the capital of Italy?",
        "%%chat --temperature 0 -o three\nWhich of the two is larger?",
        "facts = [(r.text, r.usage.input, r.usage.output, r.status) for r in (one, two, three)]\n"
        "import json; print(json.dumps(facts))",
    )
    facts = json.loads(notebook.cells[3].outputs[0].text)
    assert all(text and output for text, _, output, _ in facts)
    # Each prompt holds all that came before it.
    for (_, earlier, answered, _), (_, later, _, _) in itertools.pairwise(facts):
        assert later > earlier + answered
    assert "no key found: the embedded model" in notebook.cells[2].outputs[0].data["text/html"]


@pytest.mark.model
def test_the_embedded_server_ends_with_a_killed_kernel(
    kernel: Any, weights: Path, wait_until: Any
) -> None:
    messages = kernel.run(
        "%chat -p local --max-tokens 4 hello\n"
        "from nbchat.local import server\n"
        "import json, os, psutil\n"
        "print('PIDS', json.dumps([os.getpid(), *[c.pid for c in psutil.Process().children()]]))"
    )
    kernel_pid, *children = json.loads(printed(messages).split("PIDS", 1)[1])
    assert children
    os.kill(kernel_pid, signal.SIGKILL)
    wait_until(lambda: not any(_alive(pid) for pid in children))


def _alive(pid: int) -> bool:
    try:
        status = Path(f"/proc/{pid}/stat").read_text("utf-8")
    except OSError:
        return False
    return status.rpartition(")")[2].split()[0] != "Z"
