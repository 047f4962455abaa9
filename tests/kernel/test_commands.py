"""Subcommands in a real kernel: what they show, and that they belong to their cells."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.kernels import at, printed
from tests.support.server import (
    UNTIL_DISCONNECT,
    ScriptedServer,
    chat_chunk,
    chat_stream,
    json_answer,
)

pytestmark = pytest.mark.kernel


def test_an_example_is_replaced_when_its_cell_runs_again(kernel: Any) -> None:
    kernel.run("%nbchat say user first", cell_id="1")
    kernel.run("%nbchat say assistant answer", cell_id="2")
    said = printed(kernel.run("%nbchat say user second", cell_id="1"))
    assert "replaces this cell's earlier answer; 1 later turn set aside" in said
    assert printed(kernel.run("%nbchat context")).startswith("user:      second\n\n")
    (shown,) = [m for m in kernel.run("%nbchat tree") if m["msg_type"] == "display_data"]
    assert set(shown["content"]["data"]) == {"text/plain", "text/html"}
    assert "● " in shown["content"]["data"]["text/plain"]


def test_the_picked_choice_is_marked_where_it_was_shown(
    run_notebook: Any, server: ScriptedServer
) -> None:
    server.script(chat_chunk({"content": "B"}, index=1), *chat_stream("A"))
    ask, pick, again = run_notebook(
        f"{at(server)} -n 2\nhello", "%nbchat pick 2", "%nbchat show --last"
    ).cells
    assert pick.outputs[0].text == "the thread main goes on with choice 2\n"
    for cell in (ask, again):
        (output,) = cell.outputs
        assert ">✓ Choice 2<" in output.data["text/html"]
        assert "goes on with choice 2 (%nbchat pick 1 main takes" in output.data["text/html"]


def test_the_doctor_can_be_interrupted(kernel: Any, server: ScriptedServer) -> None:
    server.script(*json_answer({"data": [{"id": "m"}]}))
    server.script(UNTIL_DISCONNECT)
    kernel.run(f"%nbchat set base_url={server.base_url} model=m")
    request = kernel.send("%nbchat doctor")
    exchange = server.exchange(1)
    kernel.manager.interrupt_kernel()
    assert kernel.reply(request)["status"] == "error"
    assert exchange.disconnected.wait(20)
    assert "main  0 turns" in printed(kernel.run("%nbchat threads"))
