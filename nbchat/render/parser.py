"""The Markdown parser and renderer that every answer goes through, and its rules for safety.

CommonMark with tables, strikethrough, task lists, footnotes and formulas. What a model writes is
hostile until proven otherwise (it may repeat a web page's words), therefore: raw HTML is text;
links and images are held to an allow-list (`links`); formulas to typesetting, and other dollar
signs and backslashes are kept from MathJax (`math`); a fence's language is held to
safe characters (`code`).
"""

from __future__ import annotations

import re
from collections.abc import MutableMapping, Sequence
from functools import cache, lru_cache
from typing import Any

from markdown_it import MarkdownIt
from markdown_it.common import normalize_url
from markdown_it.common.utils import escapeHtml
from markdown_it.renderer import RendererHTML
from markdown_it.rules_core import StateCore, text_join
from markdown_it.token import Token

from nbchat.render.code import code_html
from nbchat.render.footnotes import add_footnotes
from nbchat.render.links import add_links
from nbchat.render.math import add_math, isolated

DEFINITIONS = ("references", "footnotes")
"""What a document defines by label: links and footnotes."""

Env = MutableMapping[str, Any]
"""What a document's parse and rendering know beside its text.

`references` and `footnotes`: definitions by label; `open`: this is the end of an answer that is
still arriving; `memo`; `allow_images`; `pictures`: data URLs that addresses of images stand for;
`link_ends`: the ends of the links that are being rendered.
"""

Memo = tuple[dict[tuple[object, ...], str], dict[tuple[object, ...], str]]
"""HTML of inline content, by it and by the number of definitions then known: what the parse before
left, to read, and what this one needed, to write. So it never outgrows the open end."""

_TASK = re.compile(r"\[([ xX])\](?=\s)")


class AnswerParser(MarkdownIt):
    """markdown-it with nbchat's rules; keeps no state between documents."""

    def __init__(self) -> None:
        super().__init__("commonmark", {"html": False, "xhtmlOut": False}, renderer_cls=_Renderer)
        self.enable(["table", "strikethrough"])
        add_links(self)
        add_math(self)
        add_footnotes(self)

    def validateLink(self, url: str) -> bool:
        """Let every address take part in parsing; the renderer decides where a link may lead."""
        return True

    def normalizeLink(self, url: str) -> str:
        """Return `url` percent-encoded; remembered, for an open block is parsed many times."""
        return _normalized_link(url)

    def blocks(self, text: str, env: Env) -> list[Token]:
        """Parse normalized `text` into block tokens whose inline content is not yet parsed."""
        tokens: list[Token] = []
        self.block.parse(text, self, env, tokens)
        return tokens

    def html(self, tokens: Sequence[Token], env: Env) -> str:
        """Parse the inline content of block `tokens` and return their HTML."""
        for index, token in enumerate(tokens):
            if token.type == "inline":
                token.children = []
                opener = tokens[index - 2] if index > 1 else token
                content = token.content
                if opener.type == "list_item_open":
                    content = _take_task(content, opener, token.children)
                token.children.append(
                    Token("ready_html", "", 0, content=self._inline(content, env))
                )
        rendered: str = self.renderer.render(tokens, self.options, env)
        return rendered

    def _inline(self, content: str, env: Env) -> str:
        """Return the HTML of inline `content`; in an open end, parse only what is new."""
        memo: Memo | None = env.get("memo")
        key = (content, *(len(env.get(kind, ())) for kind in DEFINITIONS))
        html = memo[0].get(key) if memo else None
        if html is None:
            html = self._parsed_inline(content, env)
        if memo:
            memo[1][key] = html
        return html

    def _parsed_inline(self, content: str, env: Env) -> str:
        children: list[Token] = []
        self.inline.parse(content, self, env, children)
        state = StateCore("", self, env)
        state.tokens = [Token("inline", "", 0, content=content, children=children)]
        text_join(state)
        html: str = self.renderer.render(state.tokens, self.options, env)
        return html


_normalized_link = lru_cache(maxsize=256)(normalize_url.normalizeLink)


@cache
def parser() -> AnswerParser:
    """Return the one parser, made when the first answer needs it."""
    return AnswerParser()


def _take_task(content: str, item: Token, children: list[Token]) -> str:
    """Turn the `[x]` that begins a list item into a token; return the rest of the text."""
    match = _TASK.match(content)
    if match is None:
        return content
    item.attrSet("class", "nbchat-todo")
    children.append(Token("task", "span", 0, meta={"done": match[1] != " "}))
    return content[match.end() :]


class _Renderer(RendererHTML):
    """HTML for each kind of token; the rules not listed here are markdown-it's."""

    def text(self, tokens: Sequence[Token], idx: int, options: Any, env: Any) -> str:
        return isolated(escapeHtml(tokens[idx].content))

    def ready_html(self, tokens: Sequence[Token], idx: int, options: Any, env: Any) -> str:
        return tokens[idx].content

    def task(self, tokens: Sequence[Token], idx: int, options: Any, env: Any) -> str:
        # a character, not <input>: sanitizers drop form controls, and themes colour text
        mark, label = ("☑", "done") if tokens[idx].meta["done"] else ("☐", "to do")
        return f'<span class="nbchat-task" role="img" aria-label="{label}">{mark}\ufe0e</span>'

    def fence(self, tokens: Sequence[Token], idx: int, options: Any, env: Any) -> str:
        token = tokens[idx]
        return code_html(token.content, token.info, growing=bool(env.get("open")))

    def code_block(self, tokens: Sequence[Token], idx: int, options: Any, env: Any) -> str:
        return code_html(tokens[idx].content)

    def table_open(self, tokens: Sequence[Token], idx: int, options: Any, env: Any) -> str:
        return '<div class="nbchat-table"><table>\n'

    def table_close(self, tokens: Sequence[Token], idx: int, options: Any, env: Any) -> str:
        return "</table></div>\n"
