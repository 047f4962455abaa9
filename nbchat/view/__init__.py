"""The answer on the screen: live while it comes, permanent when it is there.

`show` drives the events of one prompt through a screen. Which screen: ipywidgets where the front
end has them, display updates in other kernels, text in a terminal.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from typing import Any, Protocol

from nbchat.errors import Interrupted, NbchatError
from nbchat.interrupt import uninterrupted
from nbchat.messages import Settled, StreamEvent
from nbchat.reply import Reply
from nbchat.view.home import at_home

__all__ = ["Screen", "cell_ids", "choose", "detach", "show"]

Events = Generator[StreamEvent, None, None]


class Screen(Protocol):
    """Where an answer appears."""

    def open(self) -> None:
        """Show that the prompt is on its way."""

    def event(self, event: StreamEvent) -> None:
        """Take one event; repaint if it is time."""

    def close(self, reply: Reply | None, failure: str = "") -> None:
        """Leave the permanent answer, or nothing if there is none.

        ``failure`` says what went wrong, where no cell is left that could fail.
        """


def show(
    events: Events, screen: Screen, keep: Callable[[Reply], None] = lambda reply: None
) -> Reply:
    """Show a prompt's events on ``screen`` as they come and return the reply.

    The screen is left in order however the events end. ``keep`` is given the reply, also a
    partial one, before an exception leaves.

    Raises:
        Interrupted: the user stopped the answer.
        APIError: the request failed or the answer broke off.
    """
    return _drive(events, screen, keep)


def detach(
    events: Events, screen: Screen, keep: Callable[[Reply], None] = lambda reply: None
) -> Callable[[], Reply]:
    """Open ``screen`` in the cell that runs now, and return what shows the rest from a thread.

    The prompt takes its place in the line of its thread at once. What its tools print and display
    later belongs to the cell that runs now too.
    """
    screen.open()
    screen.event(next(events))
    events = at_home(events)
    return lambda: _drive(events, screen, keep, detached=True)


def _drive(
    events: Events, screen: Screen, keep: Callable[[Reply], None], *, detached: bool = False
) -> Reply:
    reply: Reply | None = None
    failure = ""
    try:
        if not detached:
            screen.open()
        for event in events:
            if isinstance(event, Settled):
                reply = event.reply
                keep(reply)
            else:
                screen.event(event)
    except KeyboardInterrupt as error:
        if isinstance(error, Interrupted):
            raise
        # It struck while the screen was painting: the events' side has to hear of it.
        reply = _interrupt(events, reply)
        if reply is not None:
            keep(reply)
        raise Interrupted("stopped; what had come is kept" if reply else "stopped") from None
    except NbchatError as error:
        failure = str(error) if detached else ""
        raise
    finally:
        # What ends already needs no second interrupt to end.
        with uninterrupted(strike=False) as struck:
            events.close()
            screen.close(reply, failure)
    if struck:
        raise Interrupted("stopped; what had come is kept")
    assert reply is not None, "a prompt ends with Settled or an exception"
    return reply


def _interrupt(events: Events, reply: Reply | None) -> Reply | None:
    try:
        event = events.throw(KeyboardInterrupt())
    except (KeyboardInterrupt, StopIteration):
        return reply
    return event.reply if isinstance(event, Settled) else reply


def choose(
    display: str,
    shell: Any,
    on_stop: Callable[[], None],
    *,
    choices: int = 1,
    detached: bool = False,
) -> Screen:
    """Return the screen for ``display`` (auto, widgets, html or text) in ``shell``.

    Args:
        display: as in the setting ``NbChat.display``.
        shell: the IPython shell.
        on_stop: called when the user clicks Stop.
        choices: how many answers were asked for.
        detached: the answer goes on when its cell is done.
    """
    kernel = getattr(shell, "kernel", None)
    if display == "auto":
        if kernel is None:
            display = "text"
        elif cell_ids(shell)[0] or "google.colab" in str(type(shell)):
            display = "widgets"
        else:
            display = "html"
    if display == "widgets" and kernel is not None:
        from nbchat.view.widgets import WidgetScreen

        return WidgetScreen(on_stop, kernel, choices=choices, detached=detached)
    if display in ("widgets", "html") and kernel is not None:
        from nbchat.view.updates import UpdateScreen

        return UpdateScreen(detached=detached)
    from nbchat.view.text import QuietScreen, TextScreen

    return QuietScreen() if detached else TextScreen(choices)


def cell_ids(shell: Any) -> tuple[str, str]:
    """Return the ids of the notebook cell that is running and of this run of it.

    JupyterLab, Notebook 7 and VS Code send the cell's as ``metadata.cellId`` of the execute
    request; where none is sent it is ``""``. The run's is the id of the request.
    """
    kernel: Any = getattr(shell, "kernel", None)
    parent = kernel.get_parent("shell") if hasattr(kernel, "get_parent") else None
    if not parent:
        return "", ""
    cell = parent.get("metadata", {}).get("cellId")
    return str(cell or ""), str(parent.get("header", {}).get("msg_id") or "")
