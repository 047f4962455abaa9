"""What pydantic found wrong, in lines that show the path."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pydantic import ValidationError

__all__ = ["at", "problems"]


def at(path: object, words: str, value: object = None) -> str:
    """Return one problem as a line.

    >>> at(("people", 0, "age"), "should be a number", "old")
    "people.0.age: should be a number, not 'old'"
    """
    place = ".".join(map(str, path)) if isinstance(path, (tuple, list)) else str(path)
    line = f"{place}: {words}" if place else words
    if isinstance(value, (str, int, float, bool)):
        shown = repr(value)
        line += f", not {shown if len(shown) <= 60 else shown[:59] + '…'}"
    return " ".join(line.split())


def problems(error: ValidationError) -> list[str]:
    """Return the problems, one line each."""
    return [
        at(
            problem["loc"],
            problem["msg"],
            None if problem["type"] == "json_invalid" else problem["input"],
        )
        for problem in error.errors(include_url=False)
    ]
