"""What nbchat adds to CommonMark leaves CommonMark alone."""

from __future__ import annotations

import re

import pytest
from markdown_it import MarkdownIt

from nbchat.render import render_markdown

from .streams import commonmark_examples

PLAIN = MarkdownIt("commonmark", {"html": False, "xhtmlOut": False})

# What these examples show as text, nbchat reads as an address or a formula.
BARE_ADDRESS = re.compile(r"(?<![<(])https?://|<https?://[^>\s]*\s")
FORMULA = re.compile(r"\\[\[(]|\$")


def _comparable(html: str) -> str:
    """Return `html` without nbchat's attributes and wrappers, in one spelling."""
    html = re.sub(r' (?:rel|target|title)="[^"]*"| class="language[^"]*"', "", html)
    html = html.replace('<div class="highlight"><pre>', "<pre>").replace("</pre></div>", "</pre>")
    html = html.replace("&quot;", '"').replace("&#x27;", "'").replace("&#39;", "'")
    return re.sub(r"</?span[^>]*>|</?a\b[^>]*>", "", html)


def _changed_on_purpose(example: dict[str, str]) -> bool:
    source = example["markdown"]
    return bool(
        "<img" in PLAIN.render(source) or BARE_ADDRESS.search(source) or FORMULA.search(source)
    )


UNCHANGED = [example for example in commonmark_examples() if not _changed_on_purpose(example)]


def test_most_examples_are_compared() -> None:
    assert len(UNCHANGED) > 570


@pytest.mark.parametrize("example", UNCHANGED, ids=lambda example: example["section"])
def test_blocks_and_emphasis_are_those_of_commonmark(example: dict[str, str]) -> None:
    source = example["markdown"]
    ours = _comparable(render_markdown(source))
    assert ours == _comparable(PLAIN.render(source))


def test_links_stand_where_commonmark_has_them() -> None:
    for example in UNCHANGED:
        source = example["markdown"]
        ours = render_markdown(source)
        links = len(re.findall(r'<a |<span class="nbchat-(?:link|refused)"', ours))
        assert links == PLAIN.render(source).count("<a "), source
