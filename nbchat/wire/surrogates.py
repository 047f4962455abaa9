r"""Characters beyond U+FFFF that a server cut in two.

JSON may escape such a character as two surrogates (``\ud83d\ude00``), and some servers send one
half at the end of a delta and the other with the next. A lone half cannot be encoded as UTF-8: it
must reach neither the front end nor a file.
"""

from __future__ import annotations

import re
from typing import Any

_LONE = re.compile("[\ud800-\udfff]")


class SurrogateMender:
    r"""Joins halves across the frames of one stream; a half without its partner becomes U+FFFD.

    >>> mender = SurrogateMender()
    >>> mender.mend({"delta": "a\ud83d"}), mender.mend({"delta": "\ude00b"})
    ({'delta': 'a'}, {'delta': '😀b'})
    """

    def __init__(self) -> None:
        self._waiting: dict[tuple[object, ...], str] = {}  # first halves, by their place

    def mend(self, value: Any, place: tuple[object, ...] = ()) -> Any:
        """Return ``value``, a decoded JSON value, with its strings mended."""
        if isinstance(value, str):
            return self._mend_text(value, place)
        if isinstance(value, dict):
            return {key: self.mend(inner, (*place, key)) for key, inner in value.items()}
        if isinstance(value, list):
            return [self.mend(inner, (*place, _index(inner, n))) for n, inner in enumerate(value)]
        return value

    def _mend_text(self, text: str, place: tuple[object, ...]) -> str:
        text = self._waiting.pop(place, "") + text
        if _LONE.search(text) is None:
            return text
        text = text.encode("utf-16", "surrogatepass").decode("utf-16", "surrogatepass")
        if "\ud800" <= text[-1] <= "\udbff":
            self._waiting[place] = text[-1]
            text = text[:-1]
        return _LONE.sub("\ufffd", text)


def _index(element: Any, position: int) -> object:
    """Where an element of a list stands: choices arrive in any order, under their index."""
    return element.get("index", position) if isinstance(element, dict) else position
