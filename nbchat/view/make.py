"""Making widgets, all of which are closed when the answer is there."""

from __future__ import annotations

from typing import Any

import ipywidgets

from nbchat.view.chunks import Chunks, Pace


class Maker:
    """Makes core widgets that share one layout and, each kind of them, one style."""

    def __init__(self, pace: Pace) -> None:
        self._pace = pace
        self._made: list[Any] = []
        self._styles: dict[Any, Any] = {}
        self._layout = self._keep(ipywidgets.Layout())

    def html(self, value: str = "", css: str = "", kind: Any = ipywidgets.HTML) -> Any:
        """Return a widget for HTML."""
        shared = {"style": self._styles[kind]} if kind in self._styles else {}
        classes = css.split()
        widget = self._keep(kind(value, layout=self._layout, _dom_classes=classes, **shared))
        if not shared:
            self._styles[kind] = self._keep(widget.style)
        return widget

    def box(
        self, css: str, children: list[Any] | tuple[Any, ...] = (), kind: Any = ipywidgets.VBox
    ) -> Any:
        """Return a box, by default one in which the widgets stand below each other."""
        return self._keep(kind(children, layout=self._layout, _dom_classes=css.split()))

    def button(self, description: str, tooltip: str, css: str) -> Any:
        """Return a button."""
        classes = css.split()
        button = ipywidgets.Button(
            description=description, tooltip=tooltip, layout=self._layout, _dom_classes=classes
        )
        self._keep(button.style)
        return self._keep(button)

    def chunks(self, css: str, *, follows: bool = False) -> Chunks:
        """Return an empty text that can grow; ``follows``: something stands above it."""
        return Chunks(self._chunk, self.box(css), self._pace, follows=follows)

    def close(self) -> None:
        """Close all of them."""
        for widget in self._made:
            widget.close()

    def _chunk(self, value: str) -> Any:
        return self.html(value, kind=ipywidgets.HTMLMath)

    def _keep(self, widget: Any) -> Any:
        self._made.append(widget)
        return widget
