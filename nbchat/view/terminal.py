"""Text for a terminal as it streams: words wrapped at its width, Markdown in its colours."""

from __future__ import annotations

import os
import re
import shutil
import unicodedata
from typing import TextIO

_RESET = "\x1b[0m"
_STYLES = {
    "": "",
    "bold": "\x1b[1m",
    "code": "\x1b[36m",
    "dim": "\x1b[2m",
    "mark": "\x1b[33m",
}
_WORDS = re.compile(r"\n|[^\S\n]+|\S+")
_FENCE = re.compile(r" {0,3}(```|~~~)")
_HEADING = re.compile(r" {0,3}#{1,6}(\s|$)")
_TABLE = re.compile(r" {0,3}\|")
# A model's text must not move the cursor, set the title or change the terminal otherwise.
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")


class Writer:
    r"""Writes pieces of any size and never anything twice.

    A word waits until it is complete, for only then it is known whether it fits on the line. Where
    the stream is no terminal, nothing is wrapped or coloured; `NO_COLOR` turns colours off
    (no-color.org).

    >>> import io
    >>> out = io.StringIO()
    >>> writer = Writer(out)
    >>> writer.write("Hel"), writer.write("lo.")
    (None, None)
    >>> writer.line("[done]")
    >>> out.getvalue()
    'Hello.\n[done]\n'
    """

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._terminal = stream.isatty()
        self._colours = self._terminal and not os.environ.get("NO_COLOR")
        self._column = 0
        self._indent = 0
        self._word = ""  # not complete yet
        self._line = ""  # the source of the line so far
        self._fenced = ""
        self._style = ""

    def write(self, text: str, style: str = "") -> None:
        """Write a piece of text; ``style`` (``dim``) goes before that of its Markdown."""
        text = _CONTROL.sub("\ufffd", text.replace("\r\n", "\n"))
        if not self._terminal:
            self._emit(text, "")
            return
        self._style = style
        words = _WORDS.findall(self._word + text)
        self._word = words.pop() if words and not words[-1].isspace() else ""
        for word in words:
            self._put(word)
        self._stream.flush()

    def line(self, text: str, style: str = "") -> None:
        """Write a line of its own, unwrapped; ``""`` only ends the line that was begun."""
        self.flush()
        if self._column:
            self._emit("\n", "")
        if text:
            self._emit(text + "\n", style)
        self._line = self._fenced = ""
        self._stream.flush()

    def flush(self) -> None:
        """Write the word that is waiting."""
        if self._word:
            word, self._word = self._word, ""
            self._put(word)

    # --- One word ---------------------------------------------------------------------------

    def _put(self, word: str) -> None:
        if word == "\n":
            self._end_of_line()
            return
        self._line += word
        whole = self._fenced or _TABLE.match(self._line)
        width = shutil.get_terminal_size().columns
        begun = self._column > self._indent
        if not whole and begun and not word.isspace() and self._column + _cells(word) > width:
            self._emit("\n" + " " * self._indent, "")
        if word.isspace() and not whole and begun and self._column >= width:
            return
        if self._line.isspace():
            self._indent = min(_cells(self._line), width // 2)
        self._emit(word, self._style or self._markdown())

    def _markdown(self) -> str:
        if self._fenced or _FENCE.match(self._line):
            return "code"
        return "bold" if _HEADING.match(self._line) else ""

    def _end_of_line(self) -> None:
        fence = _FENCE.match(self._line)
        if fence and not self._fenced:
            self._fenced = fence[1]
        elif fence and self._fenced == fence[1]:
            self._fenced = ""
        self._line = ""
        self._indent = 0
        self._emit("\n", "")

    def _emit(self, text: str, style: str) -> None:
        code = _STYLES[style] if self._colours else ""
        self._stream.write(f"{code}{text}{_RESET}" if code else text)
        last = text.rpartition("\n")
        self._column = (0 if last[1] else self._column) + _cells(last[2])


def _cells(text: str) -> int:
    """Return how many columns of a terminal a text takes."""
    wide = sum(unicodedata.east_asian_width(char) in "WF" for char in text)
    return len(text) + wide - sum(unicodedata.combining(char) != 0 for char in text)
