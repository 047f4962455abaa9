"""Code blocks: highlighted by Pygments, with the class names that Jupyter's themes colour."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache, lru_cache
from html import escape
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pygments.formatters import HtmlFormatter
    from pygments.lexer import Lexer

HIGHLIGHT_LIMIT = 100_000
"""Characters of a block above which it is not highlighted: colours are not worth the wait."""

_CHUNK = 1_500  # characters of an open block that are highlighted together
_LANGUAGE = re.compile(r"[A-Za-z0-9_+#.-]{1,40}")


def language_of(info: str) -> str:
    """Return the language in a fence's info string, in safe characters only, or "".

    >>> language_of("python title=x"), language_of("c++"), language_of('"><b>')
    ('python', 'c++', '')
    """
    match = _LANGUAGE.match(info.strip())
    return match[0] if match else ""


def code_html(code: str, info: str = "", *, growing: bool = False) -> str:
    """Return the block for `code`, highlighted by the language in `info`.

    Args:
        code: the text, with its last newline.
        info: what follows the opening fence.
        growing: the block is still arriving. Then it is highlighted in chunks of lines, each
            remembered, so that repainting costs one chunk at most. A colour can be wrong where a
            long string crosses two chunks, until the block is settled.
    """
    language = language_of(info)
    name = f' class="language-{language}"' if language else ""
    if growing:
        body = "".join(_remembered(chunk, language) for chunk in _chunks(code))
    else:
        body = _highlight(code, language)
    return f'<div class="highlight"><pre><code{name}>{body}</code></pre></div>\n'


def _chunks(code: str) -> Iterator[str]:
    """Split `code` after the first line end past each `_CHUNK` characters."""
    start = 0
    while start < len(code):
        end = code.find("\n", start + _CHUNK) + 1 or len(code)
        yield code[start:end]
        start = end


def _highlight(code: str, language: str) -> str:
    lexer = _lexer(language) if language and len(code) <= HIGHLIGHT_LIMIT else None
    if lexer is None:
        return escape(code)
    from pygments import highlight  # loaded by the first block in a known language

    highlighted: str = highlight(code, lexer, _formatter())
    return highlighted


_remembered = lru_cache(maxsize=256)(_highlight)


@lru_cache(maxsize=64)
def _lexer(language: str) -> Lexer | None:
    from pygments.lexers import get_lexer_by_name
    from pygments.util import ClassNotFound

    try:
        return get_lexer_by_name(language, stripnl=False, ensurenl=False)
    except ClassNotFound:
        return None


@cache
def _formatter() -> HtmlFormatter:
    from pygments.formatters import HtmlFormatter

    return HtmlFormatter(nowrap=True)
