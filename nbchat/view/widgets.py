"""Answers in core ipywidgets: they grow while they come and are swapped for a permanent output.

Nothing here needs JavaScript of our own, so that Colab and VS Code show it too. Text is kept in
chunks: a repaint sends the last chunk again and never what was settled long before.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable
from typing import Any

import ipywidgets
from IPython.display import publish_display_data

from nbchat.messages import StreamEvent
from nbchat.render import STYLE, Update, escape
from nbchat.reply import Reply
from nbchat.view.permanent import bundle, metadata
from nbchat.view.progress import Column, Live

CHUNK = 1500  # characters of settled HTML after which a chunk is left alone
SHORTEST, LONGEST = 0.05, 1.0  # seconds between two repaints
SHARE = 0.10  # of one core that repainting may take
VIEW = "application/vnd.jupyter.widget-view+json"


class WidgetScreen:
    """Shows the answer in a column of HTML widgets with a Stop button."""

    def __init__(self, on_stop: Callable[[], None], kernel: Any) -> None:
        self._live = Live()
        self._on_stop = on_stop
        self._hears = _hears_while_busy(kernel)
        self._display_id = f"nbchat-{secrets.token_hex(8)}"
        self._columns: dict[int, _Chunks] = {}
        self._painted = 0.0
        self._interval = SHORTEST
        self._status_text = ""
        self._closed = False

    def open(self) -> None:
        """Show the waiting line and the Stop button."""
        self._layout = ipywidgets.Layout(margin="0", width="100%")
        self._status = ipywidgets.HTML(layout=self._layout)
        self._reasoning = ipywidgets.HTML(layout=self._layout)
        self._body = ipywidgets.VBox(layout=self._layout)
        style = ipywidgets.HTML(
            f"<style>{STYLE}</style>", layout=ipywidgets.Layout(display="none")
        )
        self._stop = self._stop_control()
        self._box = ipywidgets.VBox(
            [style, self._reasoning, self._body, self._status, self._stop], layout=self._layout
        )
        self._box.add_class("nbchat")
        self._paint()
        # By hand, because `display` of ipywidgets 7 drops the display id.
        view = {"model_id": self._box.model_id, "version_major": 2, "version_minor": 0}
        self._publish({VIEW: view, "text/plain": ""}, {}, update=False)

    def event(self, event: StreamEvent) -> None:
        """Take one event; repaint if the interval is over."""
        self._live.take(event)
        now = time.monotonic()
        if now - self._painted >= self._interval:
            self._painted = now
            self._paint()

    def close(self, reply: Reply | None) -> None:
        """Put the permanent answer in the place of the widgets, in one step."""
        if self._closed:
            return
        self._closed = True
        if reply is None:
            self._publish({"text/plain": ""}, {}, update=True)
        else:
            self._publish(bundle(reply), metadata(reply), update=True)
        for widget in (*self._all(), self._box):
            widget.close()

    def _all(self) -> list[Any]:
        chunks = [widget for column in self._columns.values() for widget in column.widgets]
        return [*chunks, *self._box.children]

    def _stop_control(self) -> Any:
        if not self._hears:
            return ipywidgets.HTML(
                '<div class="nbchat-footer">■ in the toolbar stops the answer</div>',
                layout=self._layout,
            )
        button = ipywidgets.Button(
            description="Stop",
            tooltip="Stop the answer and keep what has come",
            layout=ipywidgets.Layout(width="auto", height="26px", margin="4px 0 0 0"),
        )
        button.on_click(lambda _: self._on_stop())
        # ipykernel 7.4 sends a click to the shell that last used the comm, which is the busy one;
        # without this attribute the click reaches the subshell that the front end chose.
        if hasattr(button.comm, "_reply_subshell_for"):
            button.comm._reply_subshell_for = None
        return button

    def _paint(self) -> None:
        cost = 0.0
        for index, column in sorted(self._live.columns.items()):
            if index not in self._columns:
                self._columns[index] = _Chunks(self._layout)
            cost += self._columns[index].paint(column)
        children = [widget for _, c in sorted(self._columns.items()) for widget in c.widgets]
        if len(children) != len(self._body.children):
            self._body.children = children
        if self._live.reasoning:
            text = escape("".join(self._live.reasoning))
            self._reasoning.value = (
                '<details class="nbchat-reasoning"><summary>Reasoning</summary>'
                f'<div style="white-space:pre-wrap">{text}</div></details>'
            )
        status = self._live.status()
        if status != self._status_text:
            self._status_text = status
            self._status.value = f'<div class="nbchat-footer">{escape(status)}</div>'
        self._interval = min(max(cost / SHARE, SHORTEST), LONGEST)

    def _publish(self, data: dict[str, Any], facts: dict[str, Any], *, update: bool) -> None:
        publish_display_data(
            data, facts, transient={"display_id": self._display_id}, update=update
        )


class _Chunks:
    """The widgets of one choice: settled ones, and the last one that still changes."""

    def __init__(self, layout: Any) -> None:
        self._layout = layout
        self._blocks: list[list[str]] = []
        self._tail = ""
        self.widgets: list[Any] = []
        self._add()

    def _add(self) -> None:
        self._blocks.append([])
        widget = ipywidgets.HTMLMath(layout=self._layout)
        widget.add_class("nbchat-chunk")
        self.widgets.append(widget)

    def paint(self, column: Column) -> float:
        """Bring the widgets up to date; return the seconds of CPU that rendering took."""
        if column.restarted:
            column.restarted = False
            self._blocks, self._tail = [[]], ""
            for widget in self.widgets[1:]:
                widget.close()
            del self.widgets[1:]
        update = column.tick()
        self._settle(update)
        for index, html in update.changed:
            self._change(index, html)
        if update.new or update.changed or update.tail != self._tail:
            self._tail = update.tail
            self.widgets[-1].value = "".join(self._blocks[-1]) + update.tail
        return column.markdown.cost

    def _settle(self, update: Update) -> None:
        for html in update.new:
            if sum(map(len, self._blocks[-1])) >= CHUNK:
                self.widgets[-1].value = "".join(self._blocks[-1])
                self._add()
            self._blocks[-1].append(html)

    def _change(self, index: int, html: str) -> None:
        for blocks, widget in zip(self._blocks, self.widgets, strict=True):
            if index < len(blocks):
                blocks[index] = html
                widget.value = "".join(blocks)
                return
            index -= len(blocks)


def _hears_while_busy(kernel: Any) -> bool:
    """Whether a click reaches the kernel while a cell runs: ipykernel 7 with subshells."""
    return bool(getattr(kernel, "_supports_kernel_subshells", False))
