"""The event loop that asynchronous tools run on, one for the kernel.

It is not the kernel's own, which stands still while a cell runs, and not the client's, which a
tool that computes for long would hold up. It lives on, so that a connection that a tool keeps
open serves its next call too.
"""

from __future__ import annotations

import asyncio
import concurrent.futures
import os
import threading
from collections.abc import Awaitable, Iterable
from typing import Any

__all__ = ["cancel", "submit", "wait"]

_POLL = 0.05  # seconds; a wait without an end can't be interrupted on Windows


class _Loop:
    """An event loop on a daemon thread, which does not delay the interpreter's exit."""

    def __init__(self) -> None:
        self.pid = os.getpid()
        self.loop = asyncio.new_event_loop()
        self.answered = threading.Event()  # it turned since something was cancelled on it
        self.answered.set()
        threading.Thread(target=self.loop.run_forever, name="nbchat-tools", daemon=True).start()

    @property
    def usable(self) -> bool:
        """False after a fork, or while a tool that was cancelled holds the loop all the same."""
        return self.pid == os.getpid() and self.answered.is_set()


_lock = threading.Lock()
_current: _Loop | None = None


def submit(work: Awaitable[Any]) -> concurrent.futures.Future[Any]:
    """Start something to be awaited on the loop; cancelling the future cancels it there."""
    global _current
    with _lock:
        if _current is None or not _current.usable:
            _current = _Loop()
        return asyncio.run_coroutine_threadsafe(_guarded(work), _current.loop)


def cancel(futures: Iterable[concurrent.futures.Future[Any]]) -> None:
    """Cancel what was submitted; a loop that a tool then still holds is given up."""
    left = [future for future in futures if not future.done()]
    if not left or _current is None:
        return
    for future in left:
        future.cancel()
    _current.answered.clear()
    _current.loop.call_soon_threadsafe(_current.answered.set)


def wait(work: Awaitable[Any]) -> Any:
    """Run something on the loop and return its result; an interrupt cancels it."""
    future = submit(work)
    try:
        while not future.done():
            concurrent.futures.wait([future], _POLL)
        return future.result()
    finally:
        cancel([future])


async def _guarded(work: Awaitable[Any]) -> Any:
    try:
        return await work
    except (KeyboardInterrupt, SystemExit) as error:  # would end the loop itself
        raise RuntimeError(f"the tool raised {type(error).__name__}") from error
