"""The Markdown parser and renderer that every answer goes through, and its rules for safety.

CommonMark with tables, strikethrough, task lists, footnotes and formulas. What a model writes is
hostile until proven otherwise (it may repeat a web page's words), therefore: raw HTML is text;
a link leads to http, https or mailto, or it is no link; an image is shown only if its bytes are in
the text (`data:`) or the user allowed remote ones, because fetching an image's address can carry
data out; dollar signs and backslashes in prose are kept from MathJax.
"""

from __future__ import annotations

import re
from collections.abc import MutableMapping, Sequence
from functools import cache
from typing import Any

from markdown_it import MarkdownIt
from markdown_it.common.utils import escapeHtml
from markdown_it.renderer import RendererHTML
from markdown_it.rules_core import StateCore, text_join
from markdown_it.token import Token

from nbchat.render.code import code_html
from nbchat.render.footnotes import add_footnotes
from nbchat.render.math import add_math

Env = MutableMapping[str, Any]
"""What one document's parse knows beside its text: `references`, `footnotes`, `open`,
`allow_images`."""

_LINK = re.compile(r"(?:https?://[^\s/\\]|mailto:[^\s/\\])[^\s\\]*", re.IGNORECASE)
_REMOTE = re.compile(r"https?://[^\s/\\][^\s\\]*", re.IGNORECASE)
_INLINE_IMAGE = re.compile(r"data:image/(?:png|gif|jpeg|webp);base64,[A-Za-z0-9+/]+={0,2}")
_TASK = re.compile(r"\[([ xX])\](?=\s)")
_FOR_MATHJAX = re.compile(r"[$\\]")
_LINK_ATTRIBUTES = 'rel="noopener noreferrer nofollow" target="_blank"'


class AnswerParser(MarkdownIt):
    """markdown-it with nbchat's rules; keeps no state between documents."""

    def __init__(self) -> None:
        super().__init__("commonmark", {"html": False, "xhtmlOut": False}, renderer_cls=_Renderer)
        self.enable(["table", "strikethrough"])
        add_math(self)
        add_footnotes(self)

    def validateLink(self, url: str) -> bool:
        """Let every address take part in parsing; the renderer decides where a link may lead."""
        return True

    def blocks(self, text: str, env: Env) -> list[Token]:
        """Parse normalized `text` into block tokens whose inline content is not yet parsed."""
        tokens: list[Token] = []
        self.block.parse(text, self, env, tokens)
        return tokens

    def html(self, tokens: Sequence[Token], env: Env) -> str:
        """Parse the inline content of block `tokens` and return their HTML."""
        state = StateCore("", self, env)
        state.tokens = list(tokens)
        for index, token in enumerate(state.tokens):
            if token.type == "inline":
                token.children = []
                opener = state.tokens[index - 2] if index > 1 else None
                content = token.content
                if opener is not None and opener.type == "list_item_open":
                    content = _take_task(content, token.children)
                self.inline.parse(content, self, env, token.children)
        text_join(state)
        rendered: str = self.renderer.render(state.tokens, self.options, env)
        return rendered


@cache
def parser() -> AnswerParser:
    """Return the one parser, made when the first answer needs it."""
    return AnswerParser()


def isolated(escaped: str) -> str:
    """Return escaped prose in which MathJax finds no delimiter and no macro."""
    return _FOR_MATHJAX.sub(lambda match: f"<span>{match[0]}</span>", escaped)


def _take_task(content: str, children: list[Token]) -> str:
    """Turn the `[x]` that begins a list item into a token; return the rest of the text."""
    match = _TASK.match(content)
    if match is None:
        return content
    children.append(Token("task", "span", 0, meta={"done": match[1] != " "}))
    return content[match.end() :]


class _Renderer(RendererHTML):
    """HTML for each kind of token; the rules not listed here are markdown-it's."""

    def text(self, tokens: Sequence[Token], idx: int, options: Any, env: Any) -> str:
        return isolated(escapeHtml(tokens[idx].content))

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

    def link_open(self, tokens: Sequence[Token], idx: int, options: Any, env: Any) -> str:
        href, title = (str(tokens[idx].attrGet(name) or "") for name in ("href", "title"))
        if not _LINK.fullmatch(href):
            # no address is the link whose address has not arrived; others are told, not followed
            hint = f' title="{escapeHtml(href)}"' if href else ""
            return f'<span class="nbchat-link"{hint}>'
        hint = f' title="{escapeHtml(title)}"' if title else ""
        return f'<a href="{escapeHtml(href)}"{hint} {_LINK_ATTRIBUTES}>'

    def link_close(self, tokens: Sequence[Token], idx: int, options: Any, env: Any) -> str:
        opener = next(t for t in reversed(tokens[:idx]) if t.type == "link_open")
        return "</a>" if _LINK.fullmatch(str(opener.attrGet("href") or "")) else "</span>"

    def image(self, tokens: Sequence[Token], idx: int, options: Any, env: Any) -> str:
        token = tokens[idx]
        src, title = (str(token.attrGet(name) or "") for name in ("src", "title"))
        alt = self.renderInlineAsText(token.children, options, env)
        hint = f' title="{escapeHtml(title)}"' if title else ""
        if _INLINE_IMAGE.fullmatch(src) or (env.get("allow_images") and _REMOTE.fullmatch(src)):
            loading = ' loading="lazy" referrerpolicy="no-referrer"'
            return f'<img src="{escapeHtml(src)}" alt="{escapeHtml(alt)}"{hint}{loading}>'
        label = isolated(escapeHtml(f"[image: {alt}]" if alt else "[image]"))
        in_link = sum((t.type == "link_open") - (t.type == "link_close") for t in tokens[:idx])
        if in_link or not _REMOTE.fullmatch(src):
            return f'<span class="nbchat-image">{label}</span>'
        target = f'href="{escapeHtml(src)}"{hint} {_LINK_ATTRIBUTES}'
        return f'<a class="nbchat-image" {target}>{label}</a>'
