"""What a background prompt's tools print and display: it belongs to the cell of the prompt."""

from __future__ import annotations

import contextvars
from collections.abc import Generator
from typing import Any

from IPython import get_ipython

from nbchat.messages import StreamEvent


def at_home(
    events: Generator[StreamEvent, None, None],
) -> Generator[StreamEvent, None, None]:
    """Return ``events`` for another thread: their tools write into the cell that runs now.

    Only what happens while the next event is made belongs to the cell: who takes the events may
    update outputs wherever they are. Before 6.31 or so ipykernel has one cell for all that is
    printed, the one that runs; and in ipykernel 6 what a tool displays on a thread of its own
    goes there too.
    """
    context = contextvars.copy_context()  # where ipykernel 7 keeps the cell
    return _at_home(events, context, _hook())


def _at_home(
    events: Generator[StreamEvent, None, None], context: contextvars.Context, hook: Any
) -> Generator[StreamEvent, None, None]:
    if hook is not None:
        get_ipython().display_pub.register_hook(hook)
    try:
        while True:
            try:
                event = context.run(next, events)
            except StopIteration:
                return
            yield event
    finally:
        events.close()
        if hook is not None:
            get_ipython().display_pub.unregister_hook(hook)


def _hook() -> Any:
    """Return what sends displays of a thread to this cell, for ipykernel 6, or None.

    Updates go by their display ids, and nbclient takes them from the cell that runs alone.
    """
    publisher: Any = getattr(get_ipython(), "display_pub", None)
    if not hasattr(publisher, "register_hook"):
        return None
    cell = publisher.parent_header

    def home(message: dict[str, Any]) -> dict[str, Any]:
        if message["header"]["msg_type"] != "update_display_data":
            message["parent_header"] = cell
        return message

    return home
