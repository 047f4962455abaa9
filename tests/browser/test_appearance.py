"""How answers look and are read aloud: themes, narrow windows, the accessibility tree."""

from __future__ import annotations

from playwright.sync_api import Locator, expect

from tests.support.server import ScriptedServer, chat_stream

from .conftest import OpenNotebook, Pictures
from .samples import LAST, MIXED, held

LEGIBLE = 4.5  # contrast of text, WCAG 2.2 level AA
CODE = 3.5  # of code, where most colours are the theme's own


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
    faint = {}
    for dark in (False, True):
        tab.theme(dark=dark)
        faint["live", dark] = _faint(tab.output(1))
        pictures(tab.cells.nth(1), f"answer-live-{'dark' if dark else 'light'}")
    hold.release()
    tab.wait_done(1)
    expect(tab.output(1).locator(".jupyter-widgets")).to_have_count(0)
    for dark in (True, False):
        tab.theme(dark=dark)
        faint["permanent", dark] = _faint(tab.output(1))
        pictures(tab.cells.nth(1), f"answer-{'dark' if dark else 'light'}")
    assert {where: texts for where, texts in faint.items() if texts} == {}


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
    assert _wide(tab.output(1)) == {"outside": [], "scrolling": ["DIV", "PRE"]}
    hold.release()
    tab.wait_done(1)
    expect(tab.output(1).locator(".jupyter-widgets")).to_have_count(0)
    assert _wide(tab.output(1)) == {"outside": [], "scrolling": ["DIV", "PRE"]}


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


def _faint(output: Locator) -> list[tuple[str, float]]:
    """Return the texts of an answer whose contrast to what is behind them is too low."""
    found = output.evaluate(_CONTRASTS)
    assert len(found) > 10
    return [
        (text, round(contrast, 2))
        for text, code, contrast in found
        if contrast < (CODE if code else LEGIBLE)
    ]


def _wide(output: Locator) -> dict[str, list[str]]:
    """Return what sticks out of an output to the right, and the kinds of what scrolls."""
    return output.evaluate(_WIDE)


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

_CONTRASTS = """
output => {
  const context = document.createElement('canvas').getContext('2d', {willReadFrequently: true});
  const over = layers => {           // the colour that layers of paint give, the lowest first
    context.globalCompositeOperation = 'source-over';
    for (const colour of layers) { context.fillStyle = colour; context.fillRect(0, 0, 1, 1); }
    return [...context.getImageData(0, 0, 1, 1).data].slice(0, 3);
  };
  const luminance = rgb => {
    const [r, g, b] = rgb.map(v => v / 255)
      .map(v => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const found = [];
  const walker = document.createTreeWalker(output, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const text = walker.currentNode.textContent.trim();
    const element = walker.currentNode.parentElement;
    if (!text || element.closest('style, mjx-container') || !element.getClientRects().length)
      continue;
    const behind = ['white'];
    for (let at = element; at; at = at.parentElement)
      behind.splice(1, 0, getComputedStyle(at).backgroundColor);
    const back = luminance(over(behind));
    const front = luminance(over([...behind, getComputedStyle(element).color]));
    const code = element.closest('.highlight') !== null;
    found.push([text, code, (Math.max(back, front) + 0.05) / (Math.min(back, front) + 0.05)]);
  }
  return found;
}
"""

_WIDE = """
output => {
  const scrolls = element => ['auto', 'scroll'].includes(getComputedStyle(element).overflowX);
  const right = output.getBoundingClientRect().right + 0.5;
  const whole = output.querySelector('.jp-OutputArea-output');
  const outside = [], scrolling = new Set();
  if (whole.scrollWidth > whole.clientWidth) outside.push('the whole output scrolls');
  for (const element of output.querySelectorAll('.nbchat *')) {
    if (scrolls(element) && element.scrollWidth > element.clientWidth)
      scrolling.add(element.tagName);
    let holder = element.parentElement;
    while (holder !== whole && !scrolls(holder)) holder = holder.parentElement;
    if (holder === whole && element.getBoundingClientRect().right > right)
      outside.push(element.outerHTML.slice(0, 80));
  }
  return {outside, scrolling: [...scrolling].sort()};
}
"""
