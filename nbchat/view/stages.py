"""One stage of a live answer in widgets: the choices, and the calls that followed."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import ipywidgets

from nbchat.view import choices
from nbchat.view.chunks import Chunks, Pace
from nbchat.view.make import Maker
from nbchat.view.progress import Stage
from nbchat.view.steps import call_html


class StageView:
    """Shows a `Stage` in ``box``.

    Args:
        make: makes the widgets.
        pace: sends their values.
        group: keeps the tabs of different outputs apart.
        follows: another stage stands above.
    """

    def __init__(self, make: Maker, pace: Pace, group: str, *, follows: bool) -> None:
        self.box = make.box("nbchat-stage")
        self._make = make
        self._pace = pace
        self._group = group
        self._follows = follows
        self._columns: dict[int, Chunks] = {}
        self._calls: Any = None

    def paint(self, stage: Stage) -> str:
        """Bring the widgets up to date; return the style sheet that is needed for them."""
        style = ""
        if not self._columns.keys() >= stage.columns.keys():
            style = self.add_columns(stage.columns)
        for index, column in stage.columns.items():
            self._columns[index].paint(column)
        if stage.calls:
            self._show_calls("".join(map(call_html, stage.calls.values())))
        return style

    def add_columns(self, indices: Iterable[int]) -> str:
        """Make the columns of new choices; several stand side by side.

        Returns the style sheet that several need.
        """
        for index in indices:
            if index not in self._columns:
                self._columns[index] = self._make.chunks("nbchat-choice", follows=self._follows)
        columns = [column for _, column in sorted(self._columns.items())]
        count = len(columns)
        if count == 1:
            self._fill(columns[0].box)
            return ""
        for place, column in enumerate(columns):
            column.head(self._make.html(f'<div class="nbchat">{choices.label(place)}</div>'))
        tabs = self._make.html(choices.tabs(count, self._group))
        boxes = [column.box for column in columns]
        row = self._make.box("nbchat-columns", boxes, ipywidgets.Box)
        self._fill(self._make.box("nbchat-choices", [tabs, row]))
        return choices.style(count)

    def _show_calls(self, html: str) -> None:
        if self._calls is None:
            self._calls = self._make.html()
            self._fill(*self.box.children)
        follows = " nbchat-next" if self._columns or self._follows else ""
        self._pace.set(self._calls, f'<div class="nbchat{follows}">{html}</div>')

    def _fill(self, *above: Any) -> None:
        """Put widgets above the calls, in place of the ones before."""
        self.box.children = [*above, *([self._calls] if self._calls is not None else [])]
