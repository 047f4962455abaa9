r"""TeX in Markdown: `$…$`, `$$…$$`, `\(…\)`, `\[…\]` and `\begin{align}` with its family.

Block formulas are fence-like: the opening line alone decides that a block begins, as with a code
fence, and the block runs to its closing line or to the end of its container. Rules that look
ahead for the closing line first (mdit-py-plugins' dollarmath and amsmath) turn a paragraph into a
formula retroactively, which an incremental renderer cannot follow.

Only `\(…\)` and `\[…\]` leave this module, around escaped text, because these two are read alike
by every MathJax configuration in use. A formula without its end, or with a macro that reaches
beyond typesetting, is shown as code.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from markdown_it.common.utils import escapeHtml

if TYPE_CHECKING:
    from markdown_it import MarkdownIt
    from markdown_it.ruler import RuleOptionsType
    from markdown_it.rules_block import StateBlock
    from markdown_it.rules_inline import StateInline
    from markdown_it.token import Token

ENVIRONMENTS = (
    "align|alignat|aligned|alignedat|cases|eqnarray|equation|flalign|gather|gathered|multline"
    "|split"
)

_ONE_LINE = re.compile(r"\$\$(?!\$)(?P<dollars>.+?)\$\$$|\\\[(?P<brackets>.+?)\\\]$")
_BEGIN = re.compile(rf"\\begin\{{(?P<name>(?:{ENVIRONMENTS})\*?)\}}")

_WORD = re.compile(r"\s[A-Za-z]{2}")

# Macros that link, load, style, name elements or redefine others. JupyterLab's MathJax drops
# most of them (its "safe" extension), nbconvert's, Colab's and a web page's do not.
_FORBIDDEN = re.compile(
    r"\\(?:href|url|class|cssId|style|html\w*|data|require|mmlToken|bbox|unicode|includegraphics"
    r"|def|gdef|edef|xdef|let|futurelet|newcommand|renewcommand|providecommand|newenvironment"
    r"|renewenvironment|DeclareMathOperator|csname|catcode|input|include|special|write)(?![a-zA-Z])"
)


_FOR_MATHJAX = re.compile(r"[$\\]")


def isolated(escaped: str) -> str:
    """Return escaped prose in which MathJax finds no delimiter and no macro.

    Each dollar and backslash gets an element of its own: MathJax reads formulas within one
    stretch of text only.

    >>> isolated("$5")
    '<span>$</span>5'
    """
    if "$" not in escaped and "\\" not in escaped:
        return escaped
    return _FOR_MATHJAX.sub(r"<span>\g<0></span>", escaped)


def add_math(md: MarkdownIt) -> None:
    """Teach `md` the formulas, their tokens (`math_inline`, `math_block`) and their HTML."""
    interrupts: RuleOptionsType = {"alt": ["paragraph", "reference", "blockquote", "list"]}
    md.block.ruler.before("fence", "math_block", _block_rule, interrupts)
    md.inline.ruler.before("escape", "math_bracket", _bracket_rule)
    md.inline.ruler.before("escape", "math_dollar", _dollar_rule)
    md.add_render_rule("math_inline", _render_inline)
    md.add_render_rule("math_block", _render_block)


def _block_rule(state: StateBlock, start: int, end: int, silent: bool) -> bool:
    if state.is_code_block(start):
        return False
    first = state.src[state.bMarks[start] + state.tShift[start] : state.eMarks[start]].rstrip()
    if not first.startswith(("$$", "\\[", "\\begin{")):
        return False
    whole, begin = _ONE_LINE.match(first), _BEGIN.match(first)
    bracket = first.startswith("\\[") and "\\]" not in first
    if not (whole or begin or bracket or first == "$$"):
        return False
    if silent:
        return True

    line, closed = start + 1, True
    if whole:
        tex = whole["dollars"] or whole["brackets"]
    elif begin:
        tex, line, closed = _until(state, start, end, f"\\end{{{begin['name']}}}", keep=True)
    else:
        close = "\\]" if bracket else "$$"
        tex, line, closed = _until(state, start, end, close, skip=2)
    token = state.push("math_block", "div", 0)
    token.content = tex.strip("\n")
    token.map = [start, line]
    token.meta = {"closed": closed}
    state.line = line
    return True


def _until(
    state: StateBlock, start: int, end: int, close: str, *, skip: int = 0, keep: bool = False
) -> tuple[str, int, bool]:
    """Collect lines from `start`, less `skip` characters, to the one that ends with `close`.

    Returns:
        The text, the number of the line after it, and whether `close` was found.
    """
    lines: list[str] = []
    for number in range(start, end):
        begin = state.bMarks[number] + state.tShift[number]
        if begin < state.eMarks[number] and state.sCount[number] < state.blkIndent:
            return "\n".join(lines), number, False  # the container ends here
        text = state.src[begin : state.eMarks[number]].rstrip()
        if number == start:
            text = text[skip:]
        if text.endswith(close):
            lines.append(text if keep else text[: -len(close)])
            return "\n".join(lines), number + 1, True
        lines.append(text)
    return "\n".join(lines), end, False


def _bracket_rule(state: StateInline, silent: bool) -> bool:
    r"""Read `\(…\)` and `\[…\]`."""
    if not state.src.startswith(("\\(", "\\["), state.pos):
        return False
    close = "\\)" if state.src[state.pos + 1] == "(" else "\\]"
    return _push(state, silent, state.pos + 2, close, display=close == "\\]")


def _dollar_rule(state: StateInline, silent: bool) -> bool:
    """Read `$…$` and `$$…$$` by pandoc's rule, so that prices stay prices.

    The opening dollar has no space after it and no letter or digit before it; the next dollar
    that is not escaped closes, if it has no space before and no digit after it.
    """
    src, pos = state.src, state.pos
    if src[pos] != "$":
        return False
    if src.startswith("$$", pos):
        return _push(state, silent, pos + 2, "$$", display=True)
    if pos and (src[pos - 1].isalnum() or src[pos - 1] == "$"):
        return False
    if pos + 1 >= state.posMax or src[pos + 1].isspace():
        return False
    end = src.find("$", pos + 1, state.posMax)
    while end > 0 and (end - len(src[pos:end].rstrip("\\")) - pos) % 2:
        end = src.find("$", end + 1, state.posMax)  # that one was escaped
    tex = src[pos + 1 : end]
    if end < 0 or tex[-1:].isspace() or src[end + 1 : end + 2].isdigit() or is_price(tex):
        return False
    return _push(state, silent, pos + 1, "$", display=False, end=end)


def is_price(tex: str) -> bool:
    """Return whether what follows a dollar reads like prose, as in "$5 and then 10$".

    True for text that begins with a digit or a name and has a word later, but no macro.
    """
    return tex[:1].isalnum() and "\\" not in tex and _WORD.search(tex) is not None


def _push(
    state: StateInline, silent: bool, start: int, close: str, *, display: bool, end: int = -1
) -> bool:
    if end < 0:
        end = state.src.find(close, start, state.posMax)
    tex = state.src[start : max(end, start)]
    if not tex.strip():
        return False
    if not silent:
        token = state.push("math_inline", "span", 0)
        token.content = tex
        token.meta = {"display": display}
    state.pos = end + len(close)
    return True


def _render_inline(
    _renderer: Any, tokens: Sequence[Token], index: int, _options: Any, _env: Any
) -> str:
    tex = escapeHtml(tokens[index].content)
    if _FORBIDDEN.search(tex):
        return f"<code>{tex}</code>"
    if tokens[index].meta["display"]:
        return f'<span class="nbchat-math">\\[{tex}\\]</span>'
    return f'<span class="nbchat-math">\\({tex}\\)</span>'


def _render_block(
    _renderer: Any, tokens: Sequence[Token], index: int, _options: Any, _env: Any
) -> str:
    token = tokens[index]
    tex = escapeHtml(token.content)
    if not token.meta["closed"] or _FORBIDDEN.search(tex):
        return f'<pre class="nbchat-math"><code>{tex}\n</code></pre>\n'
    return f'<div class="nbchat-math">\\[{tex}\\]</div>\n'
