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
BANDWIDTH = 48_000  # characters a second that repaints may send, where they can be slower

# Parts of one block of code look like one block; see `parts`.
STYLE = (
    ".nbchat-live .nbchat.nbchat .nbchat-below{border-bottom:0;border-radius:5px 5px 0 0}"
    ".nbchat-live .nbchat.nbchat .nbchat-above{border-top:0;border-radius:0 0 5px 5px;margin-top:0}"
    ".nbchat-live .nbchat.nbchat .nbchat-above.nbchat-below{border-radius:0}"
    ".nbchat-live .nbchat.nbchat .nbchat-below pre{padding-bottom:0}"
    ".nbchat-live .nbchat.nbchat .nbchat-above pre{padding-top:0}"
)

_CODE = re.compile(r'<div class="highlight(?="><pre><code)')
_CODE_BODY = re.compile(r'"><pre><code[^>]*>')
_CODE_END = "</code></pre></div>\n"


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
        self._size += size

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
        # What stands for the open block is laid again: it may have changed.
        first, settled = self._open
        self._at = first
        del self._chunks[first].pieces[settled:]
        for chunk in self._chunks[first + 1 :]:
            chunk.pieces = []
        for html in update.new:
            self._put(parts(html))
        self._open = (self._at, len(self._chunks[self._at].pieces))
        *done, tail = parts(update.tail)
        self._put(done)
        self._end(tail)
        shown = len(self._chunks)
        made = [self._show(number) for number in range(first, shown)]
        if any(made):
            self._fill()
