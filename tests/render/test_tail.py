"""The open end of an answer looks as it will a moment later."""

from __future__ import annotations

import html
import re

import pytest

from nbchat.render import IncrementalMarkdown, render_markdown
from nbchat.render.tail import amended_inline

from .streams import ANSWER

INLINE = {
    "": "",
    "plain": "plain",
    "a **": "a",
    "a **b": "a **b**",
    "a **b*": "a **b**",
    "a **b**": "a **b**",
    "a ***b": "a ***b***",
    "a ***b**": "a ***b***",
    "*a **b": "*a **b***",
    "_a": "_a_",
    "snake_case": "snake_case",
    "snake_": "snake",
    "2 * 3": "2 * 3",
    "a*b": "a*b",
    "a \\*b": "a \\*b",
    "a \\": "a",
    "~~a": "~~a~~",
    "~~a~": "~~a~~",
    "~a": "~a",
    "a `": "a",
    "a `b": "a `b`",
    "a `b *c": "a `b *c`",
    "a ``b`": "a ``b``",
    "a `b` **`c": "a `b` **`c`**",
    "**`": "",
    "[a": "[a](<>)",
    "[a]": "[a](<>)",
    "[a](": "[a](<>)",
    "[a](http://x": "[a](<>)",
    '[a](http://x "ti': "[a](<>)",
    "[a](http://x)": "[a](http://x)",
    "[a](http://x_(y)": "[a](<>)",
    "[a][b": "[a](<>)",
    "[a] b": "[a] b",
    "**see [a *b](http://": "**see [a *b*](<>)**",
    "![": "",
    "a !": "a",
    "a!": "a!",
    "![a": "![a](<>)",
    "![a](http://x": "![a](<>)",
    "[![a](http://x": "[![a](<>)](<>)",
    "[1": "[1",
    "[1]": "[1]",
    "[1, 2": "[1, 2",
    "a [^1": "a",
    "a [^1]": "a [^1]",
    "<ht": "",
    "a <https://": "a",
    "a <https://x": "a <https://x>",
    "a <b": "a <b",
    "a < b": "a < b",
    "https://x.y/_a_*b": "https://x.y/_a_*b",
    "&am": "",
    "&amp; &#x2": "&amp;",
    "a & b": "a & b",
    "a $": "a",
    "a $x": "a ` x `",
    "a $x + y$": "a $x + y$",
    "a $x`y": "a `` x`y ``",
    "a $5": "a $5",
    "a $HOME and b": "a $HOME and b",
    "a \\(x": "a ` x `",
    "a \\(x\\": "a ` x `",
    "a \\(x\\)": "a \\(x\\)",
    "**a \\[x": "**a ` x `**",
    "a $$x$": "a ` x `",
}

BLOCKS = {
    "half a list marker": ("text\n-", "text"),
    "half a numbered marker": ("text\n\n1", "text"),
    "a marker without text": ("text\n\n1. ", "text"),
    "half an underline": ("text\n--", "text"),
    "half a heading": ("text\n\n##", "text"),
    "half a fence": ("text\n\n``", "text"),
    "an info string": ("```pyth", ""),
    "half a closing fence": ("```py\nx\n``", "x"),
    "a closing fence in a quote": ("> ```py\n> x\n> ``", "x"),
    "a table's first character": ("text\n\n|", "text"),
    "half a table head": ("| *a* | b", "a b"),
    "a whole table head": ("| a | b |\n", "a b"),
    "half a delimiter row": ("| a | b |\n|:-", "a b"),
    "a table head without outer pipes": ("a | b\n--|", "a b"),
    "half a row": ("| a | b |\n|---|---|\n| c | **d", "a b c d"),
    "a table in a quote": ("> | a | b", "a b"),
    "a table in a list": ("- | a | b |\n  |-", "a b"),
    "a pipe in code": ("```sh\n| a | b", "| a | b"),
    "half a formula's end": ("$$\nx\n$", "x"),
    "half a bracket's end": ("\\[\nx\n\\", "x"),
    "half an environment": ("text\n\n\\begin{ali", "text"),
    "half an environment's end": ("\\begin{align}\nx\n\\end{al", "\\begin{align} x"),
    "half a task": ("- a\n- [", "a"),
    "a link's definition": ("text\n\n[a]: http", "text"),
    "a definition's title": ('text\n\n[a]: http://x "ti', "text"),
    "a footnote's definition": ("text\n\n[^a]:", "text"),
    "a closed paragraph": ("text **a\n\n", "text **a"),
    "a closed heading": ("# text **a\n", "text **a"),
    "an open heading": ("# text **a", "text a"),
    "emphasis over lines": ("> **a\n> b", "a b"),
}


def _text(markup: str) -> str:
    """Return the text that a reader sees, in single spaces."""
    without_math = re.sub(r"\\[()\[\]]", "", re.sub(r"<[^>]*>", "", markup))
    return " ".join(html.unescape(without_math).split())


@pytest.mark.parametrize(("text", "expected"), INLINE.items())
def test_inline_text_is_closed_or_held_back(text: str, expected: str) -> None:
    assert amended_inline(text) == expected


@pytest.mark.parametrize(("text", "expected"), BLOCKS.values(), ids=BLOCKS)
def test_the_last_line_is_completed_or_held_back(text: str, expected: str) -> None:
    md = IncrementalMarkdown()
    md.feed(text)
    update = md.tick()
    assert _text("".join(update.new) + update.tail) == expected


def test_a_half_head_is_a_table_already() -> None:
    md = IncrementalMarkdown()
    md.feed("| a | b")
    assert md.tick().tail.count("<th>") == 2


def test_nothing_is_shown_that_is_later_taken_back() -> None:
    final = _text(render_markdown(ANSWER)).replace(" ", "")
    md = IncrementalMarkdown()
    shown = ""
    for end, character in enumerate(ANSWER, 1):
        md.feed(character)
        update = md.tick()
        before, shown = shown, _text(md.html + update.tail).replace(" ", "")
        # an image's closing bracket stands after text that is still growing
        assert final.startswith(shown.removesuffix("]")), ANSWER[:end][-60:]
        assert shown.startswith(before.removesuffix("]")), ANSWER[:end][-60:]


def test_hostile_text_is_amended_in_one_pass() -> None:
    for unit in ["*", "_a*", "[", "[a](", "![", "`a``", "$a", "\\(", "<http://a", "**a [b", "~~"]:
        amended = amended_inline(unit * 2_000)
        assert len(amended) < 6 * 2_000 * len(unit)
