"""Text and sound that arrive in pieces."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterator
from io import StringIO

from nbchat.messages import Audio

_GAP = "\n\n"


class Parts:
    r"""Several texts, told apart by their keys, that read as one.

    What comes before ``#`` in a key is its item. A blank line stands between two items; between
    the parts of one item too if ``apart`` is set. Text is appended in constant time and joined
    when it is asked for.

    Attributes:
        last: the key of the part that was begun last, ``None`` if there is none.

    >>> parts = Parts()
    >>> parts.add("a", "One"), parts.add("a", " two"), parts.add("b", "three")
    ('One', ' two', '\n\nthree')
    >>> parts.joined()
    'One two\n\nthree'
    """

    __slots__ = ("_apart", "_texts", "last", "write")

    def __init__(self, *, apart: bool = False) -> None:
        self._apart = apart
        self._texts: dict[str, StringIO] = {}
        self.last: str | None = None
        self.write = StringIO().write  # appends to the last part

    def add(self, key: str, text: str) -> str | None:
        """Append to a part; return what that appends to the whole, ``None`` if it is within it."""
        if key == self.last:
            self.write(text)
            return text
        known = self._texts.get(key)
        if known is not None:
            known.write(text)
            return None
        gap = self._gap(self.last, key)
        self._texts[key] = part = StringIO()
        self.last = key
        self.write = part.write
        part.write(text)
        return gap + text

    def complete(self, key: str, text: str) -> str | None:
        """Set the whole text of a part; return what that appends, ``None`` if it differs.

        Text that is only the beginning of what came is no better than it, so it changes nothing.
        """
        part = self._texts.get(key)
        known = part.getvalue() if part is not None else ""
        if known.startswith(text):
            return ""
        if part is None or text.startswith(known):
            return self.add(key, text[len(known) :])
        part.seek(0)
        part.truncate()
        part.write(text)
        return None

    def joined(self) -> str:
        """Return all of it."""
        pieces = []
        before = None
        for key, part in self._texts.items():
            pieces += [self._gap(before, key), part.getvalue()]
            before = key
        return "".join(pieces)

    def offset(self, key: str) -> int:
        """Return where a part begins in the whole; 0 if it has not begun."""
        offset = 0
        before = None
        for other, part in self._texts.items():
            offset += len(self._gap(before, other))
            if other == key:
                return offset
            offset += len(part.getvalue())
            before = other
        return 0

    def end(self, key: str | None) -> int:
        """Return where a part ends in the whole; 0 if it has not begun."""
        if key is None or key not in self._texts:
            return 0
        return self.offset(key) + len(self._texts[key].getvalue())

    def pieces(self) -> Iterator[tuple[str, str]]:
        """Yield the key and the text of each part, in the order in which they began."""
        return ((key, part.getvalue()) for key, part in self._texts.items())

    def items(self) -> set[str]:
        """Return the items that the parts belong to."""
        return {_item(key) for key in self._texts}

    def _gap(self, before: str | None, key: str) -> str:
        if before is None or (not self._apart and _item(before) == _item(key)):
            return ""
        return _GAP


class Sound:
    """Base64 sound and its transcript, in pieces."""

    __slots__ = ("_data", "expires_at", "id", "transcript")

    def __init__(self) -> None:
        self._data: list[str] = []
        self.id = ""
        self.expires_at = 0
        self.transcript = StringIO()

    def add(self, data: str) -> None:
        """Append a piece of base64."""
        if data:
            self._data.append(data)

    def audio(self) -> Audio:
        """Return the whole."""
        return Audio(
            data=_join_base64(self._data),
            transcript=self.transcript.getvalue(),
            id=self.id,
            expires_at=self.expires_at,
        )


def _item(key: str) -> str:
    return key.partition("#")[0]


def _join_base64(pieces: list[str]) -> str:
    """Join base64 that was cut anywhere, or that was encoded piece by piece."""
    joined = "".join(pieces)
    if "=" not in joined.rstrip("="):
        return joined
    try:
        return base64.b64encode(b"".join(map(base64.b64decode, pieces))).decode("ascii")
    except binascii.Error:
        return joined
