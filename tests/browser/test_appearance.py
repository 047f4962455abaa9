"""How answers look and are read aloud: themes, narrow windows, the accessibility tree."""

from __future__ import annotations

from playwright.sync_api import expect

from tests.support.server import ScriptedServer, chat_stream

from .conftest import OpenNotebook, Pictures
from .looks import faint, wide
from .samples import LAST, MIXED, held


def test_text_is_legible_in_light_and_dark(
    chat: OpenNotebook, model: ScriptedServer, pictures: Pictures
) -> None:
    frames = chat_stream(MIXED)
    steps, (hold,) = held(frames[:2])
    model.script(*steps, *frames[2:])
    tab = chat("%%chat\nExplain the standard error.")
    tab.page.set_viewport_size({"width": 1000, "height": 900})
    tab.plain()
    tab.start(1)
    expect(tab.output(1)).to_contain_text(LAST)
    too_faint = {}
    for dark in (False, True):
        tab.theme(dark=dark)
        too_faint["live", dark] = faint(tab.output(1))
        pictures(tab.cells.nth(1), f"answer-live-{'dark' if dark else 'light'}")
    hold.release()
    tab.wait_done(1)
    expect(tab.output(1).locator(".jupyter-widgets")).to_have_count(0)
    for dark in (True, False):
        tab.theme(dark=dark)
        too_faint["permanent", dark] = faint(tab.output(1))
        pictures(tab.cells.nth(1), f"answer-{'dark' if dark else 'light'}")
    assert {where: texts for where, texts in too_faint.items() if texts} == {}


def test_a_narrow_window_scrolls_wide_parts_alone(
    chat: OpenNotebook, model: ScriptedServer
) -> None:
    frames = chat_stream(f"{MIXED}\n{'Long' * 50}")
    steps, (hold,) = held(frames[:2])
    model.script(*steps, *frames[2:])
    tab = chat("%%chat\nExplain the standard error.")
    tab.page.set_viewport_size({"width": 420, "height": 800})
    tab.plain()
    tab.start(1)
    expect(tab.output(1)).to_contain_text(LAST)
    assert wide(tab.output(1)) == {"outside": [], "scrolling": ["DIV", "PRE"]}
    hold.release()
    tab.wait_done(1)
    expect(tab.output(1).locator(".jupyter-widgets")).to_have_count(0)
    assert wide(tab.output(1)) == {"outside": [], "scrolling": ["DIV", "PRE"]}


def test_a_click_selects_a_whole_block_of_code(chat: OpenNotebook, model: ScriptedServer) -> None:
    code = "first = 1\nsecond = 2\n"
    model.script(*chat_stream(f"Before.\n\n```python\n{code}```\n\nAfter."))
    tab = chat("%%chat\nCode, please.")
    tab.run(1)
    tab.output(1).locator("pre").click()
    assert tab.page.evaluate("() => getSelection().toString()").strip() == code.strip()


def test_a_screen_reader_hears_the_beginning_and_the_end(
    chat: OpenNotebook, model: ScriptedServer
) -> None:
    frames = chat_stream("A few ", "words.")
    steps, (hold,) = held(frames[:2])
    model.script(*steps, *frames[2:])
    tab = chat("%%chat\nTell me.")
    tab.page.evaluate(_LISTEN)
    tab.start(1)
    expect(tab.output(1)).to_contain_text("A few")
    expect(tab.output(1).get_by_role("status")).to_have_text("The model is answering.")
    expect(tab.output(1).get_by_role("button", name="Stop")).to_be_enabled()
    hold.release()
    tab.wait_done(1)
    expect(tab.output(1)).to_contain_text("A few words.")
    expect(tab.output(1).get_by_role("status")).to_have_count(0)
    heard = tab.page.evaluate("() => window.__heard")
    assert heard == ["The model is answering.", "The answer is complete."]


_LISTEN = """
() => {
  window.__heard = [];
  new MutationObserver(() => {
    const region = document.querySelector('.jp-OutputArea [role=status]');
    const text = region && region.textContent;
    if (text && text !== window.__heard.at(-1)) window.__heard.push(text);
  }).observe(document.body, {subtree: true, childList: true, characterData: true});
}
"""
