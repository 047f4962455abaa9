"""An answer while it streams, the moment it is done, and what is left of it."""

from __future__ import annotations

import re
from typing import get_args

import pytest
from playwright.sync_api import expect

from tests.support.server import (
    Head,
    ScriptedServer,
    chat_chunk,
    chat_stream,
    responses_stream,
    sse,
)

from .conftest import OpenNotebook
from .driver import FrontEnd
from .lab import JupyterServer
from .looks import check_steady
from .samples import LAST, MIXED, go_on, held, paced

REPAINT = 100  # milliseconds: twice the shortest interval between two repaints


@pytest.mark.parametrize("front", get_args(FrontEnd))
def test_text_is_seen_as_soon_as_it_comes(
    front: FrontEnd, chat: OpenNotebook, model: ScriptedServer
) -> None:
    role, one, two, *rest = chat_stream("Once **upon", "** a time")
    steps, (first, second) = held((role, one), (two,))
    model.script(*steps, *rest)
    tab = chat("%%chat\nTell me a story.", front=front)
    tab.start(1)
    expect(tab.output(1).locator("strong")).to_have_text("upon")
    assert "*" not in tab.output(1).inner_text(), "raw syntax is seen"
    first.release()
    expect(tab.output(1)).to_contain_text("Once upon a time")
    expect(tab.prompt(1)).to_have_text("[*]:")
    second.release()
    tab.wait_done(1)
    expect(tab.output(1)).to_contain_text("Once upon a time")


MARKERS = """\
Words with **weight**, `code` and *more*; see [the page](https://example.org/a) and ~~not~~ that.

| first | second |
|-------|--------|
| one   | **two** |

```python
value = 1
```

So $x^2$ it is, or

$$
y^2
$$

and the end.
"""


@pytest.mark.parametrize("front", get_args(FrontEnd))
def test_no_frame_shows_raw_syntax(
    front: FrontEnd, chat: OpenNotebook, model: ScriptedServer
) -> None:
    *frames, finish, usage, done = chat_stream(*MARKERS)
    steps, holds = held(*([frame] for frame in frames))
    model.script(*chat_stream("$x$"))
    model.script(*steps, finish, usage, done)
    tab = chat("%%chat\nTell me.", "%%chat --once\nTo load MathJax.", front=front)
    tab.run(2)
    expect(tab.output(2).locator("mjx-container")).to_have_count(1)
    with tab.frames(1) as seen:
        tab.start(1)
        for hold in holds:
            assert hold.reached.wait(20)
            tab.page.wait_for_timeout(REPAINT / 2)
            hold.release()
        tab.wait_done(1)
        expect(tab.output(1).locator(".jupyter-widgets")).to_have_count(0)
        expect(tab.output(1)).to_contain_text("and the end.")
    texts = {frame.text for frame in seen}
    assert [text[-80:] for text in texts if any(mark in text for mark in RAW)] == []
    assert len(texts) > 60, "the answer came in few pieces"


RAW = ("*", "`", "[", "](", "~", "|", "$", "\\(", "\\[", "---", "python")


@pytest.mark.parametrize("front", get_args(FrontEnd))
def test_a_selection_in_what_is_settled_survives(
    front: FrontEnd, chat: OpenNotebook, model: ScriptedServer
) -> None:
    steps, holds = paced(MIXED * 4, deltas=60)
    model.script(*steps)
    tab = chat("%%chat\nExplain the standard error.", front=front)
    tab.start(1)
    middle = len(holds) // 2
    for hold in holds[:middle]:
        assert hold.reached.wait(20)
        hold.release()
    assert holds[middle].reached.wait(20)
    expect(tab.output(1).locator("table").first).to_be_visible()
    paragraph = tab.output(1).get_by_text("of a mean is").first
    paragraph.scroll_into_view_if_needed()
    paragraph.evaluate("p => getSelection().selectAllChildren(p)")
    selected = tab.page.evaluate("() => getSelection().toString()")
    assert "square root" in selected
    for hold in holds[middle:-1]:
        assert hold.reached.wait(20)
        tab.page.wait_for_timeout(REPAINT)
        hold.release()
    assert holds[-1].reached.wait(20)
    expect(tab.output(1).get_by_text(LAST)).to_have_count(4)
    assert tab.page.evaluate("() => getSelection().toString()") == selected
    holds[-1].release()
    tab.wait_done(1)


def test_the_seconds_of_waiting_are_counted_then_the_time_to_the_first_token(
    chat: OpenNotebook, model: ScriptedServer
) -> None:
    role, text, *rest = chat_stream("At last.")
    steps, (waiting, streaming) = held((role,), (text,))
    model.script(*steps, *rest)
    tab = chat("%%chat\nTell me.")
    tab.start(1)
    footer = tab.output(1).locator(".nbchat-footer")
    expect(footer).to_have_text("waiting … 1 s")
    expect(footer).to_have_text("waiting … 2 s")
    waiting.release()
    expect(footer).to_have_text(re.compile(r"^first token after [1-9]\d*\.\d s$"))
    streaming.release()
    tab.wait_done(1)
    expect(footer).to_contain_text("in, ")


def test_what_goes_on_shows_as_a_line(chat: OpenNotebook, model: ScriptedServer) -> None:
    """A retry is counted down, a search says what it looks for."""
    item = {"type": "web_search_call", "id": "ws_1", "status": "in_progress"}
    query = {"type": "search", "query": "weather in Oslo"}
    searching = [
        {"type": "response.created", "response": {"id": "r", "status": "in_progress"}},
        {"type": "response.output_item.added", "output_index": 0, "item": item},
        {
            "type": "response.output_item.done",
            "output_index": 0,
            "item": {**item, "action": query, "status": "completed"},
        },
    ]
    model.script(Head(503, {"retry-after": "2"}), b"{}")
    begun, rest = searching[:2], searching[2:]
    steps, holds = held([sse(event, event["type"]) for event in begun], [sse(rest[0])])
    model.script(*steps, *responses_stream("It rains.")[1:])
    tab = chat("%%respond\nTell me.")
    tab.start(1)
    expect(tab.output(1)).to_contain_text("trying again (1 of 2) in 1 s")
    expect(tab.output(1)).to_contain_text("web search")
    holds[0].release()
    expect(tab.output(1)).to_contain_text("web search: completed weather in Oslo")
    holds[1].release()
    tab.wait_done(1)
    expect(tab.output(1).locator(".jupyter-widgets")).to_have_count(0)
    expect(tab.output(1)).to_contain_text("web search: completed weather in Oslo")
    expect(tab.output(1)).to_contain_text("It rains.")


def test_reasoning_streams_where_the_reader_has_unfolded_it(
    chat: OpenNotebook, model: ScriptedServer
) -> None:
    role, text, *end = chat_stream("The answer.")
    thoughts = [chat_chunk({"reasoning_content": t}) for t in ("First **one", "** thought")]
    steps, holds = held((role, thoughts[0]), (thoughts[1],), (text,))
    model.script(*steps, *end)
    tab = chat("%%chat\nTell me.")
    tab.start(1)
    thought = tab.output(1).get_by_text("First one")
    expect(thought).to_be_attached()
    expect(thought).not_to_be_visible()
    tab.output(1).get_by_text("Reasoning", exact=True).click()
    expect(thought).to_be_visible()
    expect(thought.locator("strong")).to_have_text("one")
    holds[0].release()
    expect(thought).to_have_text("First one thought")
    expect(thought).to_be_visible()
    holds[1].release()
    expect(tab.output(1)).to_contain_text("The answer.")
    expect(thought).to_be_visible()
    holds[2].release()
    tab.wait_done(1)
    expect(tab.output(1).locator(".jupyter-widgets")).to_have_count(0)
    expect(tab.output(1).get_by_text("First one thought")).not_to_be_visible()
    expect(tab.output(1).locator("summary")).to_contain_text("Reasoning")


def test_an_answer_whose_tab_was_closed_is_shown_again(
    chat: OpenNotebook, model: ScriptedServer
) -> None:
    frames = chat_stream("Half of it", " and the rest.")
    steps, (hold,) = held(frames[:2])
    model.script(*steps, *frames[2:])
    tab = chat("%%chat\nTell me.", "%nbchat show --last")
    tab.save()
    tab.start(1)
    expect(tab.output(1)).to_contain_text("Half of it")
    tab.page.goto("about:blank")
    hold.release()
    tab.open()
    expect(tab.output(1)).not_to_contain_text("and the rest")
    tab.run(2)
    expect(tab.output(2)).to_contain_text("Half of it and the rest.")
    expect(tab.output(2).locator(".nbchat-footer")).to_contain_text("3 in, 2 out")


def test_an_output_that_scrolls_stays_where_the_reader_has_scrolled_it(
    chat: OpenNotebook, model: ScriptedServer
) -> None:
    """As JupyterLab's "Enable Scrolling for Outputs" makes it."""
    steps, holds = paced(MIXED * 3, deltas=150)
    model.script(*steps)
    tab = chat("%%chat\nExplain the standard error.")
    tab.start(1)
    assert holds[0].reached.wait(20)
    holds[0].release()
    expect(tab.output(1)).to_contain_text(LAST)
    tab.page.evaluate(
        "() => window.jupyterapp.commands.execute('notebook:enable-output-scrolling')"
    )
    area = tab.cells.nth(1).locator(".jp-Cell-outputWrapper .jp-OutputArea").first
    place = area.evaluate(
        "area => { area.scrollTop = 300; window.__tops = new Set(); const sample = () => {"
        " window.__tops.add(area.scrollTop); requestAnimationFrame(sample); }; sample();"
        " return area.scrollTop; }"
    )
    assert place == 300
    for hold in holds[1:]:
        assert hold.reached.wait(20)
        tab.page.wait_for_timeout(REPAINT)
        hold.release()
    tab.wait_done(1)
    expect(tab.output(1).locator(".jupyter-widgets")).to_have_count(0)
    tab.page.wait_for_timeout(REPAINT)
    assert tab.page.evaluate("() => [...window.__tops]") == [300]


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


@pytest.mark.parametrize("front", get_args(FrontEnd))
def test_a_reader_who_scrolls_up_stays_where_he_reads(
    front: FrontEnd, chat: OpenNotebook, model: ScriptedServer
) -> None:
    steps, holds = paced(MIXED * 3, deltas=150)
    model.script(*steps)
    tab = chat("%%chat\nExplain the standard error.", "", front=front)
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


@pytest.mark.parametrize("front", get_args(FrontEnd))
def test_the_answer_is_there_without_a_kernel(
    front: FrontEnd, chat: OpenNotebook, model: ScriptedServer, jupyter: JupyterServer
) -> None:
    model.script(*chat_stream(MIXED))
    tab = chat("%%chat\nExplain the standard error.", front=front)
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


@pytest.mark.parametrize("front", get_args(FrontEnd))
def test_a_background_answer_streams_into_its_own_cell(
    front: FrontEnd, chat: OpenNotebook, model: ScriptedServer
) -> None:
    frames = chat_stream("In the back", "ground.")
    steps, (hold,) = held(frames[:2])
    model.script(*steps, *frames[2:])
    tab = chat("%%chat --bg\nTell me.", "print('meanwhile')", front=front)
    tab.run(1)
    expect(tab.output(1)).to_contain_text("In the back")
    tab.run(2)
    hold.release()
    expect(tab.output(1)).to_contain_text("In the background.")
    expect(tab.output(1).locator(".jupyter-widgets")).to_have_count(0)
    assert tab.output(2).inner_text().strip() == "meanwhile"
