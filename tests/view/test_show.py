"""The way of the events through a screen, however it ends."""

from __future__ import annotations

import os
import signal
from collections.abc import Generator

import pytest

from nbchat import view
from nbchat.errors import Interrupted, StreamError
from nbchat.messages import Settled, StreamEvent, TextDelta
from nbchat.reply import Choice, Reply

REPLY = Reply(choices=(Choice(text="Half"),), status="stopped")


def strike() -> None:
    os.kill(os.getpid(), signal.SIGINT)


class Screen:
    """Notes what it is asked for; ``painting`` and ``closing`` happen while it does it."""

    def __init__(self, painting: object = None, closing: object = None) -> None:
        self._painting = painting
        self._closing = closing
        self.closed: list[Reply | None] = []

    def open(self) -> None:
        pass

    def event(self, event: StreamEvent) -> None:
        if callable(self._painting):
            self._painting()

    def close(self, reply: Reply | None, failure: str = "") -> None:
        if callable(self._closing):
            self._closing()
        self.closed.append(reply)


class Prompt:
    """The events of a prompt that settles as a session does."""

    def __init__(self, failure: Exception | None = None) -> None:
        self.left = ""
        self._failure = failure

    def events(self) -> Generator[StreamEvent, None, None]:
        stopped = False
        try:
            yield TextDelta("Half")
        except KeyboardInterrupt:
            stopped = True
        except GeneratorExit:
            self.left = "given up"
            raise
        self.left = "stopped" if stopped else "complete"
        yield Settled(REPLY)
        if stopped:
            raise Interrupted("stopped; what had come is kept")
        if self._failure is not None:
            raise self._failure


def test_the_reply_is_shown_kept_and_returned() -> None:
    screen, kept = Screen(), []
    assert view.show(Prompt().events(), screen, kept.append) is REPLY
    assert screen.closed == kept == [REPLY]


def test_a_screen_that_raises_ends_the_prompt() -> None:
    def fail() -> None:
        raise ValueError("no such widget")

    screen, prompt = Screen(painting=fail), Prompt()
    events = prompt.events()  # held here, so that it does not end by being forgotten
    with pytest.raises(ValueError, match="no such widget"):
        view.show(events, screen)
    assert prompt.left == "given up"
    assert screen.closed == [None]


def test_an_interrupt_while_painting_keeps_what_had_come() -> None:
    screen, prompt, kept = Screen(painting=strike), Prompt(), []
    with pytest.raises(Interrupted, match="what had come is kept"):
        view.show(prompt.events(), screen, kept.append)
    assert prompt.left == "stopped"
    assert screen.closed == kept == [REPLY]


def test_a_second_interrupt_changes_nothing() -> None:
    screen = Screen(painting=strike, closing=strike)
    with pytest.raises(Interrupted) as caught:
        view.show(Prompt().events(), screen)
    assert screen.closed == [REPLY]
    assert caught.value.__context__ is None or caught.value.__suppress_context__


def test_an_interrupt_while_closing_still_stops_the_cell() -> None:
    screen = Screen(closing=strike)
    with pytest.raises(Interrupted):
        view.show(Prompt().events(), screen)
    assert screen.closed == [REPLY]


def test_a_failure_is_not_hidden_by_an_interrupt_while_closing() -> None:
    screen = Screen(closing=strike)
    with pytest.raises(StreamError, match="cut"):
        view.show(Prompt(StreamError("cut")).events(), screen)
    assert screen.closed == [REPLY]
