"""Reasoning that a model writes as ``<think>…</think>`` at the start of its answer."""

from __future__ import annotations

_OPEN = "<think>"
_CLOSE = "</think>"
_PATIENCE = 64  # characters of white space that may stand before the tag


class ThinkSplitter:
    """Tells reasoning from text, however the deltas cut the tags.

    Only the very start of an answer may open the tag: prose that mentions it later stays text.

    Attributes:
        plain: the start is behind; all that follows is text and need not come here.

    >>> splitter = ThinkSplitter()
    >>> splitter.feed("<thi"), splitter.feed("nk>well"), splitter.feed("</think>Yes.")
    ([], [(True, 'well')], [(False, 'Yes.')])
    """

    def __init__(self) -> None:
        self.plain = False
        self._thinking = False
        self._trim = False  # white space next to a tag belongs to neither side
        self._held = ""

    def feed(self, text: str) -> list[tuple[bool, str]]:
        """Return what ``text`` adds: pairs of whether it is reasoning, and the piece."""
        if self.plain:
            return [(False, text)]
        text = self._held + text
        self._held = ""
        return self._think(text) if self._thinking else self._start(text)

    def flush(self) -> list[tuple[bool, str]]:
        """Return what was held back because it might have become a tag."""
        held, self._held = self._held, ""
        self.plain = self.plain or not self._thinking
        return [(self._thinking, held)] if held else []

    def _start(self, text: str) -> list[tuple[bool, str]]:
        bare = text.lstrip()
        if self._trim:  # after the closing tag
            if not bare:
                return []
            self.plain = True
            return [(False, bare)]
        if len(text) - len(bare) < _PATIENCE:
            if bare.startswith(_OPEN):
                self._thinking = self._trim = True
                return self._think(bare[len(_OPEN) :])
            if _OPEN.startswith(bare):
                self._held = text
                return []
        self.plain = True
        return [(False, text)]

    def _think(self, text: str) -> list[tuple[bool, str]]:
        if self._trim:
            text = text.lstrip()
            self._trim = not text
        before, tag, after = text.partition(_CLOSE)
        if not tag:
            cut = len(text) - _overlap(text)
            self._held = text[cut:]
            return [(True, text[:cut])] if cut else []
        self._thinking = False
        self._trim = True
        pieces = [(True, before)] if before else []
        return pieces + self._start(after)


def _overlap(text: str) -> int:
    """How many characters at the end of ``text`` may be the start of the closing tag."""
    for size in range(min(len(_CLOSE) - 1, len(text)), 0, -1):
        if _CLOSE.startswith(text[-size:]):
            return size
    return 0
