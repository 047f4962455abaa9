"""Answers in a terminal: text as it comes, and nothing twice."""

from __future__ import annotations

import sys

from nbchat.messages import (
    Progress,
    ReasoningDelta,
    RefusalDelta,
    Retrying,
    StreamEvent,
    TextDelta,
    TextReplaced,
)
from nbchat.reply import Reply
from nbchat.view.permanent import footer, marks


class TextScreen:
    """Writes the first choice to standard output as it comes, the others at the end."""

    def __init__(self) -> None:
        self._fresh = True  # the cursor is at the start of a line
        self._progress = False

    def open(self) -> None:
        """Nothing is written before there is something to say."""

    def event(self, event: StreamEvent) -> None:
        """Write what the event brings."""
        if isinstance(event, (TextDelta, RefusalDelta)) and event.choice == 0:
            self._write(event.text)
        elif isinstance(event, TextReplaced) and event.choice == 0:
            self._line("The server corrected the answer:")
            self._write(event.text)
        elif isinstance(event, Retrying):
            self._line(f"[{event.reason}: trying again in {event.seconds:.0f} s]")
        elif isinstance(event, Progress):
            done = "" if event.done is None else f" {event.done:.0%}"
            sys.stdout.write(f"\r{event.text}{done}")
            sys.stdout.flush()
            self._fresh = False
        elif isinstance(event, ReasoningDelta):
            self._write(event.text)

    def close(self, reply: Reply | None, failure: str = "") -> None:
        """Write the other choices and the footer."""
        if reply is None:
            self._line("")
            return
        for number, choice in enumerate(reply.choices[1:], 2):
            self._line(f"--- choice {number}")
            self._write(choice.text)
        for text in (*marks(reply), footer(reply)):
            self._line(f"[{text}]")

    def _write(self, text: str) -> None:
        if text:
            sys.stdout.write(text)
            sys.stdout.flush()
            self._fresh = text.endswith("\n")

    def _line(self, text: str) -> None:
        """Write a line of its own."""
        if not self._fresh:
            self._write("\n")
        if text:
            self._write(text + "\n")


class QuietScreen:
    """Writes nothing but where to look: a terminal has one place to write, and it is in use."""

    def open(self) -> None:
        """Say where the answer will be."""
        sys.stdout.write("answering in the background; %nbchat jobs lists it\n")

    def event(self, event: StreamEvent) -> None:
        """Write nothing."""

    def close(self, reply: Reply | None, failure: str = "") -> None:
        """Write nothing; ``%nbchat show --last`` shows the answer."""
