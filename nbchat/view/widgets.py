"""Answers in core ipywidgets: they grow while they come and are swapped for a permanent output.

Nothing here needs JavaScript of our own, so that Colab and VS Code show it too. Text is kept in
chunks: a repaint sends the last chunk again and never what was settled long before.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Iterable
from typing import Any

import ipywidgets
from IPython.display import publish_display_data

from nbchat.interrupt import uninterrupted
from nbchat.messages import StreamEvent, ToolStarted
from nbchat.render import STYLE
from nbchat.render.html import prose
from nbchat.reply import Reply
from nbchat.view import choices, chunks
from nbchat.view.chunks import Chunks, Pace
from nbchat.view.permanent import bundle, failed, metadata
from nbchat.view.picked import remember
from nbchat.view.progress import Live
from nbchat.view.steps import runs_html

VIEW = "application/vnd.jupyter.widget-view+json"

# The widgets' own boxes: no type, no space and no scroll bars of theirs.
_STYLE = (
    ".nbchat-live,.nbchat-live .jupyter-widgets{font:inherit;margin:0;padding:0;height:auto;"
    "overflow:visible;width:auto}"
    ".nbchat-live :is(.widget-html,.widget-html-content,.widget-htmlmath,"
    ".widget-htmlmath-content){line-height:inherit;min-width:0;width:100%}"
    ".nbchat-live .widget-vbox{min-width:0;width:100%}"
    # What a chunk ended with while it was the last one: the next chunk has it, once it is there.
    ".nbchat-live .widget-htmlmath:has(+.widget-htmlmath .nbchat) .nbchat-open{display:none}"
    # As wide and as high as the permanent output, with what JupyterLab puts around that.
    ".nbchat-live.nbchat-live{padding-right:20px;margin-bottom:.5em}"
    ".nbchat-live .nbchat-style{display:none}"
    ".nbchat-live .jupyter-widgets.nbchat-thought{display:none;width:auto;"
    "border-left:2px solid var(--nb-line);margin:.28em 0 .7em .28em;padding-left:1em}"
    ".nbchat-live .nbchat-think details[open]{margin:0}"
    ".nbchat-live .nbchat-think:has(details[open])+.jupyter-widgets.nbchat-thought{display:flex}"
    ".nbchat-live .nbchat-thought .nbchat.nbchat{color:var(--nb-muted);font-size:.93em}"
    ".nbchat-live .jupyter-widgets.nbchat-bar{align-items:center;margin:.43em 0 0;gap:.9em}"
    ".nbchat-live .nbchat-bar .nbchat-footer{margin:0}"
    ".nbchat-live .jupyter-button.nbchat-stop{flex:none;height:22px;line-height:20px;"
    "padding:0 10px;font-size:.8em;background:none;color:inherit;box-shadow:none;"
    "border:1px solid var(--nb-line);border-radius:11px}"
    ".nbchat-live .jupyter-button.nbchat-stop:hover{border-color:currentColor}"
    ".nbchat-live .nbchat-said{position:absolute;width:1px;height:1px;overflow:hidden;"
    "clip-path:inset(50%)}"
)


_ENDS = {
    "completed": "The answer is complete.",
    "stopped": "The answer was stopped.",
    "failed": "The prompt failed.",
}


class WidgetScreen:
    """Shows the answer in a column of HTML widgets with a Stop button."""

    def __init__(
        self,
        on_stop: Callable[[], None],
        kernel: Any,
        *,
        choices: int = 1,
        detached: bool = False,
    ) -> None:
        self._live = Live()
        self._on_stop = on_stop
        # With the cell done, an idle kernel hears every click.
        self._hears = detached or _hears_while_busy(kernel)
        self._expected = choices
        self._display_id = f"nbchat-{secrets.token_hex(8)}"
        self._made: list[Any] = []
        self._styles: dict[Any, Any] = {}
        self._root: Any = None
        self._columns: dict[int, Chunks] = {}
        self._thought: Chunks | None = None
        self._pace = Pace()
        self._painted = 0.0
        self._closed = False

    def open(self) -> None:
        """Show the waiting line and the Stop button."""
        with uninterrupted():
            self._layout = self._keep(ipywidgets.Layout())
            self._style = self._html(_css(), "nbchat-style")
            # One live region for screen readers: it says when the answer begins and when it ends.
            self._said = self._html(_announced("The model is answering."), "nbchat-said")
            self._body = self._box(ipywidgets.VBox, "nbchat-body")
            self._lines = self._html()
            self._status = self._html()
            bar = self._box(ipywidgets.HBox, "nbchat-bar", [*self._stop(), self._status])
            self._top = [self._style, self._said]
            self._bottom = [self._body, self._lines, bar]
            children = [*self._top, *self._bottom]
            self._root = self._box(ipywidgets.VBox, "nbchat nbchat-live", children)
            if self._expected > 1:  # the columns stand before anything is in them
                self._add_columns(range(self._expected))
            self._paint()
            # By hand, because `display` of ipywidgets 7 drops the display id.
            view = {"model_id": self._root.model_id, "version_major": 2, "version_minor": 0}
            self._publish({VIEW: view, "text/plain": ""}, {}, update=False)

    def event(self, event: StreamEvent) -> None:
        """Take one event; repaint if the interval is over, or if none may come for long."""
        self._live.take(event)
        now = time.monotonic()
        # A plain function runs on this thread.
        if now - self._painted >= self._pace.interval or isinstance(event, ToolStarted):
            self._painted = now
            # A repaint takes milliseconds, and half of one would leave widgets open.
            with uninterrupted():
                self._paint()

    def close(self, reply: Reply | None, failure: str = "") -> None:
        """Put the permanent answer in the place of the widgets, in one step."""
        if self._closed:
            return
        self._closed = True
        try:
            if self._root is not None:
                self._swap(reply, failure)
        finally:
            for widget in self._made:
                widget.close()

    def _swap(self, reply: Reply | None, failure: str) -> None:
        status = reply.status if reply is not None else "failed"
        self._said.value = _announced(_ENDS.get(status, "The answer broke off."))
        if reply is None:
            self._publish(failed(failure), {}, update=True)
        else:
            self._publish(bundle(reply), metadata(reply), update=True)
            remember(self._display_id, reply)

    # --- Making ---------------------------------------------------------------------------

    def _keep(self, widget: Any) -> Any:
        self._made.append(widget)
        return widget

    def _html(self, value: str = "", css: str = "", kind: Any = ipywidgets.HTML) -> Any:
        shared = {"style": self._styles[kind]} if kind in self._styles else {}
        classes = css.split()
        widget = self._keep(kind(value, layout=self._layout, _dom_classes=classes, **shared))
        if not shared:
            self._styles[kind] = self._keep(widget.style)
        return widget

    def _box(self, kind: Any, css: str, children: list[Any] | tuple[Any, ...] = ()) -> Any:
        return self._keep(kind(children, layout=self._layout, _dom_classes=css.split()))

    def _chunk(self, value: str) -> Any:
        return self._html(value, kind=ipywidgets.HTMLMath)

    def _chunks(self, css: str) -> Chunks:
        return Chunks(self._chunk, self._box(ipywidgets.VBox, css), self._pace)

    def _stop(self) -> list[Any]:
        if not self._hears:
            return []
        button = self._keep(
            ipywidgets.Button(
                description="■ Stop",
                tooltip="Stop the answer and keep what has come",
                layout=self._layout,
                _dom_classes=["nbchat-stop"],
            )
        )
        self._keep(button.style)
        button.on_click(lambda _: self._on_stop())
        # ipykernel 7.4 sends a click to the shell that last used the comm, which is the busy one;
        # without this attribute the click reaches the subshell that the front end chose.
        if hasattr(button.comm, "_reply_subshell_for"):
            button.comm._reply_subshell_for = None
        return [button]

    # --- Painting -------------------------------------------------------------------------

    def _paint(self) -> None:
        with self._pace.repaint():
            self._show()

    def _show(self) -> None:
        live = self._live
        if live.reasoning is not None:
            self._thought = self._thought or self._fold()
            self._thought.paint(live.reasoning)
        if not self._columns.keys() >= live.columns.keys():
            self._add_columns(live.columns)
        for index, column in live.columns.items():
            self._columns[index].paint(column)
        lines = runs_html(live.runs) + "".join(
            f'<div class="nbchat-footer">{prose(line)}</div>' for line in live.lines
        )
        self._pace.set(self._lines, f'<div class="nbchat">{lines}</div>' if lines else "")
        self._pace.set(
            self._status, f'<div class="nbchat-footer">{prose(self._status_line())}</div>'
        )

    def _status_line(self) -> str:
        status = self._live.status()
        return status if self._hears else f"{status} · ■ in the toolbar stops"

    def _fold(self) -> Chunks:
        """Open the folded part. The fold is a widget of its own, so that repaints leave it."""
        fold = self._html(
            '<details class="nbchat-reasoning"><summary>Reasoning</summary></details>',
            "nbchat-think",
        )
        thought = self._chunks("nbchat-thought")
        self._root.children = [*self._top, fold, thought.box, *self._bottom]
        return thought

    def _add_columns(self, indices: Iterable[int]) -> None:
        """Make the columns of new choices; several stand side by side."""
        for index in indices:
            if index not in self._columns:
                self._columns[index] = self._chunks("nbchat-choice")
        boxes = [column.box for _, column in sorted(self._columns.items())]
        if len(boxes) == 1:
            self._body.children = boxes
            return
        for place, (_, column) in enumerate(sorted(self._columns.items())):
            column.head(self._html(f'<div class="nbchat">{choices.label(place)}</div>'))
        count = len(boxes)
        self._style.value = _css(choices.style(count))
        buttons = choices.tabs(count, self._display_id)
        tabs = self._html(buttons)
        columns = self._box(ipywidgets.Box, "nbchat-columns", boxes)
        group = self._box(ipywidgets.VBox, "nbchat-choices", [tabs, columns])
        self._body.children = [group]

    def _publish(self, data: dict[str, Any], facts: dict[str, Any], *, update: bool) -> None:
        publish_display_data(
            data, facts, transient={"display_id": self._display_id}, update=update
        )


def _css(more: str = "") -> str:
    return f"<style>{STYLE}{_STYLE}{chunks.STYLE}{more}</style>"


def _announced(text: str) -> str:
    return f'<div role="status" aria-live="polite">{text}</div>'


def _hears_while_busy(kernel: Any) -> bool:
    """Whether a click reaches the kernel while a cell runs: ipykernel 7 with subshells."""
    return bool(getattr(kernel, "_supports_kernel_subshells", False))
