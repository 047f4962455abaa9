"""Answers by display updates, for kernels whose front end is not known to have widgets.

nbclient and papermill store one output for each display id, so that only the permanent one stays.
"""

from __future__ import annotations

import secrets
import time

from IPython.display import publish_display_data

from nbchat.messages import StreamEvent
from nbchat.render import answer_html
from nbchat.reply import Reply
from nbchat.view.permanent import bundle, metadata
from nbchat.view.progress import Live

INTERVAL = 0.25  # seconds; each update sends the whole answer again


class UpdateScreen:
    """Shows the answer as one HTML output that is updated at most four times a second."""

    def __init__(self) -> None:
        self._live = Live()
        self._display_id = f"nbchat-{secrets.token_hex(8)}"
        self._shown = False
        self._painted = 0.0
        self._seen = 0

    def open(self) -> None:
        """Nothing is shown before there is something to see."""

    def event(self, event: StreamEvent) -> None:
        """Take one event; repaint if the interval is over and something changed."""
        self._live.take(event)
        now = time.monotonic()
        if self._live.seen > self._seen and now - self._painted >= INTERVAL:
            self._painted, self._seen = now, self._live.seen
            self._paint()

    def close(self, reply: Reply | None) -> None:
        """Leave the permanent answer."""
        if reply is not None:
            self._publish(bundle(reply), metadata(reply))
        elif self._shown:
            self._publish({"text/plain": ""}, {})

    def _paint(self) -> None:
        bodies = []
        for _, column in sorted(self._live.columns.items()):
            tail = column.tick().tail
            bodies.append(column.markdown.html + tail)
        html = answer_html("".join(bodies), notices=self._live.notices, footer=self._live.status())
        self._publish({"text/html": html, "text/plain": ""}, {})

    def _publish(self, data: dict[str, object], facts: dict[str, object]) -> None:
        publish_display_data(
            data, facts, transient={"display_id": self._display_id}, update=self._shown
        )
        self._shown = True
