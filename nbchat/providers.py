"""Presets, discovery, keys, and what each server was found to refuse."""

from __future__ import annotations

from collections.abc import Callable
from typing import NoReturn


class Secret:
    """A key that does not show itself.

    ``repr``, ``str`` and formatting give a mask, and it can't be pickled; `reveal` gives the key.

    >>> Secret("sk-123"), f"{Secret('sk-123')}", Secret("sk-123").reveal()
    (Secret(••••), 'Secret(••••)', 'sk-123')
    """

    __slots__ = ("_reveal",)

    def __init__(self, value: str) -> None:
        # In a closure: a debugger or a verbose traceback that prints attributes shows none of it.
        self._reveal: Callable[[], str] = lambda: value

    def reveal(self) -> str:
        """Return the key itself."""
        return self._reveal()

    def __repr__(self) -> str:
        return "Secret(••••)"

    def __reduce__(self) -> NoReturn:
        raise TypeError("a key is not pickled")
