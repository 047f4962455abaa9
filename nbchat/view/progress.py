"""What a live screen has to show, gathered from the events."""

from __future__ import annotations

import time

from nbchat.messages import (
    Connected,
    HostedTool,
    Notice,
    Progress,
    ReasoningDelta,
    RefusalDelta,
    Retrying,
    StreamEvent,
    TextDelta,
    TextReplaced,
    ToolCallDelta,
)
from nbchat.render import IncrementalMarkdown, Update


class Column:
    """One choice: its Markdown as it grows."""

    def __init__(self) -> None:
        self.markdown = IncrementalMarkdown()
        self.restarted = False

    def replace(self, text: str) -> None:
        """Start over with the text that the server says is the right one."""
        self.markdown = IncrementalMarkdown()
        self.markdown.feed(text)
        self.restarted = True

    def tick(self) -> Update:
        """Return what changed since the last tick."""
        return self.markdown.tick()


class Live:
    """The state of a live screen: columns, reasoning, notices, and the line that says what is on.

    `seen` counts the events that changed something, so that a repaint can be left out.
    """

    def __init__(self) -> None:
        self.columns: dict[int, Column] = {}
        self.reasoning: list[str] = []
        self.notices: list[str] = []
        self.seen = 0
        self._began = time.monotonic()
        self._doing = "waiting"
        self._until = 0.0

    def column(self, choice: int) -> Column:
        """Return the column of a choice, made if it is new."""
        if choice not in self.columns:
            self.columns[choice] = Column()
        return self.columns[choice]

    def take(self, event: StreamEvent) -> None:
        """Fold one event into what is to be seen."""
        self.seen += 1
        if isinstance(event, (TextDelta, RefusalDelta)):
            self._doing = ""
            self.column(event.choice).markdown.feed(event.text)
        elif isinstance(event, TextReplaced):
            self.column(event.choice).replace(event.text)
        elif isinstance(event, ReasoningDelta):
            self._doing = "thinking"
            self.reasoning.append(event.text)
        elif isinstance(event, Notice):
            self.notices.append(event.text)
        elif isinstance(event, Retrying):
            self._doing = f"{event.reason}: trying again ({event.attempt} of {event.attempts}) in"
            self._until = time.monotonic() + event.seconds
        elif isinstance(event, Progress):
            done = "" if event.done is None else f" {event.done:.0%}"
            self._doing = f"{event.text}{done}"
        elif isinstance(event, Connected):
            self._doing, self._until = "waiting", 0.0
        elif isinstance(event, ToolCallDelta):
            if event.name:
                self._doing = f"calling {event.name}"
        elif isinstance(event, HostedTool):
            self._doing = f"{event.kind.removesuffix('_call').replace('_', ' ')}: {event.status}"
        else:
            self.seen -= 1

    def status(self) -> str:
        """Return the line that says what is going on; ``""`` while text comes."""
        if not self._doing:
            return ""
        now = time.monotonic()
        if self._until:
            return f"{self._doing} {max(0, round(self._until - now))} s"
        return f"{self._doing} … {now - self._began:.0f} s"
