"""What a live screen has to show, gathered from the events."""

from __future__ import annotations

import time
from dataclasses import dataclass, field

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
    ToolAsked,
    ToolCallDelta,
    ToolFinished,
    ToolStarted,
)
from nbchat.render import IncrementalMarkdown
from nbchat.view.pictures import picture_mark, pictures
from nbchat.view.steps import kind_text

# Behind these the thread that paints is taken: by a plain function, or by a question.
BLOCKING = (ToolAsked, ToolStarted)


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

    def add(self, text: str) -> None:
        """Add a delta."""
        self._source.append(text)
        self.markdown.feed(text)
        self.fresh = True

    def replace(self, text: str) -> None:
        """Start over with the text that the server says is the right one."""
        marks = map(picture_mark, range(len(self._pictures)))
        self._restart("".join([text, *marks]))

    def picture(self, key: str, url: str) -> None:
        """Show an image where the text now ends, or in the place of its preview."""
        if key not in self._pictures:
            self._source.append(picture_mark(len(self._pictures)))
        self._pictures[key] = url
        self._restart("".join(self._source))

    def _restart(self, text: str) -> None:
        self._source = []
        self.markdown = IncrementalMarkdown(pictures=pictures(self._pictures.values()))
        self.add(text)


@dataclass
class Stage:
    """What the model said, and the calls that followed: a prompt with tools has several."""

    columns: dict[int, Column] = field(default_factory=dict)
    """The choices by index."""
    calls: dict[str, ToolStarted | ToolFinished] = field(default_factory=dict)
    """The calls of the notebook's own functions by key, in the order in which they began."""

    def column(self, choice: int) -> Column:
        """Return the column of a choice."""
        return self.columns.setdefault(choice, Column())


class Live:
    """The state of a live screen.

    Attributes:
        stages: what was said and called, in the order in which the reader sees it; one at least.
        reasoning: the first choice's reasoning, ``None`` if none came.
        hosted: the tools at the provider by key, each with its last state.
        changes: grows with each event that changed something.
    """

    def __init__(self) -> None:
        self.stages = [Stage()]
        self.reasoning: Column | None = None
        self.hosted: dict[str, HostedTool] = {}
        self.changes = 0
        self._notices: list[str] = []
        self._announced: dict[str, str] = {}  # calls whose arguments are still coming
        self._began = time.monotonic()
        self._first: float | None = None
        self._doing = "waiting"
        self._until = 0.0

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
                self._announced[event.key] = event.name
        elif isinstance(event, ToolAsked):
            self._doing = f"asking whether {event.name} may run"
        elif isinstance(event, (ToolStarted, ToolFinished)):
            self._run(event)
        elif isinstance(event, HostedTool):
            self.hosted[event.key] = event
            over = event.status in ("completed", "failed", "incomplete")
            self._doing = "waiting" if over else kind_text(event)
        else:
            self._state(event)

    def _run(self, event: ToolStarted | ToolFinished) -> None:
        self._announced.clear()
        self._doing = f"running {event.name}" if isinstance(event, ToolStarted) else "waiting"
        stage = self.stages[-1]
        if isinstance(event, ToolStarted) and event.key in stage.calls:
            # The same id came again, in a round in which the model said nothing.
            stage = Stage()
            self.stages.append(stage)
        stage.calls[event.key] = event

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
        if self.stages[-1].calls:
            self.stages.append(Stage())
        return self.stages[-1].column(choice)

    def _came(self) -> None:
        self._doing = ""
        self._announced.clear()
        if self._first is None:
            self._first = time.monotonic() - self._began

    def status(self) -> str:
        """Return what is going on and what the reader should know, on one line as in the footer.

        While text comes, it says when that began.
        """
        return " · ".join([self._doing_now(), *self._notices])

    def _doing_now(self) -> str:
        now = time.monotonic()
        if self._announced:
            return f"calls {', '.join(self._announced.values())} … {now - self._began:.0f} s"
        if not self._doing:
            return f"first token after {self._first or 0:.1f} s"
        if self._until:
            return f"{self._doing} {max(0, round(self._until - now))} s"
        return f"{self._doing} … {now - self._began:.0f} s"
