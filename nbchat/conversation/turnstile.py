"""Prompts to one thread wait in a line."""

from __future__ import annotations

import threading
from collections import deque


class Turnstile:
    """Lets one through at a time, in the order in which they came.

    >>> turnstile = Turnstile()
    >>> first, second = turnstile.enter(), turnstile.enter()
    >>> turnstile.wait(second, 0.001)
    False
    >>> turnstile.leave(first)
    >>> turnstile.wait(second, 0.001)
    True
    """

    def __init__(self) -> None:
        self._line: deque[object] = deque()
        self._moved = threading.Condition()

    def enter(self) -> object:
        """Join the line and return the ticket."""
        ticket = object()
        with self._moved:
            self._line.append(ticket)
        return ticket

    def wait(self, ticket: object, timeout: float) -> bool:
        """Wait at most ``timeout`` seconds and return whether it is the ticket's turn."""
        with self._moved:
            return self._moved.wait_for(lambda: self._line[0] is ticket, timeout)

    def leave(self, ticket: object) -> None:
        """Give the ticket back, whether its turn has come or not."""
        with self._moved:
            self._line.remove(ticket)
            self._moved.notify_all()

    @property
    def busy(self) -> bool:
        """Whether somebody is in the line."""
        return bool(self._line)
