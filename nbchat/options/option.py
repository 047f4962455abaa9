"""`Option`: one row of the table of options."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from nbchat.messages import Endpoint

__all__ = ["Kind", "Option"]

Kind = Literal[
    "flag", "text", "number", "integer", "texts", "pairs", "fields", "object", "objects"
]


@dataclass(frozen=True)
class Option:
    """One row of the table.

    Attributes:
        field: the name of the field in `nbchat.options.Options`.
        flags: what is written on the line, the short form first.
        kind: ``flag`` takes no value and sets ``const``; ``text``, ``number`` (of any kind) and
            ``integer`` take one; ``texts`` may be repeated; ``pairs`` is a repeated ``KEY=TEXT``,
            ``fields`` a repeated ``path.to.key=JSON``; ``object`` takes the name of a variable
            (or a path) or any value, ``objects`` repeatedly.
        help: one sentence on the meaning, with the unit.
        group: the heading under which the help page has it.
        metavar: what stands for the value in the help page.
        low: the smallest value allowed.
        above: the value must be larger than this.
        high: the largest value allowed.
        choices: the texts allowed; none means any.
        shape: a pattern that the whole text must match, and its meaning in words.
        most: how often a repeated option may come.
        longest: the longest text allowed, in characters.
        empty: whether ``""`` is a value.
        endpoint: the only endpoint that has it; ``None`` if both have.
        only: choices that one endpoint alone has.
        aliases: further flags, the API's own names, that the help page leaves out.
        const: what a ``flag`` sets, ``True`` if ``None``; for other kinds what the option means
            without a value, which then takes one only with ``=``.
    """

    field: str
    flags: tuple[str, ...]
    kind: Kind
    help: str
    group: str = "core"
    metavar: str = ""
    low: float | None = None
    above: float | None = None
    high: float | None = None
    choices: tuple[str, ...] = ()
    shape: tuple[re.Pattern[str], str] | None = None
    most: int | None = None
    longest: int | None = None
    empty: bool = False
    endpoint: Endpoint | None = None
    only: tuple[tuple[str, Endpoint], ...] = ()
    aliases: tuple[str, ...] = ()
    const: bool | str | None = None

    @property
    def flag(self) -> str:
        """The long form, which messages name."""
        return self.flags[-1]

    @property
    def allowed(self) -> str:
        """The values allowed, in words.

        >>> Option("top_p", ("--top-p",), "number", "…", low=0, high=1).allowed
        'a number from 0 to 1'
        """
        if self.choices:
            words = _either(self.choices)
            return f"{words}, or {self.shape[1]}" if self.shape else words
        if self.shape is not None:
            return self.shape[1]
        if self.kind == "flag":
            return "true or false"
        if self.kind in ("number", "integer"):
            return ("a number" if self.kind == "number" else "a whole number") + self._range()
        if self.kind == "pairs":
            return f"at most {self.most} pairs KEY=TEXT (64 and {self.longest} characters)"
        if self.kind == "fields":
            return "path.to.key=VALUE"
        words = "a text" if self.empty else "a text that is not empty"
        if self.longest is not None:
            words = f"a text of 1 to {self.longest} characters"
        return words if self.most is None else f"{words}, at most {self.most} times"

    def _range(self) -> str:
        if self.above is not None:
            return f" above {self.above:g}"
        if self.low is None or abs(self.low) > 1e9:
            return ""
        if self.high is None:
            return f" of at least {self.low:g}"
        return f" from {self.low:g} to {self.high:g}"


def _either(words: tuple[str, ...]) -> str:
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} or {words[-1]}"
