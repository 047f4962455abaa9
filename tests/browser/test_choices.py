"""Several answers to one prompt: side by side, in tabs, and which one the thread goes on with."""

from __future__ import annotations

from itertools import pairwise, zip_longest

from playwright.sync_api import Locator, expect

from tests.support.server import Hold, ScriptedServer, Step, chat_chunk, chat_stream

from .conftest import OpenNotebook
from .driver import Tab
from .lab import JupyterServer
from .looks import check_steady, faint, wide
from .samples import LAST, MIXED, go_on, pieces

BRIEF = "Take **four times** as many.\n\n- That halves $s/\\sqrt{n}$.\n"
CODE = """\
Compute it:

```python
standard_errors = [values.std(ddof=1) / np.sqrt(len(values)) for values in samples.values()]
```

| one | two | three | four | five | six |
|-----|-----|-------|------|------|-----|
| a   | b   | c     | d    | e    | f   |

That is all.
"""
ANSWERS = (MIXED, BRIEF, CODE)
ENDS = (LAST, "That halves", "That is all.")

REPAINT = 150  # milliseconds: some repaints of three columns


def frames_of(*texts: str) -> list[bytes]:
    """Return the deltas of several answers as they come, by turns."""
    rows = zip_longest(*map(pieces, texts))
    return [
        chat_chunk({"content": piece}, index=index)
        for row in rows
        for index, piece in enumerate(row)
        if piece
    ]


def answers(*texts: str, deltas: int = 20) -> tuple[list[Step], list[Hold]]:
    """Return the steps of several answers to a prompt, with a hold after so many deltas."""
    frames = frames_of(*texts)
    holds: list[Hold] = []
    steps: list[Step] = []
    for at in range(0, len(frames), deltas):
        holds.append(Hold())
        steps += [*frames[at : at + deltas], holds[-1]]
    ends = [chat_chunk({}, index=n, finish_reason="stop") for n in range(len(texts))]
    return [*steps, *ends, *chat_stream()[-2:]], holds


def choice(tab: Tab, number: int, cell: int = 1) -> Locator:
    """The column or tab of a choice, live or permanent."""
    return tab.output(cell).locator(".nbchat-choice").nth(number - 1)


def settled(tab: Tab) -> None:
    """Wait until the permanent output is there and MathJax has set its formulas."""
    expect(tab.output(1).locator(".jupyter-widgets")).to_have_count(0)
    expect(tab.output(1).locator("mjx-container")).to_have_count(3)


def test_answers_grow_side_by_side(
    chat: OpenNotebook, model: ScriptedServer, jupyter: JupyterServer
) -> None:
    steps, holds = answers(*ANSWERS)
    model.script(*chat_stream("$x$"))
    model.script(*steps)
    tab = chat("%%chat -n 3\nHow do I halve it?", "%%chat --once\nA formula, to load MathJax.")
    tab.plain()
    tab.run(2)
    with tab.frames(1) as frames:
        tab.start(1)
        go_on(tab.page, holds[:-1], REPAINT)
        assert holds[-1].reached.wait(20)
        for number, end in enumerate(ENDS, 1):
            expect(choice(tab, number)).to_contain_text(end)
        live = _columns(tab)
        holds[-1].release()
        tab.wait_done(1)
        settled(tab)
        tab.page.wait_for_timeout(REPAINT)
    check_steady(frames)

    # Of the same width, at the same height, with space between them; the same when permanent.
    assert _columns(tab) == live
    assert len({width for _, _, width in live}) == len({top for _, top, _ in live}) == 1
    assert all(b[0] - (a[0] + a[2]) > 20 for a, b in pairwise(live))
    assert wide(tab.output(1)) == {"outside": [], "scrolling": ["DIV", "PRE"]}

    text = tab.output(1).inner_text()
    tab.save()
    (output,) = jupyter.read(tab.name).cells[1].outputs
    assert all(answer.strip() in output.data["text/plain"] for answer in ANSWERS)
    jupyter.shut_down(tab.name)
    tab.reload(kernel=False)
    settled(tab)
    assert tab.output(1).inner_text() == text
    assert _columns(tab) == live


def test_each_answer_grows_on_its_own(chat: OpenNotebook, model: ScriptedServer) -> None:
    one, two, three = Hold(), Hold(), Hold()
    first, second = frames_of("The first.", "The second.")[:2]
    more = chat_chunk({"content": "and so on"}, index=1)
    model.script(first, one, second, two, more, three, *chat_stream()[1:])
    tab = chat("%%chat -n 2\nTell me.")
    tab.plain()
    tab.start(1)
    # Both have their place from the start: the first is not moved when the second comes.
    expect(choice(tab, 1)).to_contain_text("The fi")
    before = _columns(tab)
    assert len(before) == 2
    one.release()
    expect(choice(tab, 2)).to_contain_text("The se")
    assert _columns(tab) == before
    two.release()
    expect(choice(tab, 2)).to_contain_text("and so on")
    assert choice(tab, 1).inner_text().split() == ["Choice", "1", "The", "fi"]
    three.release()
    tab.wait_done(1)


def test_in_a_narrow_window_they_are_tabs(chat: OpenNotebook, model: ScriptedServer) -> None:
    steps, holds = answers(*ANSWERS, deltas=1000)
    model.script(*steps)
    tab = chat("%%chat -n 3\nHow do I halve it?")
    tab.page.set_viewport_size({"width": 480, "height": 900})
    tab.plain()
    tab.start(1)
    expect(tab.output(1)).to_contain_text(LAST)
    _turn_the_tabs(tab)
    holds[0].release()
    tab.wait_done(1)
    settled(tab)
    _turn_the_tabs(tab)


def test_the_answers_are_named_and_legible(chat: OpenNotebook, model: ScriptedServer) -> None:
    steps, holds = answers(*ANSWERS, deltas=1000)
    model.script(*steps)
    tab = chat("%%chat -n 3\nHow do I halve it?")
    tab.plain()
    tab.start(1)
    expect(tab.output(1)).to_contain_text(LAST)
    too_faint = {}
    for state in ("live", "permanent"):
        assert _headings(tab) == ["Choice 1", "Choice 2", "Choice 3"], state
        for dark in (True, False):
            tab.theme(dark=dark)
            too_faint[state, dark] = faint(tab.output(1))
        if state == "live":
            holds[0].release()
            tab.wait_done(1)
            settled(tab)
    assert {where: texts for where, texts in too_faint.items() if texts} == {}


def test_one_is_picked(chat: OpenNotebook, model: ScriptedServer, jupyter: JupyterServer) -> None:
    texts = ("Take *more*.", "Take four times as many.", "Take all.")
    steps, holds = answers(*texts, deltas=1000)
    holds[0].release()
    model.script(*steps)
    again = ("%nbchat show --last", "%%chat\nThank you.")
    tab = chat("%%chat -n 3\nHow do I halve it?", "%nbchat pick 2", *again)
    tab.plain()
    tab.run(1)
    expect(tab.output(1).locator(".jupyter-widgets")).to_have_count(0)
    marked = tab.output(1).locator(".nbchat-label.nbchat-picked")
    expect(marked).to_have_text("✓ Choice 1")
    height = tab.output(1).bounding_box()["height"]
    tab.run(2)
    expect(tab.output(2)).to_contain_text("goes on with choice 2")
    expect(marked).to_have_text("✓ Choice 2")
    expect(tab.output(1).locator(".nbchat-footer")).to_contain_text("goes on with choice 2")
    assert tab.output(1).bounding_box()["height"] == height
    tab.run(3, 4)
    said = [(m["role"], m["content"]) for m in model.exchange(1).json["messages"]]
    assert said[1:] == [("assistant", texts[1]), ("user", "Thank you.")]

    # Shown a second time, it has tabs of its own.
    tab.page.set_viewport_size({"width": 480, "height": 900})
    for cell in (1, 3):
        expect(choice(tab, 2, cell)).to_be_visible()
        expect(choice(tab, 1, cell)).not_to_be_visible()
    tab.output(3).get_by_role("radio", name="Choice 1").click()
    expect(choice(tab, 1, 3)).to_be_visible()
    expect(choice(tab, 2, 1)).to_be_visible()

    tab.save()
    jupyter.shut_down(tab.name)
    tab.reload(kernel=False)
    tab.plain()
    expect(tab.output(1).get_by_role("radio", name="✓ Choice 2")).to_be_checked()
    for cell in (1, 3):
        expect(choice(tab, 2, cell)).to_be_visible()
        expect(choice(tab, 1, cell)).not_to_be_visible()

    # Without the style sheet, one below the other, and nothing to click that does nothing.
    tab.name = jupyter.copy_unsigned(tab.name)
    tab.reload(kernel=False)
    for number in (1, 2, 3):
        expect(choice(tab, number)).to_be_visible()
    expect(tab.output(1).get_by_role("radio")).to_have_count(0)


def _columns(tab: Tab) -> list[tuple[float, float, float]]:
    """Return left, top and width of each choice."""
    boxes = [box.bounding_box() for box in tab.output(1).locator(".nbchat-choice").all()]
    return [(round(box["x"]), round(box["y"]), round(box["width"])) for box in boxes if box]


def _headings(tab: Tab) -> list[str]:
    """Return the names of the choices as a screen reader says them, without the mark."""
    headings = tab.output(1).get_by_role("heading", level=3).all_inner_texts()
    return [heading.removeprefix("✓ ") for heading in headings]


def _turn_the_tabs(tab: Tab) -> None:
    """Click each tab: it shows its answer alone, and wide parts scroll inside."""
    for number in (2, 3, 1):
        tab.output(1).get_by_role("radio", name=f"Choice {number}").click()
        for other, end in enumerate(ENDS, 1):
            if other == number:
                expect(choice(tab, other)).to_be_visible()
                expect(choice(tab, other)).to_contain_text(end)
            else:
                expect(choice(tab, other)).not_to_be_visible()
        assert wide(tab.output(1))["outside"] == []
