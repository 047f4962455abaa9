"""Stopping an answer, for each ipykernel: the notebook's interrupt, and the Stop button.

What a kernel must do follows from its version alone.
"""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.calls import calls
from tests.support.kernels import Kernel, Messages, at, ipykernel_version, printed
from tests.support.server import UNTIL_DISCONNECT, Hold, ScriptedServer, chat_stream

pytestmark = pytest.mark.kernel


@pytest.fixture
def kernel(each_kernel: Kernel) -> Kernel:
    return each_kernel


def ids(messages: Messages, kind: str, model: str = "") -> list[str]:
    """The ids of the comms, of all or of one kind of widget, that messages open or close."""
    contents = [m["content"] for m in messages if m["msg_type"] == kind]
    return [c["comm_id"] for c in contents if not model or model in str(c["data"])]


def start(kernel: Kernel, server: ScriptedServer) -> tuple[str, Messages]:
    """Run a cell until half of its answer is on the screen; no more will come."""
    server.script(*chat_stream("Half", " more")[:2], UNTIL_DISCONNECT)
    request = kernel.send(f"{at(server)}\nhello", cell_id="one")
    return request, kernel.until_shown(request, "Half")


def check_stopped(
    kernel: Kernel, server: ScriptedServer, request: str, messages: Messages
) -> None:
    """The half is kept and marked, the connection closed, the thread usable, the error a line."""
    messages = [*messages, *kernel.messages(request)]
    assert server.exchange(0).disconnected.wait(20)
    assert kernel.reply(request)["ename"] == "Interrupted"
    (error,) = [m["content"] for m in messages if m["msg_type"] == "error"]
    assert len(error["traceback"]) == 1
    (permanent,) = [m["content"] for m in messages if m["msg_type"] == "update_display_data"]
    assert permanent["data"]["text/plain"] == "Half"
    assert permanent["metadata"]["nbchat"]["status"] == "stopped"
    assert "stopped" in permanent["data"]["text/html"]
    opened, closed = ids(messages, "comm_open"), ids(messages, "comm_close")
    assert opened
    assert sorted(opened) == sorted(closed)
    kernel.run(f"{at(server)}\nagain", cell_id="two")
    sent = [message["content"] for message in server.exchange(1).json["messages"]]
    assert sent == ["hello", "Half", "again"]


# --- The interrupt --------------------------------------------------------------------------


def test_an_interrupt_in_the_stream(kernel: Kernel, server: ScriptedServer) -> None:
    request, messages = start(kernel, server)
    kernel.manager.interrupt_kernel()
    check_stopped(kernel, server, request, messages)


def test_an_interrupt_while_waiting(kernel: Kernel, server: ScriptedServer) -> None:
    hold = Hold()
    server.script(hold, UNTIL_DISCONNECT)
    request = kernel.send(f"{at(server)}\nhello", cell_id="one")
    assert hold.reached.wait(60)
    kernel.manager.interrupt_kernel()
    assert kernel.reply(request)["ename"] == "Interrupted"
    assert server.exchange(0).disconnected.wait(20)
    hold.release()
    kernel.run(f"{at(server)}\nagain", cell_id="two")
    assert len(server.exchange(1).json["messages"]) == 1


STRIKE = """\
import os, signal
from {module} import {kind}
struck = []
def strike(self, *args, _close={kind}.close):
    struck.append(self)
    {kind}.close = _close
    os.kill(os.getpid(), signal.SIGINT)
    _close(self, *args)
{kind}.close = strike
"""


@pytest.mark.parametrize(
    ("module", "kind"),
    [("nbchat.session.flight", "Flight"), ("nbchat.view.widgets", "WidgetScreen")],
)
def test_a_second_interrupt_in_the_clean_up(
    kernel: Kernel, server: ScriptedServer, module: str, kind: str
) -> None:
    """The kernel strikes itself at the very moment when it begins to clean up."""
    kernel.run(STRIKE.format(module=module, kind=kind))
    request, messages = start(kernel, server)
    kernel.manager.interrupt_kernel()
    check_stopped(kernel, server, request, messages)
    assert printed(kernel.run("print(len(struck))")) == "1\n"


# --- The button -----------------------------------------------------------------------------


def test_a_click_on_stop(kernel: Kernel, server: ScriptedServer) -> None:
    """From ipykernel 7 on a click is heard while the cell runs; before, there is no button."""
    hears = ipykernel_version(kernel) >= (7,)
    request, messages = start(kernel, server)
    buttons = ids(messages, "comm_open", "ButtonModel")
    assert len(buttons) == hears
    assert ("■ in the toolbar stops" in str(messages)) is not hears
    if hears:
        kernel.click(buttons[0])
    else:
        kernel.manager.interrupt_kernel()
    check_stopped(kernel, server, request, messages)


def test_a_click_in_the_background(
    kernel: Kernel, server: ScriptedServer, wait_until: Any
) -> None:
    """The cell is done, so that any ipykernel hears it."""
    subshell = ipykernel_version(kernel) >= (7,)
    server.script(*chat_stream("Half", " more")[:2], UNTIL_DISCONNECT)
    opened = kernel.run(f"{at(server)} --bg\nhello", cell_id="one")
    (button,) = ids(opened, "comm_open", "ButtonModel")
    assert server.exchange(0)
    kernel.click(button, subshell=subshell)
    assert server.exchange(0).disconnected.wait(20)
    kernel.run(f"{at(server)}\nagain", cell_id="two")
    wait_until(lambda: "stopped" in printed(kernel.run("%nbchat jobs")))


HANGS = """\
import time
def hang(a: int) -> int:
    \"\"\"Never return.\"\"\"
    print("it hangs", flush=True)
    while True:
        time.sleep(600)
"""


@pytest.mark.parametrize("magic", ["chat", "respond"])
def test_a_click_while_a_function_hangs(
    kernel: Kernel, server: ScriptedServer, magic: str
) -> None:
    """It stops what runs on the main thread, which looks at no event, and nothing after it."""
    hears = ipykernel_version(kernel) >= (7,)
    kernel.run(HANGS)
    server.script(*calls(magic, ("hang", {"a": 1})))
    cell = f"%%{magic} --base-url {server.base_url} -m m"
    request = kernel.send(f"{cell} --tool hang\nhello", cell_id="one")
    messages = kernel.until_shown(request, "it hangs")
    if hears:
        kernel.click(*ids(messages, "comm_open", "ButtonModel"))
    else:
        kernel.manager.interrupt_kernel()
    assert kernel.reply(request)["ename"] == "Interrupted"
    assert printed(kernel.run("print('alive')")).strip() == "alive"
    kernel.run(f"{cell}\nagain", cell_id="two")
    assert "interrupted by the user" in str(server.exchanges[-1].json)
