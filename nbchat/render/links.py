"""Links and images: addresses written bare, and the allow-list of where an answer may lead.

A link leads to http, https or mailto, or it is no link (nothing relative, which would be the
Jupyter server's own interface, and no `vscode:`, `blob:` or `javascript:`). An image is shown only
if its bytes are in the text, or if the user allowed remote ones: fetching an image's address can
carry data out. Otherwise it is a link that says so.
"""

from __future__ import annotations

import base64
import contextlib
import re
import struct
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from markdown_it.common.utils import escapeHtml

from nbchat.render.math import isolated

if TYPE_CHECKING:
    from markdown_it import MarkdownIt
    from markdown_it.rules_inline import StateInline
    from markdown_it.token import Token

BARE_URL = re.compile(r"https?://[^\s<>\[\]\"`\\|、。，；：！？」』）】》]{1,2000}")
"""An address without brackets around it; punctuation at its end may belong to the sentence."""

_SCHEME_BEFORE = re.compile(r"(?<![^\W_])https?$")
_LINK = re.compile(r"(?:https?://[^\s/\\]|mailto:[^\s/\\])[^\s\\]*", re.IGNORECASE)
_REMOTE = re.compile(r"https?://[^\s/\\][^\s\\]*", re.IGNORECASE)
_INLINE_IMAGE = re.compile(r"data:image/(?:png|gif|jpeg|webp);base64,[A-Za-z0-9+/]+={0,2}")
_ATTRIBUTES = 'rel="noopener noreferrer nofollow" target="_blank"'


def add_links(md: MarkdownIt) -> None:
    """Teach `md` bare addresses and the HTML of links and images."""
    md.inline.ruler.before("escape", "bare_url", _bare_url_rule)
    md.add_render_rule("link_open", _link_open)
    md.add_render_rule("link_close", _link_close)
    md.add_render_rule("image", _image)


def _bare_url_rule(state: StateInline, silent: bool) -> bool:
    """Read `https://…` at its colon, the first character at which plain text is left."""
    if state.linkLevel or not state.src.startswith("://", state.pos):
        return False
    scheme = _SCHEME_BEFORE.search(state.src, max(state.pos - 6, 0), state.pos)
    if scheme is None:
        return False
    start = scheme.start()
    match = BARE_URL.match(state.src, start, state.posMax)
    url = _without_punctuation(match[0]) if match else ""
    if len(url) <= len(scheme[0]) + 3:
        return False
    if not silent:
        state.pending = state.pending[: -len(scheme[0])]
        state.push("link_open", "a", 1).attrs = {"href": state.md.normalizeLink(url)}
        state.push("text", "", 0).content = url
        state.push("link_close", "a", -1)
    state.pos = start + len(url)
    return True


def _without_punctuation(url: str) -> str:
    """Return `url` without what ends the sentence: punctuation, a bracket opened before it."""
    while url and (
        url[-1] in "?!.,:;*_~'" or (url[-1] == ")" and url.count(")") > url.count("("))
    ):
        url = url[:-1]
    return url


def _link_open(
    _renderer: Any, tokens: Sequence[Token], index: int, _options: Any, env: Any
) -> str:
    href, title = (str(tokens[index].attrGet(name) or "") for name in ("href", "title"))
    ends = env.setdefault("link_ends", [])
    leads = not ends and _LINK.fullmatch(href) is not None  # an address in brackets can be nested
    ends.append("</a>" if leads else "</span>")
    if not leads:
        if href and len(ends) == 1:
            return f'<span class="nbchat-refused" title="{escapeHtml(href)}">'
        return '<span class="nbchat-link">'  # in the open end: its address has not arrived
    hint = f' title="{escapeHtml(title)}"' if title else ""
    return f'<a href="{escapeHtml(href)}"{hint} {_ATTRIBUTES}>'


def _link_close(
    _renderer: Any, _tokens: Sequence[Token], _index: int, _options: Any, env: Any
) -> str:
    end: str = env["link_ends"].pop()
    return end


def _image(renderer: Any, tokens: Sequence[Token], index: int, options: Any, env: Any) -> str:
    token = tokens[index]
    src, title = (str(token.attrGet(name) or "") for name in ("src", "title"))
    alt = renderer.renderInlineAsText(token.children, options, env)
    hint = f' title="{escapeHtml(title)}"' if title else ""
    src = env.get("pictures", {}).get(src, src)
    if _INLINE_IMAGE.fullmatch(src) or (env.get("allow_images") and _REMOTE.fullmatch(src)):
        remote = ' loading="lazy" referrerpolicy="no-referrer"'
        more = _size(src) if src.startswith("data:") else remote
        return f'<img src="{escapeHtml(src)}" alt="{escapeHtml(alt)}"{hint}{more}>'
    # within a link it is that link's text: links hold no links
    label = isolated(escapeHtml(f"[image: {alt}]" if alt else "[image]"))
    if env.get("link_ends") or not _REMOTE.fullmatch(src):
        return f'<span class="nbchat-image">{label}</span>'
    return f'<a class="nbchat-image" href="{escapeHtml(src)}"{hint} {_ATTRIBUTES}>{label}</a>'


def _size(src: str) -> str:
    """Return the attributes for the size of a PNG, so that its place is kept before it shows.

    Its first chunk holds width and height (PNG specification, 11.2.1).
    """
    head = b""
    with contextlib.suppress(ValueError):
        head = base64.b64decode(src.partition(",")[2][:32])
    if not head.startswith(b"\x89PNG") or len(head) < 24:
        return ""
    width, height = struct.unpack(">II", head[16:24])
    return f' width="{width}" height="{height}"'
