"""How answers look and are read aloud: themes, narrow windows, the accessibility tree."""

from __future__ import annotations

from typing import Literal, get_args

import pytest
from playwright.sync_api import Browser, expect

from nbchat.reply import Choice, Reply
from nbchat.view.permanent import bundle
from tests.support.server import ScriptedServer, chat_chunk, chat_stream

from .conftest import OpenNotebook, Pictures
from .driver import FrontEnd
from .looks import faint, wide
from .samples import LAST, MIXED, held


@pytest.mark.parametrize("front", get_args(FrontEnd))
def test_text_is_legible_in_light_and_dark(
    front: FrontEnd, chat: OpenNotebook, model: ScriptedServer, pictures: Pictures
) -> None:
    frames = chat_stream(MIXED)
    steps, (hold,) = held(frames[:2])
    model.script(*steps, *frames[2:])
    tab = chat("%%chat\nExplain the standard error.", front=front)
    tab.page.set_viewport_size({"width": 1000, "height": 900})
    tab.plain()
    tab.start(1)
    expect(tab.output(1)).to_contain_text(LAST)
    too_faint = {}
    for dark in (False, True):
        tab.theme(dark=dark)
        too_faint["live", dark] = faint(tab.output(1))
        if front == "lab":
            pictures(tab.cells.nth(1), f"answer-live-{'dark' if dark else 'light'}")
    hold.release()
    tab.wait_done(1)
    expect(tab.output(1).locator(".jupyter-widgets")).to_have_count(0)
    for dark in (True, False):
        tab.theme(dark=dark)
        too_faint["permanent", dark] = faint(tab.output(1))
        if front == "lab":
            pictures(tab.cells.nth(1), f"answer-{'dark' if dark else 'light'}")
    assert {where: texts for where, texts in too_faint.items() if texts} == {}


@pytest.mark.parametrize("front", get_args(FrontEnd))
def test_a_narrow_window_scrolls_wide_parts_alone(
    front: FrontEnd, chat: OpenNotebook, model: ScriptedServer
) -> None:
    frames = chat_stream(f"{MIXED}\n{'Long' * 50}")
    steps, (hold,) = held(frames[:2])
    model.script(*steps, *frames[2:])
    tab = chat("%%chat\nExplain the standard error.", front=front)
    tab.page.set_viewport_size({"width": 420, "height": 800})
    tab.plain()
    tab.start(1)
    expect(tab.output(1)).to_contain_text(LAST)
    assert wide(tab.output(1)) == {"outside": [], "scrolling": ["DIV", "PRE"]}
    hold.release()
    tab.wait_done(1)
    expect(tab.output(1).locator(".jupyter-widgets")).to_have_count(0)
    assert wide(tab.output(1)) == {"outside": [], "scrolling": ["DIV", "PRE"]}


LIGHT = "body { background: #fff; color: #1f2328 }"
DARK = "body { background: #0d1117; color: #e6edf3 }"
VS_CODE = """
:root { --vscode-foreground: #cccccc; --vscode-descriptionForeground: #9d9d9d;
  --vscode-textLink-foreground: #4daafc; --vscode-font-family: 'Segoe UI';
  --vscode-editor-font-family: Consolas }
body { background: #1f1f1f }
"""


@pytest.mark.parametrize(
    ("scheme", "sheet"), [("light", LIGHT), ("dark", DARK), ("dark", VS_CODE)]
)
def test_text_is_legible_where_there_are_no_colours_of_jupyter(
    scheme: Literal["light", "dark"], sheet: str, browser: Browser
) -> None:
    """As in nbconvert's pages elsewhere, Colab and, by its own variables, VS Code."""
    reply = Reply(
        choices=(Choice(text=MIXED, reasoning="A thought."),),
        model="m",
        notices=("a notice",),
        status="stopped",
    )
    page = browser.new_page(color_scheme=scheme)
    page.set_content(f"<style>{sheet}</style>{bundle(reply)['text/html']}")
    assert faint(page.locator("body")) == []
    font = page.locator("p").first.evaluate("p => getComputedStyle(p).fontFamily")
    assert ("Segoe UI" in font) is (sheet is VS_CODE)
    page.close()


@pytest.mark.parametrize("front", get_args(FrontEnd))
def test_the_permanent_answer_has_the_type_and_colours_of_the_live_one(
    front: FrontEnd, chat: OpenNotebook, model: ScriptedServer
) -> None:
    frames = chat_stream(MIXED)
    steps, (hold,) = held(frames[:2])
    model.script(*steps, *frames[2:])
    tab = chat("%%chat\nExplain the standard error.", front=front)
    tab.start(1)
    expect(tab.output(1)).to_contain_text(LAST)
    expect(tab.output(1).locator("mjx-container")).to_have_count(2)
    live = tab.output(1).evaluate(_STYLES)
    assert {"H2", "P", "LI", "TH", "TD", "PRE", "CODE", "A", "BLOCKQUOTE"} <= {s[0] for s in live}
    hold.release()
    tab.wait_done(1)
    expect(tab.output(1).locator(".jupyter-widgets")).to_have_count(0)
    expect(tab.output(1).locator("mjx-container")).to_have_count(2)
    assert tab.output(1).evaluate(_STYLES) == live


@pytest.mark.parametrize("front", get_args(FrontEnd))
def test_the_accessibility_tree_has_the_parts_of_an_answer(
    front: FrontEnd, chat: OpenNotebook, model: ScriptedServer
) -> None:
    frames = chat_stream("- [x] done\n\n" + MIXED)
    thought = chat_chunk({"reasoning_content": "A thought."})
    steps, (hold,) = held([frames[0], thought, frames[1]])
    model.script(*steps, *frames[2:])
    tab = chat("%%chat\nExplain the standard error.", front=front)
    tab.start(1)
    expect(tab.output(1)).to_contain_text(LAST)
    expect(tab.output(1).locator("mjx-container")).to_have_count(2)
    expect(tab.output(1)).to_match_aria_snapshot(_TREE)
    hold.release()
    tab.wait_done(1)
    expect(tab.output(1).locator(".jupyter-widgets")).to_have_count(0)
    expect(tab.output(1).locator("mjx-container")).to_have_count(2)
    expect(tab.output(1)).to_match_aria_snapshot(_TREE)


@pytest.mark.parametrize("front", get_args(FrontEnd))
def test_a_click_selects_a_whole_block_of_code(
    front: FrontEnd, chat: OpenNotebook, model: ScriptedServer
) -> None:
    code = "first = 1\nsecond = 2\n"
    model.script(*chat_stream(f"Before.\n\n```python\n{code}```\n\nAfter."))
    tab = chat("%%chat\nCode, please.", front=front)
    tab.run(1)
    expect(tab.output(1).locator(".jupyter-widgets")).to_have_count(0)
    tab.output(1).locator("pre").click()
    assert tab.page.evaluate("() => getSelection().toString()").strip() == code.strip()


@pytest.mark.parametrize("front", get_args(FrontEnd))
def test_a_screen_reader_hears_the_beginning_and_the_end(
    front: FrontEnd, chat: OpenNotebook, model: ScriptedServer
) -> None:
    frames = chat_stream("A few ", "words.")
    steps, (hold,) = held(frames[:2])
    model.script(*steps, *frames[2:])
    tab = chat("%%chat\nTell me.", front=front)
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


_TREE = r"""
- group: Reasoning
- list:
  - listitem:
    - img "done"
- heading "How far a sample mean strays" [level=2]
- paragraph:
  - emphasis: standard error
  - math
  - strong: square root
  - link "the handbook":
    - /url: https://example.org/handbook
- list:
  - listitem:
    - text: Draw
    - code: n
    - text: values.
  - listitem:
    - text: Take their mean.
    - list:
      - listitem: Again and again.
- table:
  - rowgroup:
    - row:
      - columnheader "Sample size"
      - columnheader "Standard error"
  - rowgroup:
    - row:
      - cell "25"
      - cell "2.00"
- code: /import numpy/
- blockquote:
  - paragraph: /A standard error says/
- math
- paragraph: Only more data make it smaller.
"""

_STYLES = """
output => {
  const names = ['fontFamily', 'fontSize', 'fontWeight', 'fontStyle', 'lineHeight', 'color',
    'backgroundColor', 'padding', 'borderBottom', 'textAlign', 'whiteSpace', 'width'];
  const found = [];
  const body = output.querySelector('.nbchat-body');
  const top = body.getBoundingClientRect().top;
  for (const element of body.querySelectorAll(
      'h2,p,strong,em,ul,ol,li,table,th,td,.highlight,pre,code,.highlight span,a,blockquote')) {
    if (element.closest('mjx-container')) continue;
    const style = getComputedStyle(element), box = element.getBoundingClientRect();
    found.push([element.tagName, Math.round(box.top - top), Math.round(box.left),
      ...names.map(name => style[name])]);
  }
  return found;
}
"""

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
