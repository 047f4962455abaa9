"""Ctrl-C: held back for the few moments that must not be torn, and struck by the Stop button."""

from __future__ import annotations

import _thread
import contextlib
import signal
import sys
import threading
from collections.abc import Iterator
from types import FrameType

Signal = tuple[int, FrameType | None]


@contextlib.contextmanager
def uninterrupted(*, strike: bool = True) -> Iterator[list[Signal]]:
    """Hold back Ctrl-C until the block is done; it strikes then, if ``strike``.

    The block is given the list of what was held back. Signals reach the main thread alone; on
    others there is nothing to hold back.
    """
    caught: list[Signal] = []
    if threading.current_thread() is not threading.main_thread():
        yield caught
        return
    before = signal.signal(signal.SIGINT, lambda number, frame: caught.append((number, frame)))
    try:
        yield caught
    finally:
        signal.signal(signal.SIGINT, before)
        if strike and caught and callable(before):
            before(*caught[-1])


class StopSignal(threading.Event):
    """Set from any thread, it stops a prompt.

    Whatever waits looks at the event. What can't look, a function of the user's on the main
    thread, runs in `interruptible`: there, setting the event is a Ctrl-C.

    >>> stopped = StopSignal()
    >>> with stopped.interruptible():
    ...     stopped.is_set()
    False
    """

    def __init__(self) -> None:
        super().__init__()
        self._exposing = threading.Lock()
        self._exposed = False

    def set(self) -> None:
        """Stop the prompt; a function that went on after one interrupt gets another."""
        with self._exposing:
            super().set()
            if self._exposed:
                _interrupt_main_thread()

    @contextlib.contextmanager
    def interruptible(self) -> Iterator[None]:
        """Let `set` interrupt the block, and nothing after it, if it runs on the main thread.

        Raises:
            KeyboardInterrupt: the event is set, or was set within the block.
        """
        with self._exposing:
            if self.is_set():
                raise KeyboardInterrupt
            self._exposed = threading.current_thread() is threading.main_thread()
        try:
            yield
        finally:
            # A strike on its way lands in here, not in what the main thread does next.
            with uninterrupted(), self._exposing:
                self._exposed = False


def _interrupt_main_thread() -> None:
    if sys.platform == "win32":
        _thread.interrupt_main()
    else:  # a real signal, which ends a system call such as a sleep
        signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)
