"""The answer on the screen: live while it comes, permanent when it is there.

`show` drives the events of one prompt through a screen. Which screen: ipywidgets where the front
end has them, display updates in other kernels, text in a terminal.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from typing import Any, Protocol

from nbchat.errors import Interrupted
from nbchat.interrupt import uninterrupted
from nbchat.messages import Settled, StreamEvent
from nbchat.reply import Reply, register_display
from nbchat.view.permanent import bundle

__all__ = ["Screen", "choose", "register", "show"]


class Screen(Protocol):
    """Where an answer appears."""

    def open(self) -> None:
        """Show that the prompt is on its way."""

    def event(self, event: StreamEvent) -> None:
        """Take one event; repaint if it is time."""

    def close(self, reply: Reply | None) -> None:
        """Leave the permanent answer, or nothing if there is none."""


def show(events: Generator[StreamEvent, None, None], screen: Screen) -> Reply:
    """Show a prompt's events on ``screen`` as they come and return the reply.

    The screen is left in order however the events end.

    Raises:
        Interrupted: the user stopped the answer.
        APIError: the request failed or the answer broke off.
    """
    reply: Reply | None = None
    try:
        screen.open()
        for event in events:
            if isinstance(event, Settled):
                reply = event.reply
            else:
                screen.event(event)
    except KeyboardInterrupt as error:
        if isinstance(error, Interrupted):
            raise
        # It struck while the screen was painting: the events' side has to hear of it.
        reply = _interrupt(events, reply)
        raise Interrupted("stopped; what had come is kept" if reply else "stopped") from None
    finally:
        with uninterrupted():
            events.close()
            screen.close(reply)
    assert reply is not None, "a prompt ends with Settled or an exception"
    return reply


def _interrupt(events: Generator[StreamEvent, None, None], reply: Reply | None) -> Reply | None:
    try:
        event = events.throw(KeyboardInterrupt())
    except (KeyboardInterrupt, StopIteration):
        return reply
    return event.reply if isinstance(event, Settled) else reply


def choose(display: str, shell: Any, on_stop: Callable[[], None]) -> Screen:
    """Return the screen for ``display`` (auto, widgets, html or text) in ``shell``."""
    kernel = getattr(shell, "kernel", None)
    if display == "auto":
        if kernel is None:
            display = "text"
        elif cell_id(shell) or "google.colab" in str(type(shell)):
            display = "widgets"
        else:
            display = "html"
    if display == "widgets" and kernel is not None:
        from nbchat.view.widgets import WidgetScreen

        return WidgetScreen(on_stop, kernel)
    if display in ("widgets", "html") and kernel is not None:
        from nbchat.view.updates import UpdateScreen

        return UpdateScreen()
    from nbchat.view.text import TextScreen

    return TextScreen()


def cell_id(shell: Any) -> str:
    """Return the id of the notebook cell that is running, ``""`` if the front end told none.

    JupyterLab, Notebook 7 and VS Code send it as ``metadata.cellId`` of the execute request.
    """
    kernel = getattr(shell, "kernel", None)
    if kernel is None:
        return ""
    parent = kernel.get_parent("shell") if hasattr(kernel, "get_parent") else {}
    return str((parent or {}).get("metadata", {}).get("cellId") or "")


def register() -> None:
    """Let replies show themselves as answers do."""
    register_display(bundle)
