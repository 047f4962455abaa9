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

from nbchat.interrupt import uninterrupted
from nbchat.messages import StreamEvent
from nbchat.render import STYLE
from nbchat.render.html import prose
from nbchat.reply import Reply
from nbchat.view import chunks
from nbchat.view.chunks import Chunks, Pace
from nbchat.view.make import Maker
from nbchat.view.permanent import bundle, failed, metadata
from nbchat.view.picked import remember
from nbchat.view.progress import BLOCKING, Live
from nbchat.view.stages import StageView
from nbchat.view.steps import hosted_html

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
        self._pace = Pace()
        self._make: Maker | None = None
        self._stages: list[StageView] = []
        self._thought: Chunks | None = None
        self._painted = 0.0
        self._closed = False

    def open(self) -> None:
        """Show the waiting line and the Stop button."""
        with uninterrupted():
            make = self._make = Maker(self._pace)
            self._style = make.html(_css(), "nbchat-style")
            # One live region for screen readers: it says when the answer begins and when it ends.
            self._said = make.html(_announced("The model is answering."), "nbchat-said")
            self._body = make.box("nbchat-body")
            self._hosted = make.html()
            self._status = make.html()
            bar = make.box("nbchat-bar", [*self._stop(make), self._status], ipywidgets.HBox)
            self._top = [self._style, self._said]
            self._bottom = [self._body, self._hosted, bar]
            self._root = make.box("nbchat nbchat-live", [*self._top, *self._bottom])
            if self._expected > 1:  # the columns stand before anything is in them
                style = self._add_stage(make).add_columns(range(self._expected))
                self._style.value = _css(style)
            self._paint()
            # By hand, because `display` of ipywidgets 7 drops the display id.
            view = {"model_id": self._root.model_id, "version_major": 2, "version_minor": 0}
            self._publish({VIEW: view, "text/plain": ""}, {}, update=False)

    def event(self, event: StreamEvent) -> None:
        """Take one event; repaint if the interval is over, or if none may come for long."""
        self._live.take(event)
        now = time.monotonic()
        if now - self._painted >= self._pace.interval or isinstance(event, BLOCKING):
            self._painted = now
            # A repaint takes milliseconds, and half of one would leave widgets open.
            with uninterrupted():
                self._paint()

    def close(self, reply: Reply | None, failure: str = "") -> None:
        """Put the permanent answer in the place of the widgets, in one step."""
        if self._closed:
            return
        self._closed = True
        if self._make is None:
            return
        try:
            self._swap(reply, failure)
        finally:
            self._make.close()

    def _swap(self, reply: Reply | None, failure: str) -> None:
        status = reply.status if reply is not None else "failed"
        self._said.value = _announced(_ENDS.get(status, "The answer broke off."))
        if reply is None:
            self._publish(failed(failure), {}, update=True)
        else:
            self._publish(bundle(reply), metadata(reply), update=True)
            remember(self._display_id, reply)

    def _stop(self, make: Maker) -> list[Any]:
        if not self._hears:
            return []
        button = make.button("■ Stop", "Stop the answer and keep what has come", "nbchat-stop")
        button.on_click(lambda _: self._on_stop())
        # ipykernel 7.4 sends a click to the shell that last used the comm, which is the busy one;
        # without this attribute the click reaches the subshell that the front end chose.
        if hasattr(button.comm, "_reply_subshell_for"):
            button.comm._reply_subshell_for = None
        return [button]

    # --- Painting -------------------------------------------------------------------------

    def _paint(self) -> None:
        assert self._make is not None, "an open screen makes widgets"
        with self._pace.repaint():
            self._show(self._make)

    def _show(self, make: Maker) -> None:
        live = self._live
        if live.reasoning is not None:
            self._thought = self._thought or self._fold(make)
            self._thought.paint(live.reasoning)
        for number, stage in enumerate(live.stages):
            if number == len(self._stages):
                self._add_stage(make)
            if style := self._stages[number].paint(stage):
                self._style.value = _css(style)
        hosted = hosted_html(live.hosted.values())
        below = f'<div class="nbchat nbchat-next">{hosted}</div>' if hosted else ""
        self._pace.set(self._hosted, below)
        self._pace.set(
            self._status, f'<div class="nbchat-footer">{prose(self._status_line())}</div>'
        )

    def _status_line(self) -> str:
        status = self._live.status()
        return status if self._hears else f"{status} · ■ in the toolbar stops"

    def _fold(self, make: Maker) -> Chunks:
        """Open the folded part. The fold is a widget of its own, so that repaints leave it."""
        fold = make.html(
            '<details class="nbchat-reasoning"><summary>Reasoning</summary></details>',
            "nbchat-think",
        )
        thought = make.chunks("nbchat-thought")
        self._root.children = [*self._top, fold, thought.box, *self._bottom]
        return thought

    def _add_stage(self, make: Maker) -> StageView:
        follows = bool(self._stages)
        stage = StageView(make, self._pace, self._display_id, follows=follows)
        self._stages.append(stage)
        self._body.children = [stage.box for stage in self._stages]
        return stage

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
