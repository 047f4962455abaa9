"""A whole answer as HTML, and the frame that a permanent output puts around it."""

from __future__ import annotations

import html
import re
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from nbchat.render.style import STYLE

if TYPE_CHECKING:
    from nbchat.render.parser import AnswerParser

_NEWLINES = re.compile("\r\n?")
_BLANK_LINE = re.compile(r"(?<=\n)([ \t]*)\n")
_SURROGATE = re.compile("[\ud800-\udfff]")


def escape(text: str) -> str:
    """Return `text` for use as HTML text or within a quoted attribute.

    >>> escape('<b> & "c"')
    '&lt;b&gt; &amp; &quot;c&quot;'
    """
    return html.escape(text, quote=True)


def render_markdown(
    text: str, *, allow_images: bool = False, pictures: Mapping[str, str] | None = None
) -> str:
    r"""Return the safe HTML of a whole answer, without an element around it.

    Args:
        text: Markdown: CommonMark with tables, strikethrough, task lists, footnotes, formulas.
        allow_images: show images from http and https addresses instead of links to them. Showing
            one tells its server what the address says, so this is the user's choice.
        pictures: what addresses of images in the text stand for: data URLs, by address.

    >>> render_markdown("a **b**")
    '<p>a <strong>b</strong></p>\n'
    """
    env = {"allow_images": allow_images, "pictures": {} if pictures is None else pictures}
    parser = load_parser()
    return parser.html(parser.blocks(normalized(text), env), env)


def answer_html(
    body_html: str,
    *,
    reasoning_html: str = "",
    reasoning_tokens: int = 0,
    notices: Iterable[str] = (),
    footer: str = "",
) -> str:
    """Return the permanent output of an answer: style, reasoning, body, notices, footer.

    Args:
        body_html: from `render_markdown`.
        reasoning_html: from `render_markdown` too; shown folded, above the body.
        reasoning_tokens: how many tokens that was, 0 if nobody counted them.
        notices: sentences such as "stopped"; plain text.
        footer: one line on model, tokens and time; plain text.
    """
    parts = [f'<div class="nbchat">\n<style>{STYLE}</style>\n']
    if reasoning_html:
        counted = f" · {reasoning_tokens} tokens" if reasoning_tokens else ""
        parts.append(
            f'<details class="nbchat-reasoning"><summary>Reasoning{counted}</summary>\n'
            f"<div>{reasoning_html}</div></details>\n"
        )
    parts.append(f'<div class="nbchat-body">\n{body_html}</div>\n')
    parts.extend(f'<div class="nbchat-notice">{prose(notice)}</div>\n' for notice in notices)
    if footer:
        parts.append(f'<div class="nbchat-footer">{prose(footer)}</div>\n')
    parts.append("</div>")
    # nbconvert puts an output's HTML into Markdown as it is, and there a blank line ends it.
    return _BLANK_LINE.sub(r"\1&#10;", "".join(parts))


def prose(text: str) -> str:
    """Return plain `text` as HTML that MathJax leaves alone; for text, not for attributes."""
    from nbchat.render.math import isolated

    return isolated(escape(text))


def normalized(text: str) -> str:
    r"""Return `text` with newlines as `\n`, without NUL and without lone surrogates.

    Two halves of a surrogate pair, as JSON escapes may bring them, become their character.
    """
    text = _NEWLINES.sub("\n", text).replace("\0", "\ufffd")
    if _SURROGATE.search(text):
        text = text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return text


def load_parser() -> AnswerParser:
    """Return the parser, importing markdown-it on first use (20 ms that loading must not cost)."""
    from nbchat.render.parser import parser

    return parser()
