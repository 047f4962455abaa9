"""The documents that the rendering tests stream, and the streaming itself."""

from __future__ import annotations

import json
from collections.abc import Iterable
from functools import cache
from pathlib import Path

from nbchat.render import IncrementalMarkdown

DATA = Path(__file__).parent / "data"
ANSWER = (DATA / "answer.md").read_text(encoding="utf-8")


@cache
def commonmark_examples() -> list[dict[str, str]]:
    """Return the examples of the CommonMark specification: section, markdown, html."""
    text = (DATA / "commonmark-0.31.2.json").read_text(encoding="utf-8")
    examples: list[dict[str, str]] = json.loads(text)
    return examples


@cache
def documents() -> list[str]:
    """Return the Markdown of CommonMark's examples and of markdown-it-py's own fixtures."""
    text = (DATA / "markdown-it-py-4.3.0.json").read_text(encoding="utf-8")
    fixtures: list[dict[str, str]] = json.loads(text)
    return [example["markdown"] for example in (*commonmark_examples(), *fixtures)]


SNIPPETS = [
    "$$\nx^2\n$$\n",
    "$$ a $$\n",
    "\\[\nx\n\\]\n",
    "\\[ y = 2\n+ 3 \\]\n",
    "\\[ z \\]\n",
    "\\begin{align}\na &= b\\\\\n\\end{align}\n",
    "\\begin{cases*} a \\end{cases*}\n",
    "text $x$ and \\(y\\) for $5 and 10$\n",
    "- $$\n  a\n  $$\n",
    "> \\[\n> a\n",
    "[^1]: note\n\n    more\n",
    "a[^b] c[^1] d[^-]\n",
    "[^b]: x [foo] $y$\n",
    "[foo]: /u\n",
    "[foo]: http://a.b\n'title\n",
    "[Foo\nBar]:\n  <http://c.d>\n",
    "see [foo], [foo bar][] and [x][FOO]\n",
    "> [foo\n> bar]\n",
    "- [ ] t\n- [x] u\n",
    "|a|b|\n|-|:-:|\n|1|$x|y$|\n",
    "| a | [foo] |\n",
    "|---|---|\n",
    "~~s~~ and ~x~\n",
    "```py\nx = '''\n",
    "~~~\n",
    "https://a.b/_c_d.\n",
    "![i](http://a.b/i.png) ![j](data:image/png;base64,AAAA)\n",
    "a\u2028b\x0bc\x0cd\u0085e\n",
    "caf\u00e9 \U0001f600 \ud83d\ude00 \0\n",
    *("$$\n", "\\[\n", "\\]", "\\(", "\\)", "$", "`", "```\n", "**", "~~", "[", "]", "](", "!["),
    *("\n", "\n\n", "\r", "\r\n", "\t", "    ", "> ", "- ", "1. ", "# ", "===\n", "---\n", "\\"),
    *("|", "|-\n", "[foo]", "[^b]", "[^1]:", "<http://x.y", "&amp", ":", "<b>", " \n"),
]


def stream(pieces: Iterable[str]) -> list[str]:
    """Return the blocks that a reader of the updates has in the end."""
    incremental = IncrementalMarkdown()
    blocks: list[str] = []

    def apply(new: list[str], changed: list[tuple[int, str]]) -> None:
        for index, html in changed:
            blocks[index] = html
        blocks.extend(new)

    for piece in pieces:
        incremental.feed(piece)
        update = incremental.tick()
        apply(update.new, update.changed)
    last = incremental.finish()
    apply(last.new, last.changed)
    assert "".join(blocks) == incremental.html
    return blocks


def pieces_of(text: str, size: int) -> list[str]:
    """Return `text` in pieces of `size` characters."""
    return [text[start : start + size] for start in range(0, len(text), size)]
