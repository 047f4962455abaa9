"""Holding back Ctrl-C for the few moments that must not be torn."""

from __future__ import annotations

import contextlib
import signal
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
