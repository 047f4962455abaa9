"""Footnotes, rendered where they stand.

`[^label]` in the text and `[^label]: …` as a block of its own, with further lines of the note
indented by four spaces. Two choices keep them exact while an answer is still arriving: a note
keeps the label that the model gave it and the place where the model wrote it (numbers in order of
appearance and a list at the end would change settled blocks), and a reference is recognized as
soon as its label is all digits, or when its note is defined. So `[^a-z]` in prose stays text.

There are no links between the two: an element's id would clash with another answer's in the same
notebook.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from markdown_it.common.utils import escapeHtml, normalizeReference

if TYPE_CHECKING:
    from markdown_it import MarkdownIt
    from markdown_it.ruler import RuleOptionsType
    from markdown_it.rules_block import StateBlock
    from markdown_it.rules_inline import StateInline
    from markdown_it.token import Token

_REFERENCE = re.compile(r"\[\^(?P<label>[^\s\[\]^]{1,40})\]")


def add_footnotes(md: MarkdownIt) -> None:
    """Teach `md` footnotes; definitions are collected in `env["footnotes"]` by label."""
    interrupts: RuleOptionsType = {"alt": ["paragraph", "reference"]}
    md.block.ruler.before("reference", "footnote", _definition_rule, interrupts)
    md.inline.ruler.after("image", "footnote_reference", _reference_rule)
    md.add_render_rule("footnote_open", _render_open)
    md.add_render_rule("footnote_reference", _render_reference)


def _definition_rule(state: StateBlock, start: int, end: int, silent: bool) -> bool:
    if state.is_code_block(start):
        return False
    begin = state.bMarks[start] + state.tShift[start]
    match = _REFERENCE.match(state.src, begin, state.eMarks[start])
    if match is None or not state.src.startswith(":", match.end()):
        return False
    if silent:
        return True

    token = state.push("footnote_open", "div", 1)
    token.info = match["label"]
    _tokenize_inside(state, start, end, match.end() + 1)
    token.map = [start, state.line]
    state.push("footnote_close", "div", -1)
    notes = state.env.setdefault("footnotes", {})
    notes.setdefault(normalizeReference(match["label"]), {"map": token.map})
    return True


def _tokenize_inside(state: StateBlock, start: int, end: int, begin: int) -> None:
    """Parse the blocks of a note whose text begins at offset `begin` in line `start`."""
    saved = state.bMarks[start], state.tShift[start], state.sCount[start], state.parentType
    text = state.src[begin : state.eMarks[start]]
    indent = len(text) - len(text.lstrip(" \t"))
    state.bMarks[start] = begin
    state.tShift[start] = indent
    state.blkIndent += 4
    state.sCount[start] = state.blkIndent
    state.parentType = "footnote"
    state.md.block.tokenize(state, start, end)
    state.blkIndent -= 4
    state.bMarks[start], state.tShift[start], state.sCount[start], state.parentType = saved


def _reference_rule(state: StateInline, silent: bool) -> bool:
    match = _REFERENCE.match(state.src, state.pos, state.posMax)
    if match is None:
        return False
    label = match["label"]
    known = normalizeReference(label) in state.env.get("footnotes", ())
    if not known and not (label.isascii() and label.isdigit()):
        return False
    if not silent:
        state.push("footnote_reference", "sup", 0).content = label
    state.pos = match.end()
    return True


def _render_open(
    _renderer: Any, tokens: Sequence[Token], index: int, _options: Any, _env: Any
) -> str:
    return f'<div class="nbchat-footnote"><sup>{escapeHtml(tokens[index].info)}</sup>\n'


def _render_reference(
    _renderer: Any, tokens: Sequence[Token], index: int, _options: Any, _env: Any
) -> str:
    return f"<sup>{escapeHtml(tokens[index].content)}</sup>"
