"""A growing text in widgets: what is settled is sent once, the open end with each repaint."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

from nbchat.view.progress import Column

CHUNK = 1500  # characters of settled HTML after which a widget is left alone
SHORTEST, LONGEST = 0.05, 2.0  # seconds between two repaints
SHARE = 0.08  # of one core that repainting may take; what sends and receives takes some too
BANDWIDTH = 46_000  # characters a second that repaints may send
ENVELOPE = 600  # characters of a message beside the value in it
REFERENCE = 48  # characters that name one widget among those of a box

# The parts of one block look like one block; see `parts`.
STYLE = (
    ".nbchat-live .nbchat.nbchat .nbchat-below{border-bottom:0;border-radius:5px 5px 0 0}"
    ".nbchat-live .nbchat.nbchat .nbchat-above{border-top:0;border-radius:0 0 5px 5px;margin:0}"
    ".nbchat-live .nbchat.nbchat .nbchat-above.nbchat-below{border-radius:0}"
    ".nbchat-live .nbchat.nbchat .nbchat-below pre{padding-bottom:0}"
    ".nbchat-live .nbchat.nbchat .nbchat-above pre{padding-top:0}"
    ".nbchat-live .nbchat.nbchat .nbchat-above>li:first-child{margin-top:.25em}"
)

_CODE = re.compile(r'<div class="highlight("><pre><code[^>]*>)')
_IMAGE = re.compile(r'<p><img src="data:[^>]*></p>\n')
_END = "</code></pre></div>\n"
_LIST = re.compile(r'<(ul|ol)(?: start="(\d+)")?>\n')
_LIST_TAG = re.compile(r"</?[uo]l\b[^>]*>|</li>\n")


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

    def sent(self, size: int) -> None:
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

    def __init__(
        self, make: Callable[[str], Any], box: Any, pace: Pace, *, follows: bool = False
    ) -> None:
        self.box = box
        self._follows = follows  # something stands above the text
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
        follows = " nbchat-next" if number or self._follows else ""
        settled = "".join(chunk.pieces)
        value = f'<div class="nbchat{follows}">{settled}</div>' if settled else ""
        if chunk.tail:
            follows = " nbchat-next" if number or settled or self._follows else ""
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
            self._pace.sent(REFERENCE * len(children))


def parts(html: str) -> list[str]:
    """Split the HTML of code, lists and images into parts that stand one below the other.

    A block that grows is sent again from its last part only: each part but the last is at least
    `CHUNK` characters long and ends with a line or an item, whatever follows. Other blocks stay
    whole.
    """
    split, rest = _code_parts(html) or _list_parts(html) or _image_parts(html) or ([html], "")
    return [*split, *(parts(rest) if rest else [])]


def _code_parts(html: str) -> tuple[list[str], str] | None:
    """Split the code that ``html`` begins with; return its parts and what comes after it."""
    head = _CODE.match(html)
    if head is None:
        return None
    end = html.index(_END, head.end())
    body = html[head.end() : end]
    cuts = [0]
    while 0 < (cut := body.find("\n", cuts[-1] + CHUNK) + 1) < len(body):
        cuts.append(cut)
    bodies = [body[begin:cut] for begin, cut in pairwise([*cuts, len(body)])]
    heads = [f'<div class="highlight{seam}{head[1]}' for seam in _seams(len(bodies))]
    split = [f"{head}{body}{_END}" for head, body in zip(heads, bodies, strict=True)]
    return split, html[end + len(_END) :]


def _list_parts(html: str) -> tuple[list[str], str] | None:
    """Split the list that ``html`` begins with; return its parts and what comes after it."""
    head = _LIST.match(html)
    if head is None:
        return None
    kind, number, depth, end = head[1], int(head[2] or 1), 1, len(html)
    begins = [(head.end(), number)]
    for tag in _LIST_TAG.finditer(html, head.end()):
        if tag[0].startswith("</li"):
            number += depth == 1
            if depth == 1 and tag.end() >= begins[-1][0] + CHUNK:
                begins.append((tag.end(), number))
        else:
            depth += -1 if tag[0].startswith("</") else 1
            if not depth:
                end = tag.start()
                break
    if begins[-1][0] == end:  # nothing comes after the last cut
        begins.pop()
    split = []
    cuts = pairwise([*begins, (end, 0)])
    for seam, ((begin, first), (cut, _)) in zip(_seams(len(begins)), cuts, strict=True):
        css = f' class="{seam.strip()}"' if seam else ""
        start = f' start="{first}"' if kind == "ol" and first != 1 else ""
        split.append(f"<{kind}{css}{start}>\n{html[begin:cut]}</{kind}>\n")
    return split, html[end + len(f"</{kind}>\n") :]


def _image_parts(html: str) -> tuple[list[str], str] | None:
    """Split off the image that ``html`` begins with; return it and what comes after it."""
    image = _IMAGE.match(html)
    return ([image[0]], html[image.end() :]) if image is not None else None


def _seams(count: int) -> list[str]:
    """Return the CSS classes of so many parts: which has one above it, which one below."""
    above, below = " nbchat-above", " nbchat-below"
    return [above * (n > 0) + below * (n + 1 < count) for n in range(count)]
