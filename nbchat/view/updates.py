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
from nbchat.view.choices import columns
from nbchat.view.permanent import bundle, failed, metadata
from nbchat.view.picked import remember
from nbchat.view.progress import BLOCKING, Column, Live, Stage
from nbchat.view.steps import call_html, hosted_html

INTERVAL = 0.25  # seconds; each update sends the whole answer again


class UpdateScreen:
    """Shows the answer as one HTML output that is updated at most four times a second."""

    def __init__(self, *, detached: bool = False) -> None:
        self._detached = detached
        self._live = Live()
        self._display_id = f"nbchat-{secrets.token_hex(8)}"
        self._shown = False
        self._painted = 0.0
        self._changes = 0

    def open(self) -> None:
        """Show nothing before there is something to see, but take the cell while it runs."""
        if self._detached:
            self._paint()

    def event(self, event: StreamEvent) -> None:
        """Take one event; repaint if something changed and the interval is over.

        Also if none may come for long.
        """
        self._live.take(event)
        now = time.monotonic()
        due = now - self._painted >= INTERVAL or isinstance(event, BLOCKING)
        if due and self._live.changes > self._changes:
            self._painted, self._changes = now, self._live.changes
            self._paint()

    def close(self, reply: Reply | None, failure: str = "") -> None:
        """Leave the permanent answer."""
        if reply is not None:
            self._publish(bundle(reply), metadata(reply))
            remember(self._display_id, reply)
        elif self._shown:
            self._publish(failed(failure), {})

    def _paint(self) -> None:
        body = "".join(self._stage(stage) for stage in self._live.stages)
        html = answer_html(
            body + hosted_html(self._live.hosted.values()),
            reasoning_html=_html(self._live.reasoning) if self._live.reasoning else "",
            footer=self._live.status(),
        )
        self._publish({"text/html": html, "text/plain": ""}, {})

    def _stage(self, stage: Stage) -> str:
        bodies = [_html(column) for _, column in sorted(stage.columns.items())]
        body = columns(bodies, self._display_id) if len(bodies) > 1 else "".join(bodies)
        return body + "".join(map(call_html, stage.calls.values()))

    def _publish(self, data: dict[str, object], facts: dict[str, object]) -> None:
        publish_display_data(
            data, facts, transient={"display_id": self._display_id}, update=self._shown
        )
        self._shown = True


def _html(column: Column) -> str:
    tail = column.markdown.tick().tail
    return column.markdown.html + tail
