"""`--bg`: the cell returns at once and its answer goes on in its own output."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.calls import calls
from tests.support.kernels import Kernel, Messages, at, displays, ipykernel_version, printed
from tests.support.server import Hold, ScriptedServer, chat_stream

pytestmark = pytest.mark.kernel


def ids(messages: Messages) -> set[str]:
    return {content["transient"]["display_id"] for _, content in displays(messages)}


def until_text(kernel: Any, text: str) -> Messages:
    """Read messages, whosever they are, until the permanent output says ``text``."""
    messages = []
    while True:
        message = kernel.client.get_iopub_msg(timeout=60)
        messages.append(message)
        data = message["content"].get("data", {})
        if message["msg_type"] == "update_display_data" and data.get("text/plain") == text:
            return messages


def test_the_cell_returns_while_the_answer_streams(
    kernel: Any, server: ScriptedServer, wait_until: Any
) -> None:
    hold = Hold()
    frames = chat_stream("Back", "ground.")
    server.script(*frames[:2], hold, *frames[2:])
    first = kernel.run(f"{at(server)} --bg -o later\nhello", cell_id="one")
    (display_id,) = ids(first)
    # The answer is held back, and other cells run.
    assert hold.reached.wait(60)
    other = kernel.run("print('meanwhile', 'later' in globals())", cell_id="two")
    assert printed(other) == "meanwhile False\n"
    assert ids(other) <= {display_id}
    assert "running" in printed(kernel.run("%nbchat jobs"))
    hold.release()
    assert ids(until_text(kernel, "Background.")) == {display_id}
    wait_until(lambda: "done" in printed(kernel.run("%nbchat jobs")))
    assert printed(kernel.run("print(later.text)")) == "Background.\n"


def test_prompts_to_a_busy_thread_wait_their_turn(kernel: Any, server: ScriptedServer) -> None:
    hold = Hold()
    server.script(hold, *chat_stream("One."))
    server.script(*chat_stream("Two."))
    server.script(*chat_stream("Three."))
    kernel.run(f"{at(server)} --bg\none", cell_id="one")
    kernel.run(f"{at(server)} --bg\ntwo", cell_id="two")
    request = kernel.send(f"{at(server)}\nthree", cell_id="three")
    assert hold.reached.wait(60)
    assert len(server.exchanges) == 1
    hold.release()
    assert kernel.reply(request)["status"] == "ok"
    sent = [m["content"] for m in server.exchange(2).json["messages"]]
    assert sent == ["one", "One.", "two", "Two.", "three"]


def test_a_prompt_that_waits_its_turn_can_be_stopped(
    kernel: Any, server: ScriptedServer, wait_until: Any
) -> None:
    hold = Hold()
    server.script(hold, *chat_stream("One."))
    kernel.run(f"{at(server)} --bg\none", cell_id="one")
    kernel.run(f"{at(server)} --bg\ntwo", cell_id="two")
    assert hold.reached.wait(60)
    assert "stopping job 2" in printed(kernel.run("%nbchat stop 2"))
    wait_until(lambda: "2  stopped" in printed(kernel.run("%nbchat jobs")))
    assert "1  running" in printed(kernel.run("%nbchat jobs"))
    hold.release()
    kernel.run(f"{at(server)}\nthree", cell_id="three")
    sent = [m["content"] for m in server.exchange(1).json["messages"]]
    assert sent == ["one", "One.", "three"]


def test_a_background_prompt_is_stopped(
    kernel: Any, server: ScriptedServer, wait_until: Any
) -> None:
    hold = Hold()
    server.script(hold, *chat_stream("never"))
    kernel.run(f"{at(server)} --bg\nhello", cell_id="one")
    assert hold.reached.wait(60)
    assert "stopping job 1" in printed(kernel.run("%nbchat stop 1"))
    assert server.exchange(0).disconnected.wait(60)
    hold.release()
    kernel.run(f"{at(server)}\nagain", cell_id="two")
    assert len(server.exchange(1).json["messages"]) == 1
    wait_until(lambda: "stopped" in printed(kernel.run("%nbchat jobs")))


def test_a_failure_is_shown_in_its_own_output(
    kernel: Any, server: ScriptedServer, wait_until: Any
) -> None:
    hold = Hold()
    server.script(hold, *chat_stream("Half", " of it")[:2])
    first = kernel.run(f"{at(server)} --bg\nhello", cell_id="one")
    hold.release()
    messages = until_text(kernel, "Half")
    assert ids(messages) == ids(first)
    page = messages[-1]["content"]["data"]["text/html"]
    assert "cut off" in page
    wait_until(lambda: "failed" in printed(kernel.run("%nbchat jobs")))


def test_an_answer_is_shown_again(kernel: Any, server: ScriptedServer) -> None:
    server.script(*chat_stream("Hello."))
    kernel.run(f"{at(server)}\nhello", cell_id="one")
    messages = kernel.run("%nbchat show --last", cell_id="two")
    (shown,) = [m["content"] for m in messages if m["msg_type"] == "display_data"]
    assert shown["data"]["text/plain"] == "Hello."
    assert "Hello." in shown["data"]["text/html"]
    assert shown["metadata"]["nbchat"]["status"] == "completed"
    assert shown["metadata"]["nbchat"]["turn"]


LOOK = """\
import sys
from IPython.display import display
def look(page: int) -> int:
    \"\"\"Look.\"\"\"
    print("printed")
    print("complained", file=sys.stderr)
    display("displayed")
    return page
"""
LAST = """\
from nbchat.session import shared
import time
print("begun", flush=True)
while shared().jobs.all[0].state == "running":
    time.sleep(0.05)
"""


def test_nothing_of_it_appears_in_a_cell_that_runs_meanwhile(
    each_kernel: Kernel, server: ScriptedServer
) -> None:
    """Nor what its tools print and display, which is found in its own cell."""
    kernel = each_kernel
    # Before that ipykernel had one place for all that is printed: the cell that runs.
    keeps = ipykernel_version(kernel) >= (6, 31)
    kernel.run(LOOK)
    hold = Hold()
    server.script(hold, *calls("chat", ("look", {"page": 1})))
    server.script(*chat_stream("Half ", "of it"))
    one = kernel.send(f"{at(server)} --bg --tool look\nhello", cell_id="one")
    messages = list(kernel.messages(one))
    own = ids(messages)
    assert hold.reached.wait(60)
    two = kernel.send(LAST, cell_id="two")
    while True:
        message = kernel.client.get_iopub_msg(timeout=60)
        messages.append(message)
        if "begun" in str(message["content"].get("text")):
            hold.release()
        if message["parent_header"].get("msg_id") == two and "idle" in str(message["content"]):
            break
    of = {
        name: [m for m in messages if m["parent_header"].get("msg_id") == request]
        for name, request in (("one", one), ("two", two))
    }
    assert ids(of["two"]) <= own
    assert {kind for kind, _ in displays(of["two"])} == {"update_display_data"}
    assert [c["data"] for _, c in displays(of["one"])][-1]["text/plain"] == "'displayed'"
    assert "printed" not in printed(of["two"]) or not keeps
    assert "printed" in printed(of["one"]) or not keeps
    assert "complained" in printed(of["one"]) or not keeps
    assert "begun" in printed(of["two"])
