"""Answers in a terminal: text as it comes, and nothing twice."""

from __future__ import annotations

import sys

from nbchat.messages import (
    HostedTool,
    ImageDelta,
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
)
from nbchat.reply import Reply
from nbchat.view.permanent import choice_heading, footer, marks
from nbchat.view.steps import call_text, kind_text
from nbchat.view.terminal import Writer


class TextScreen:
    """Writes the first choice to standard output as it comes, the others at the end.

    Each has a heading if there is more than one of ``choices``.
    """

    def __init__(self, choices: int = 1) -> None:
        self._out = Writer(sys.stdout)
        self._heading = choice_heading(1) if choices > 1 else ""
        self._thinking = False
        self._progress = ""

    def open(self) -> None:
        """Nothing is written before there is something to say."""

    def event(self, event: StreamEvent) -> None:
        """Write what the event brings."""
        if isinstance(event, (TextDelta, RefusalDelta)) and event.choice == 0:
            self._begin()
            if self._thinking:
                self._out.line("")
                self._thinking = False
            self._out.write(event.text)
        elif isinstance(event, ReasoningDelta) and event.choice == 0:
            self._begin()
            self._thinking = True
            self._out.write(event.text, "dim")
        elif isinstance(event, (TextReplaced, RefusalDone)) and event.choice == 0:
            said = "the server corrected the answer" if event.text else "the answer begins anew"
            self._out.line(f"[{said}]", "mark")
            self._out.write(event.text)
        elif isinstance(event, ReasoningDone) and event.choice == 0:
            self._out.line("[the server corrected the reasoning]", "mark")
            self._out.write(event.text, "dim")
            self._thinking = True
        elif isinstance(event, ToolCallDelta):
            if event.name:
                self._out.line(f"[calls {event.name}]", "dim")
        elif isinstance(event, ToolFinished):
            ended = "failed" if event.failed else f"{event.seconds:.1f} s"
            first = event.result.strip().partition("\n")[0][:80]
            self._out.line(f"[{call_text(event)} {ended}: {first}]", "dim")
        elif isinstance(event, HostedTool):
            self._out.line(f"[{kind_text(event)}: {event.status.replace('_', ' ')}]", "dim")
        elif isinstance(event, ImageDelta):
            if not event.partial:
                self._out.line("[an image: the reply has it among its images]", "dim")
        elif isinstance(event, Retrying):
            self._out.line(f"[{event.reason}: trying again in {event.seconds:.1f} s]", "mark")
        elif isinstance(event, Progress):
            self._show_progress(event)

    def close(self, reply: Reply | None, failure: str = "") -> None:
        """Write the other choices and the footer."""
        if reply is None:
            self._out.line("")
            return
        for number, choice in enumerate(reply.choices[1:], 2):
            self._out.line(choice_heading(number), "dim")
            self._out.write(choice.text)
        for mark in marks(reply):
            self._out.line(f"[{mark}]", "mark")
        self._out.line(f"[{footer(reply)}]", "dim")

    def _begin(self) -> None:
        """Write the heading of the first choice, once."""
        if self._heading:
            self._out.line(self._heading, "dim")
            self._heading = ""

    def _show_progress(self, event: Progress) -> None:
        """Write each tenth of the way on a line of its own."""
        done = "" if event.done is None else f" {event.done * 10 // 1 * 10:.0f} %"
        if f"{event.text}{done}" != self._progress:
            self._progress = f"{event.text}{done}"
            self._out.line(f"[{self._progress}]", "dim")


class QuietScreen:
    """Writes nothing but where to look: a terminal has one place to write, and it is in use."""

    def open(self) -> None:
        """Say where the answer will be."""
        sys.stdout.write("answering in the background; %nbchat jobs lists it\n")

    def event(self, event: StreamEvent) -> None:
        """Write nothing."""

    def close(self, reply: Reply | None, failure: str = "") -> None:
        """Write nothing; ``%nbchat show --last`` shows the answer."""
