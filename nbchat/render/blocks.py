"""Markdown that arrives in pieces: settled blocks and an open tail.

The rule: decisions are made on complete lines only, and every top-level block but the last is
settled, because no later line can reach it. Three exceptions keep the result equal, byte for
byte, to one rendering of the whole text. A link reference definition that touches the last
paragraph stays open with it, for its title may still follow. A definition that arrives after a
settled block which names its label renders that block again (`Update.changed`). A carriage return
or the first half of a surrogate pair at the end of a piece waits for what follows it.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from nbchat.render.html import load_parser, normalized

if TYPE_CHECKING:
    from markdown_it.token import Token

_END = 1 << 60  # a line number after every line


@dataclass(frozen=True)
class Update:
    """What changed since the update before."""

    new: list[str] = field(default_factory=list)
    """HTML of the newly settled blocks, to be appended in this order."""
    changed: list[tuple[int, str]] = field(default_factory=list)
    """Index and HTML of blocks settled by an earlier update that a later definition changed."""
    tail: str = ""
    """HTML of the open end, in place of the one before. Empty after `finish`."""


@dataclass
class _Block:
    """A settled block."""

    html: str
    tokens: list[Token]
    """What it was rendered from, if a later definition can change it."""
    names: str
    """Its text, normalized as labels are, if it has brackets."""


class IncrementalMarkdown:
    r"""Renders Markdown that arrives in pieces of any size.

    `feed` is cheap and can be called for every delta; `tick` costs time in proportion to the open
    block and belongs on a clock. `cost` says what the last tick took, so that the clock can slow
    down for an answer that is one giant block.

    >>> md = IncrementalMarkdown()
    >>> md.feed("# Title\n\nFirst\nline, *op")
    >>> md.tick()
    Update(new=['<h1>Title</h1>\n'], changed=[], tail='<p>First\nline, <em>op</em></p>\n')
    >>> md.feed("en*")
    >>> md.finish().new
    ['<p>First\nline, <em>open</em></p>\n']
    """

    def __init__(
        self, *, allow_images: bool = False, pictures: Mapping[str, str] | None = None
    ) -> None:
        self.cost = 0.0
        """Seconds of CPU that the last `tick` or `finish` took on its thread."""
        self._images = {
            "allow_images": allow_images,
            "pictures": {} if pictures is None else pictures,
        }
        self._parser = load_parser()
        self._blocks: list[_Block] = []
        self._known: dict[str, dict[str, Any]] = {kind: {} for kind in ("references", "footnotes")}
        self._memo: dict[tuple[object, ...], str] = {}
        self._pieces: list[str] = []
        self._held = ""
        self._line_ended = False

    @property
    def html(self) -> str:
        """HTML of all settled blocks."""
        return "".join(block.html for block in self._blocks)

    def feed(self, piece: str) -> None:
        """Take the next piece of the text; it shows with the next `tick`."""
        piece = self._held + piece
        self._held = piece[-1:] if piece[-1:] == "\r" or "\ud800" <= piece[-1:] <= "\udbff" else ""
        piece = normalized(piece[:-1] if self._held else piece)
        self._line_ended = self._line_ended or "\n" in piece
        self._pieces.append(piece)

    def tick(self) -> Update:
        """Settle what can be settled, render the open end, and return what changed."""
        started = time.thread_time()
        changed: list[tuple[int, str]] = []
        first_new = len(self._blocks)
        tail = "".join(self._pieces)
        tokens, env = self._open_blocks(tail)
        if self._line_ended and len(_starts(tokens)) > 1:
            self._line_ended = False
            rest = self._settle(tail, changed)
            if len(rest) < len(tail):
                tail = rest
                tokens, env = self._open_blocks(tail)
        self._pieces = [tail]
        update = Update(
            [block.html for block in self._blocks[first_new:]],
            [(index, html) for index, html in changed if index < first_new],
            self._parser.html(tokens, env),
        )
        self._memo = env["memo"][1]
        self.cost = time.thread_time() - started
        return update

    def finish(self) -> Update:
        """Settle everything; `html` is then that of the whole text."""
        started = time.thread_time()
        changed: list[tuple[int, str]] = []
        first_new = len(self._blocks)
        tail = "".join(self._pieces) + normalized(self._held)
        self._pieces, self._held = [], ""
        env = self._env()
        tokens = self._parser.blocks(tail, env)
        starts = [*_starts(tokens), len(tokens)]
        self._append(tokens, starts, env)
        self._learn(env, _END, changed)
        update = Update(
            [block.html for block in self._blocks[first_new:]],
            [(index, html) for index, html in changed if index < first_new],
        )
        self.cost = time.thread_time() - started
        return update

    def _open_blocks(self, tail: str) -> tuple[list[Token], dict[str, Any]]:
        """Parse the open end as it will look a moment later."""
        from nbchat.render.tail import amend_tokens, amended_source

        env = {**self._env(), "open": True, "memo": (self._memo, {})}
        tokens = self._parser.blocks(amended_source(tail), env)
        amend_tokens(tokens, tail)
        return tokens, env

    def _env(self) -> dict[str, Any]:
        known = {kind: dict(labels) for kind, labels in self._known.items()}
        return {**known, **self._images}

    def _settle(self, tail: str, changed: list[tuple[int, str]]) -> str:
        """Settle the blocks of `tail` that no later line can reach; return the rest of it."""
        complete = tail[: tail.rfind("\n") + 1]
        env = self._env()
        tokens = self._parser.blocks(complete, env)
        starts = _starts(tokens)
        if len(starts) < 2:
            return tail
        line = self._first_open_line(tokens, starts, env)
        settled = [start for start in starts if _lines(tokens[start])[0] < line]
        if not settled:
            return tail
        bounds = [*settled, starts[len(settled)]]
        self._append(tokens, bounds, env)
        self._learn(env, line, changed)
        offset = 0
        for _ in range(line):
            offset = complete.index("\n", offset) + 1
        return tail[offset:]

    def _first_open_line(self, tokens: list[Token], starts: list[int], env: dict[str, Any]) -> int:
        """Return the line where the last block begins, or the definitions that touch it."""
        line = _lines(tokens[starts[-1]])[0]
        before = _lines(tokens[starts[-2]])[1]  # never step back into a container
        definitions = [
            definition["map"]
            for label, definition in env["references"].items()
            if label not in self._known["references"]
        ]
        definitions += [definition["map"] for definition in env.get("duplicate_refs", ())]
        begins = {end: begin for begin, end in definitions}
        while before <= begins.get(line, -1) < line:
            line = begins[line]
        return line

    def _append(self, tokens: list[Token], bounds: list[int], env: dict[str, Any]) -> None:
        """Render the blocks that begin at token indices `bounds`; the last bound is their end."""
        from markdown_it.common.utils import normalizeReference

        for begin, end in pairwise(bounds):
            block = tokens[begin:end]
            html = self._parser.html(block, env)
            text = " ".join(token.content for token in block if token.type == "inline")
            names = normalizeReference(text) if "[" in text else ""
            self._blocks.append(_Block(html, block if names else [], names))

    def _learn(self, env: dict[str, Any], line: int, changed: list[tuple[int, str]]) -> None:
        """Keep the definitions above `line`; render settled blocks that name one again."""
        labels: list[str] = []
        for kind, known in self._known.items():
            for label, definition in env[kind].items():
                if label not in known and definition["map"][1] <= line:
                    known[label] = definition
                    labels.append(label)
        if not labels:
            return
        for index, block in enumerate(self._blocks):
            if any(label in block.names for label in labels):
                html = self._parser.html(block.tokens, self._env())
                if html != block.html:
                    block.html = html
                    changed.append((index, html))


def _starts(tokens: list[Token]) -> list[int]:
    """Return the indices of the tokens that begin a top-level block."""
    return [i for i, token in enumerate(tokens) if token.level == 0 and token.nesting >= 0]


def _lines(token: Token) -> tuple[int, int]:
    """Return the first line of a block's token and the line after it."""
    if token.map is None:
        raise ValueError(f"a block token without its lines: {token.type}")
    return token.map[0], token.map[1]
