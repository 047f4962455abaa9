"""An answer while it streams, the moment it is done, and what is left of it."""

from __future__ import annotations

from typing import get_args

import pytest
from playwright.sync_api import expect

from tests.support.server import ScriptedServer, chat_chunk, chat_stream

from .conftest import OpenNotebook
from .driver import FrontEnd
from .lab import JupyterServer
from .looks import check_steady
from .samples import LAST, MIXED, go_on, held, paced

REPAINT = 100  # milliseconds: twice the shortest interval between two repaints


def test_text_is_seen_as_soon_as_it_comes(chat: OpenNotebook, model: ScriptedServer) -> None:
    role, one, two, *rest = chat_stream("Once **upon", "** a time")
    steps, (first, second) = held((role, one), (two,))
    model.script(*steps, *rest)
    tab = chat("%%chat\nTell me a story.")
    tab.start(1)
    expect(tab.output(1).locator("strong")).to_have_text("upon")
    assert "*" not in tab.output(1).inner_text(), "raw syntax is seen"
    first.release()
    expect(tab.output(1)).to_contain_text("Once upon a time")
    expect(tab.prompt(1)).to_have_text("[*]:")
    second.release()
    tab.wait_done(1)
    expect(tab.output(1)).to_contain_text("Once upon a time")


@pytest.mark.parametrize("front", get_args(FrontEnd))
def test_nothing_jumps_while_an_answer_streams_and_when_it_is_done(
    front: FrontEnd, chat: OpenNotebook, model: ScriptedServer
) -> None:
    steps, holds = paced(MIXED * 2)
    model.script(*chat_stream("$x$"))
    model.script(*steps)
    cells = ("%%chat\nExplain the standard error.", "%%chat\nA formula, to load MathJax.")
    tab = chat(*cells, front=front)
    tab.run(2)
    expect(tab.output(2).locator("mjx-container")).to_have_count(1)
    with tab.frames(1) as frames:
        tab.start(1)
        go_on(tab.page, holds[:-1], REPAINT)
        assert holds[-1].reached.wait(20)
        expect(tab.output(1).get_by_text(LAST)).to_have_count(2)
        # The reader has scrolled to somewhere in the answer.
        tab.output(1).get_by_text(LAST).first.scroll_into_view_if_needed()
        tab.page.wait_for_timeout(REPAINT)
        holds[-1].release()
        tab.wait_done(1)
        expect(tab.output(1).locator(".jupyter-widgets")).to_have_count(0)
        tab.page.wait_for_timeout(REPAINT)
    assert check_steady(frames) > 0


def test_the_text_stays_below_the_folded_reasoning(
    chat: OpenNotebook, model: ScriptedServer
) -> None:
    role, text, *end = chat_stream("The answer.")
    thought = chat_chunk({"reasoning_content": "A thought."})
    steps, (hold,) = held((role, thought, text))
    model.script(*steps, *end)
    tab = chat("%%chat\nTell me.")
    tab.start(1)
    words = tab.output(1).get_by_text("The answer.", exact=True)
    expect(words).to_be_visible()
    before = words.bounding_box()
    hold.release()
    tab.wait_done(1)
    expect(tab.output(1).locator(".jupyter-widgets")).to_have_count(0)
    after = words.bounding_box()
    assert before is not None
    assert after is not None
    assert abs(before["y"] - after["y"]) < 1


def test_a_reader_who_scrolls_up_stays_where_he_reads(
    chat: OpenNotebook, model: ScriptedServer
) -> None:
    steps, holds = paced(MIXED * 3, deltas=150)
    model.script(*steps)
    tab = chat("%%chat\nExplain the standard error.", "")
    tab.start(1)
    assert holds[0].reached.wait(20)
    holds[0].release()
    expect(tab.output(1)).to_contain_text(LAST)
    tab.output(1).locator("table").first.evaluate("table => table.scrollIntoView()")
    with tab.frames(1) as frames:
        go_on(tab.page, holds[1:], REPAINT)
        tab.wait_done(1)
        expect(tab.output(1).locator(".jupyter-widgets")).to_have_count(0)
    (top,) = {frame.top for frame in frames}
    assert top > 0


def test_the_answer_is_there_without_a_kernel(
    chat: OpenNotebook, model: ScriptedServer, jupyter: JupyterServer
) -> None:
    model.script(*chat_stream(MIXED))
    tab = chat("%%chat\nExplain the standard error.")
    tab.run(1)
    expect(tab.output(1).locator(".jupyter-widgets")).to_have_count(0)
    # MathJax has set the formulas by then.
    expect(tab.output(1).locator("mjx-container")).to_have_count(2)
    text, height = tab.output(1).inner_text(), tab.output(1).bounding_box()["height"]
    tab.save()
    (output,) = jupyter.read(tab.name).cells[1].outputs
    assert sorted(output.data) == ["text/html", "text/plain"]
    assert output.data["text/plain"].strip() == MIXED.strip()
    assert output.metadata["nbchat"]["status"] == "completed"
    assert "widgets" not in jupyter.read(tab.name).metadata

    jupyter.shut_down(tab.name)
    tab.reload(kernel=False)
    expect(tab.output(1).locator("mjx-container")).to_have_count(2)
    assert tab.output(1).inner_text() == text
    assert tab.output(1).bounding_box()["height"] == height

    tab.name = jupyter.copy_unsigned(tab.name)
    tab.reload(kernel=False)
    expect(tab.output(1).locator("mjx-container")).to_have_count(2)
    assert tab.output(1).inner_text() == text


def test_a_background_answer_streams_into_its_own_cell(
    chat: OpenNotebook, model: ScriptedServer
) -> None:
    frames = chat_stream("In the back", "ground.")
    steps, (hold,) = held(frames[:2])
    model.script(*steps, *frames[2:])
    tab = chat("%%chat --bg\nTell me.", "print('meanwhile')")
    tab.run(1)
    expect(tab.output(1)).to_contain_text("In the back")
    tab.run(2)
    hold.release()
    expect(tab.output(1)).to_contain_text("In the background.")
    expect(tab.output(1).locator(".jupyter-widgets")).to_have_count(0)
    assert tab.output(2).inner_text().strip() == "meanwhile"
