"""Stopping an answer: the button in the output, and the notebook's own interrupt."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import expect

from tests.support.server import UNTIL_DISCONNECT, ScriptedServer, chat_stream

from .conftest import OpenNotebook
from .driver import FrontEnd, Tab
from .lab import JupyterServer


def click(tab: Tab) -> None:
    tab.output(1).get_by_role("button", name="Stop").click()


def interrupt(tab: Tab) -> None:
    tab.prompt(1).click()
    tab.page.keyboard.press("i")
    tab.page.keyboard.press("i")


# ipykernel hears an interrupt until it has sent the reply of the cell, of any cell, and one that
# strikes right before that loses the reply. So the clean-up lasts until the second one is there.
WAIT_FOR_ANOTHER = """\
import signal, time
from nbchat.session.flight import Flight
def wait(self, *args, close=Flight.close):
    handler, struck = signal.getsignal(signal.SIGINT), []
    signal.signal(signal.SIGINT, lambda *strike: (struck.append(strike), handler(*strike)))
    print("cleaning up", flush=True)
    while not struck:
        time.sleep(0.01)
    signal.signal(signal.SIGINT, handler)
    Flight.close = close
    close(self, *args)
Flight.close = wait
"""


def interrupt_twice(tab: Tab) -> None:
    interrupt(tab)
    expect(tab.output(1)).to_contain_text("cleaning up")
    interrupt(tab)


WAYS: list[tuple[Callable[[Tab], None], FrontEnd]] = [
    (click, "lab"),
    (interrupt, "lab"),
    (interrupt_twice, "lab"),
    (click, "notebook"),
    (interrupt, "notebook"),
]


@pytest.mark.parametrize(("stop", "front"), WAYS)
def test_what_had_come_is_kept_and_the_thread_goes_on(
    stop: Callable[[Tab], None],
    front: FrontEnd,
    chat: OpenNotebook,
    model: ScriptedServer,
    jupyter: JupyterServer,
) -> None:
    model.script(*chat_stream("A **partial** ans")[:2], UNTIL_DISCONNECT)
    tab = chat("%%chat\nTell me.", "%%chat\nGo on.", WAIT_FOR_ANOTHER, front=front)
    if stop is interrupt_twice:
        tab.run(3)
    tab.start(1)
    expect(tab.output(1)).to_contain_text("A partial ans")
    expect(tab.prompt(1)).to_have_text("[*]:")
    stop(tab)
    # The server says nothing more until it sees that nobody listens.
    assert model.exchange(0).disconnected.wait(20)
    tab.wait_done(1)
    expect(tab.output(1).locator(".jupyter-widgets")).to_have_count(0)
    lines = tab.output(1).inner_text().split("\n")
    assert "A partial ans" in lines
    assert any("stopped" in line for line in lines)
    assert "Traceback" not in tab.output(1).inner_text()

    tab.run(2)
    said = [(m["role"], m["content"]) for m in model.exchange(1).json["messages"]]
    assert said[:2] == [("user", "Tell me."), ("assistant", "A **partial** ans")]
    assert said[-1] == ("user", "Go on.")

    tab.save()
    outputs = jupyter.read(tab.name).cells[1].outputs
    answer, error = (output for output in outputs if output.get("text") != "cleaning up\n")
    assert answer.metadata["nbchat"]["status"] == "stopped"
    (shown,) = error.traceback
    assert "Interrupt" in shown


def test_stop_before_the_first_word(chat: OpenNotebook, model: ScriptedServer) -> None:
    model.script(UNTIL_DISCONNECT)
    tab = chat("%%chat\nTell me.", "%%chat\nGo on.")
    tab.start(1)
    model.exchange(0)
    click(tab)
    assert model.exchange(0).disconnected.wait(20)
    tab.wait_done(1)
    expect(tab.output(1)).to_contain_text("stopped")
    tab.run(2)
    messages = model.exchange(1).json["messages"]
    assert [message["content"] for message in messages] == ["Go on."]


def test_stop_in_the_background(chat: OpenNotebook, model: ScriptedServer) -> None:
    model.script(*chat_stream("A **partial** ans")[:2], UNTIL_DISCONNECT)
    tab = chat("%%chat --bg\nTell me.")
    tab.run(1)
    expect(tab.output(1)).to_contain_text("A partial ans")
    click(tab)
    assert model.exchange(0).disconnected.wait(20)
    expect(tab.output(1)).to_contain_text("stopped")
    expect(tab.output(1).locator(".jupyter-widgets")).to_have_count(0)
    expect(tab.output(1)).to_contain_text("A partial ans")
