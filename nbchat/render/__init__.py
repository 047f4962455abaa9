"""Model Markdown to safe HTML: whole answers, and answers that are still arriving.

`render_markdown` renders a finished answer. `IncrementalMarkdown` renders one that arrives in
pieces, at a cost proportional to the block that is still open, and ends with the same bytes:

    md = IncrementalMarkdown()
    for piece in pieces:
        md.feed(piece)
        update = md.tick()  # newly settled blocks, and the open tail
    md.finish()
    assert md.html == render_markdown("".join(pieces))

Importing this package loads neither markdown-it nor Pygments; the first rendering does.
"""

from __future__ import annotations

from nbchat.render.blocks import IncrementalMarkdown, Update
from nbchat.render.html import answer_html, escape, render_markdown
from nbchat.render.style import STYLE

__all__ = [
    "STYLE",
    "IncrementalMarkdown",
    "Update",
    "answer_html",
    "escape",
    "render_markdown",
]
