"""A growing text in widgets: what is settled is sent once, the open end with each repaint."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from nbchat.view.progress import Column

CHUNK = 1500  # characters of settled HTML after which a widget is left alone
SHORTEST, LONGEST = 0.05, 2.0  # seconds between two repaints
SHARE = 0.10  # of one core that repainting may take
BANDWIDTH = 46_000  # characters a second that repaints may send
ENVELOPE = 600  # characters of a message beside the value in it

# Parts of one block of code look like one block; see `parts`.
STYLE = (
    ".nbchat-live .nbchat.nbchat .nbchat-below{border-bottom:0;border-radius:5px 5px 0 0}"
    ".nbchat-live .nbchat.nbchat .nbchat-above{border-top:0;border-radius:0 0 5px 5px;margin:0}"
    ".nbchat-live .nbchat.nbchat .nbchat-above.nbchat-below{border-radius:0}"
    ".nbchat-live .nbchat.nbchat .nbchat-below pre{padding-bottom:0}"
    ".nbchat-live .nbchat.nbchat .nbchat-above pre{padding-top:0}"
)

_CODE = re.compile(r'<div class="highlight("><pre><code[^>]*>)')
_END = "</code></pre></div>\n"


class Pace:
    """Sends values, and says how long to wait before the next repaint.

    The interval keeps repaints below `SHARE` of a core, 1 / `SHORTEST` messages a second and
    `BANDWIDTH`, but is never longer than `LONGEST`.
    """

    def __init__(self) -> None:
        self.interval = SHORTEST
        self._messages = self._size = 0

    def set(self, widget: Any, value: str) -> None:
        """Send a value if it is another one."""
        if widget.value != value:
            widget.value = value
            self.sent(len(value))

    def sent(self, size: int = 0) -> None:
        """Take note of a message with so many characters."""
        self._messages += 1
        self._size += size + ENVELOPE

    @contextmanager
    def repaint(self) -> Iterator[None]:
        """Measure what the block costs."""
        began = time.thread_time()
        self._messages = self._size = 0
        yield
        cost = time.thread_time() - began
        wanted = (cost / SHARE, self._messages * SHORTEST, self._size / BANDWIDTH, SHORTEST)
        self.interval = min(max(wanted), LONGEST)


@dataclass
class _Chunk:
    pieces: list[str] = field(default_factory=list)
    tail: str = ""
    widget: Any = None

    @property
    def full(self) -> bool:
        return sum(map(len, self.pieces)) >= CHUNK


class Chunks:
    """A growing text in a box: settled chunks, and the last one, which still changes.

    A chunk that is large enough is left alone with the open end that it shows. The style sheet
    hides that in the moment in which the next chunk, which has it too, appears: so text passes
    from one to the other within a frame, however long the front end takes to make a widget.
    """

    def __init__(self, make: Callable[[str], Any], box: Any, pace: Pace) -> None:
        self.box = box
        self._make = make
        self._pace = pace
        self._head: list[Any] = []
        self._markdown: object = None
        self._restart()

    def _restart(self) -> None:
        self._chunks = [_Chunk()]
        self._places: list[tuple[int, int]] = []  # of the settled blocks: chunk, piece
        self._at = 0  # the chunk that is being filled
        self._open = (0, 0)  # where the open block begins: chunk, piece

    def head(self, widget: Any) -> None:
        """Put ``widget`` above the text, in place of the one before."""
        self._head = [widget]
        self._fill()

    def paint(self, column: Column) -> None:
        """Bring the widgets up to date."""
        if not column.fresh:
            return
        column.fresh = False
        if column.markdown is not self._markdown:
            self._restart()
            self._markdown = column.markdown
        update = column.markdown.tick()
        for index, html in update.changed:
            number, piece = self._places[index]
            self._chunks[number].pieces[piece] = html
            self._show(number)
        # What stands for the open block is laid again, for it may have changed.
        first, settled = self._open
        self._at = first
        del self._chunks[first].pieces[settled:]
        for chunk in self._chunks[first + 1 :]:
            chunk.pieces = []
        for html in update.new:
            first_part, *others = parts(html)
            self._places.append(self._put(first_part))
            for part in others:
                self._put(part)
        self._open = self._at, len(self._chunks[self._at].pieces)
        *done, tail = parts(update.tail)
        for part in done:
            self._put(part)
        self._end(tail)
        for number in range(first, len(self._chunks)):
            self._show(number)
        self._fill()

    def _put(self, piece: str) -> tuple[int, int]:
        """Add a piece where there is room; return its place."""
        if self._chunks[self._at].full:
            self._next("")
        pieces = self._chunks[self._at].pieces
        pieces.append(piece)
        return self._at, len(pieces) - 1

    def _end(self, tail: str) -> None:
        """Let ``tail`` follow the pieces."""
        if tail and self._chunks[self._at].full:
            self._next(tail)
        self._chunks[self._at].tail = tail
        for chunk in self._chunks[self._at + 1 :]:
            chunk.tail = ""

    def _next(self, tail: str) -> None:
        """Go to the next chunk; if it is a new one, leave ``tail`` in the one before."""
        if self._at + 1 == len(self._chunks):
            self._chunks[self._at].tail = tail
            self._chunks.append(_Chunk())
        self._at += 1

    def _show(self, number: int) -> None:
        chunk = self._chunks[number]
        follows = " nbchat-next" if number else ""
        settled = "".join(chunk.pieces)
        value = f'<div class="nbchat{follows}">{settled}</div>' if settled else ""
        if chunk.tail:
            follows = " nbchat-next" if number or settled else ""
            value += f'<div class="nbchat{follows} nbchat-open">{chunk.tail}</div>'
        if chunk.widget is None:
            chunk.widget = self._make(value)
            self._pace.sent(len(value))
        else:
            self._pace.set(chunk.widget, value)

    def _fill(self) -> None:
        children = (*self._head, *(c.widget for c in self._chunks if c.widget is not None))
        if self.box.children != children:
            self.box.children = children
            self._pace.sent()


def parts(html: str) -> list[str]:
    """Split the HTML of a long block of code into parts that stand one below the other.

    A block that grows is sent again from its last part only: each part but the last is at least
    `CHUNK` characters long and ends with a line, whatever follows. Other blocks stay whole.
    """
    found = _CODE.match(html)
    if found is None:
        return [html]
    end = html.index(_END, found.end())
    body, rest = html[found.end() : end], html[end + len(_END) :]
    lines = []
    start = 0
    while 0 < (cut := body.find("\n", start + CHUNK) + 1) < len(body):
        lines.append(body[start:cut])
        start = cut
    lines.append(body[start:])
    wrapped = []
    for number, part in enumerate(lines):
        above = " nbchat-above" if number else ""
        below = " nbchat-below" if number + 1 < len(lines) else ""
        wrapped.append(f'<div class="highlight{above}{below}{found[1]}{part}{_END}')
    return [*wrapped, *(parts(rest) if rest else [])]
