"""Calls of the notebook's functions on the page: where they ran, live and afterwards."""

from __future__ import annotations

from playwright.sync_api import Locator, expect

from tests.support.calls import calls
from tests.support.server import ScriptedServer, chat_stream

from .conftest import OpenNotebook
from .looks import SWAP, check_steady
from .samples import held

REPAINT = 100  # milliseconds

LOOK = '''def look(far: bool) -> str:
    """Look at the sea."""
    return "a ship, far out" * 20'''


def places(output: Locator) -> list[float]:
    """Return how far below the top of the output each word and call stands."""
    box = output.bounding_box()
    assert box
    tops = []
    for part in output.locator(":is(p, summary)").all():
        place = part.bounding_box()
        assert place
        tops.append(place["y"] - box["y"])
    return tops


def test_calls_stand_where_they_ran(chat: OpenNotebook, model: ScriptedServer) -> None:
    model.script(
        *calls("chat", ("look", {"far": True}), text="I look **first**, near the *shore*:")
    )
    model.script(
        *calls("chat", ("look", {"far": False}), ("look", {"far": True}), text="I look again:")
    )
    role, one, *rest = chat_stream("There is a ship.\n\nNothing else.")
    steps, holds = held((role, one))
    model.script(*steps, *rest)
    tab = chat(LOOK, "%%chat --tool look\nWhat do you see?")
    tab.run(1)
    output = tab.output(2)
    with tab.frames(2) as frames:
        tab.start(2)
        assert holds[0].reached.wait(20)
        expect(output).to_contain_text("Nothing else")
        tab.page.wait_for_timeout(REPAINT)
        live = places(output)
        holds[0].release()
        tab.wait_done(2)
        expect(output.locator(".jupyter-widgets")).to_have_count(0)
        tab.page.wait_for_timeout(REPAINT)
    after = places(output)
    assert len(after) == 7
    check_steady(frames)
    assert [round(y) for y in after] == sorted(round(y) for y in after)
    assert max(abs(a - b) for a, b in zip(live, after, strict=True)) <= SWAP
