"""How an output looks, measured: the contrast of its texts, and what is too wide for it."""

from __future__ import annotations

from playwright.sync_api import Locator

LEGIBLE = 4.5  # contrast of text, WCAG 2.2 level AA
CODE = 3.5  # of code, where most colours are the theme's own


def faint(output: Locator) -> list[tuple[str, float]]:
    """Return the texts of an answer whose contrast to what is behind them is too low."""
    found = output.evaluate(_CONTRASTS)
    assert len(found) > 10
    return [
        (text, round(contrast, 2))
        for text, code, contrast in found
        if contrast < (CODE if code else LEGIBLE)
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
