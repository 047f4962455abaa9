"""What a live screen has to show, gathered from the events."""

from __future__ import annotations

import time

from nbchat.messages import (
    Connected,
    HostedTool,
    ImageDelta,
    Notice,
    Progress,
    ReasoningDelta,
    ReasoningDone,
    RefusalDelta,
    RefusalDone,
    Retrying,
    StreamEvent,
    TextDelta,
    TextReplaced,
    ToolCallDelta,
    ToolFinished,
    ToolStarted,
)
from nbchat.render import IncrementalMarkdown
from nbchat.view.pictures import picture_mark, pictures


class Column:
    """A text that grows: a choice, or the reasoning.

    ``markdown`` is a new object when the server corrected what was shown. ``fresh`` is set when
    text comes; who has shown it takes it back.
    """

    def __init__(self) -> None:
        self.markdown = IncrementalMarkdown()
        self.fresh = False
        self._source: list[str] = []
        self._pictures: dict[str, str] = {}
        self._paused = False

    def add(self, text: str) -> None:
        """Add a delta."""
        if self._paused:
            self._paused = False
            self._feed("\n\n")
        self._feed(text)

    def pause(self) -> None:
        """Let what comes next stand apart from what came."""
        self._paused = True

    def replace(self, text: str) -> None:
        """Start over with the text that the server says is the right one."""
        marks = map(picture_mark, range(len(self._pictures)))
        self._restart("".join([text, *marks]))

    def picture(self, key: str, url: str) -> None:
        """Show an image where the text now ends, or in the place of its preview."""
        new = key not in self._pictures
        self._pictures[key] = url
        if new:
            self._feed(picture_mark(len(self._pictures) - 1))
        self._restart("".join(self._source))

    def _feed(self, text: str) -> None:
        self._source.append(text)
        self.markdown.feed(text)
        self.fresh = True

    def _restart(self, text: str) -> None:
        self._source = []
        self.markdown = IncrementalMarkdown(pictures=pictures(self._pictures.values()))
        self._feed(text)


class Live:
    """The state of a live screen.

    Attributes:
        columns: the choices by index.
        reasoning: the first choice's reasoning, ``None`` if none came.
        lines: what tools are doing and what the reader should know, one line each.
        changes: grows with each event that changed something.
    """

    def __init__(self) -> None:
        self.columns: dict[int, Column] = {}
        self.reasoning: Column | None = None
        self.changes = 0
        self._notices: list[str] = []
        self._tools: dict[str, str] = {}
        self._calls: dict[str, str] = {}
        self._runs: dict[str, ToolStarted | ToolFinished] = {}
        self._began = time.monotonic()
        self._first: float | None = None
        self._doing = "waiting"
        self._until = 0.0

    @property
    def lines(self) -> list[str]:
        """The lines of the tools, then the notices."""
        return [*self._tools.values(), *self._calls.values(), *self._notices]

    @property
    def runs(self) -> list[ToolStarted | ToolFinished]:
        """The calls of the notebook's own functions, in the order in which they began."""
        return list(self._runs.values())

    def take(self, event: StreamEvent) -> None:
        """Fold one event into what is to be seen."""
        self.changes += 1
        if isinstance(event, (TextDelta, RefusalDelta)):
            self._column(event.choice).add(event.text)
            self._came()
        elif isinstance(event, (TextReplaced, RefusalDone)):
            self._column(event.choice).replace(event.text)
        elif isinstance(event, ImageDelta):
            self._column(0).picture(event.key, event.url)
            self._came()
        elif isinstance(event, (ReasoningDelta, ReasoningDone)) and event.choice == 0:
            self.reasoning = self.reasoning or Column()
            if isinstance(event, ReasoningDelta):
                self.reasoning.add(event.text)
            else:
                self.reasoning.replace(event.text)
            self._doing = "thinking"
        elif isinstance(event, Notice):
            self._notices.append(event.text)
        elif isinstance(event, ToolCallDelta):
            if event.name:
                self._calls[event.key] = f"calls {event.name}"
        elif isinstance(event, (ToolStarted, ToolFinished)):
            self._run(event)
        elif isinstance(event, HostedTool):
            kind = event.kind.removesuffix("_call").replace("_", " ")
            words = [kind, event.status.replace("_", " ")]
            self._tools[event.key] = ": ".join(filter(None, words)) + f" {event.detail}".rstrip()
        else:
            self._state(event)

    def _run(self, event: ToolStarted | ToolFinished) -> None:
        self._calls.clear()
        if isinstance(event, ToolStarted):
            self._doing = f"running {event.name}"
            for column in self.columns.values():
                column.pause()
            # The same id may come again in a later round.
            self._runs[f"{len(self._runs)} {event.key}"] = event
            return
        self._doing = "waiting"
        key = next(k for k in reversed(self._runs) if k.partition(" ")[2] == event.key)
        self._runs[key] = event

    def _state(self, event: StreamEvent) -> None:
        if isinstance(event, Retrying):
            self._doing = f"{event.reason}: trying again ({event.attempt} of {event.attempts}) in"
            self._until = time.monotonic() + event.seconds
        elif isinstance(event, Progress):
            done = "" if event.done is None else f" {event.done:.0%}"
            self._doing = f"{event.text}{done}"
        elif isinstance(event, Connected):
            self._doing, self._until = "waiting", 0.0
        else:
            self.changes -= 1

    def _column(self, choice: int) -> Column:
        if choice not in self.columns:
            self.columns[choice] = Column()
        return self.columns[choice]

    def _came(self) -> None:
        self._doing = ""
        if self._first is None:
            self._first = time.monotonic() - self._began

    def status(self) -> str:
        """Return the line that says what is going on; while text comes, when it began."""
        now = time.monotonic()
        if not self._doing:
            return f"first token after {self._first or 0:.1f} s"
        if self._until:
            return f"{self._doing} {max(0, round(self._until - now))} s"
        return f"{self._doing} … {now - self._began:.0f} s"
