"""How an output looks, measured: what moves in it, its contrasts, and what is too wide for it."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from playwright.sync_api import Locator

from .driver import Frame

SWAP = 2.0  # pixels by which the footer may be higher or lower than the Stop button
LEGIBLE = 4.5  # contrast of text, WCAG 2.2 level AA
CODE = 3.5  # of code, where most colours are the theme's own
PALE = {"rgb(25, 118, 210)": 3.49}  # the blue of JupyterLab 4.4's dark theme


def check_steady(frames: Sequence[Frame]) -> float:
    """Check that an answer only grew, and that nothing moved when it was complete.

    Returns how far the notebook was scrolled then, in pixels.
    """
    seen = [frame for frame in frames if frame.text]
    assert all(frame.text for frame in frames[frames.index(seen[0]) :]), "an empty frame"
    live = [frame for frame in seen if frame.live]
    drops = [(a.height, b.height, b.text[-40:]) for a, b in pairwise(live) if b.height < a.height]
    assert not drops
    swap = next(at for at, frame in enumerate(seen) if not frame.live)
    before, after = seen[swap - 1], seen[swap]
    assert {frame.top for frame in seen[swap:]} == {before.top}, "it was scrolled"
    assert abs(before.height - after.height) <= SWAP
    assert {frame.height for frame in seen[swap:]} == {after.height}
    return before.top


def faint(output: Locator) -> list[tuple[str, float]]:
    """Return the texts of an answer whose contrast to what is behind them is too low."""
    found = output.evaluate(_CONTRASTS)
    assert len(found) > 10
    return [
        (text, contrast)
        for text, code, colour, contrast in found
        if contrast < (PALE.get(colour, CODE) if code else LEGIBLE)
    ]


def wide(output: Locator) -> dict[str, list[str]]:
    """Return what sticks out of an output to the right, and the kinds of what scrolls."""
    return output.evaluate(_WIDE)


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
    const colour = getComputedStyle(element).color, front = luminance(over([...behind, colour]));
    const code = element.closest('.highlight') !== null;
    const contrast = (Math.max(back, front) + 0.05) / (Math.min(back, front) + 0.05);
    found.push([text, code, colour, contrast]);
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
