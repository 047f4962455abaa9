"""An event loop on a daemon thread, on which nothing can delay the interpreter's exit."""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import threading
from collections.abc import Callable
from typing import Any

_JOIN = 1.0
"""Seconds that `LoopThread.stop` waits for the thread; only a stuck callback takes so long."""

_ROUNDS = 20


class LoopThread:
    """One event loop, running on one daemon thread from the start until `stop`.

    Attributes:
        loop: the loop; from other threads use its thread-safe methods only.
        pid: the process that it runs in. After a fork the child has the object, not the thread.
    """

    def __init__(self) -> None:
        self.pid = os.getpid()
        self.loop: asyncio.AbstractEventLoop = _Loop()
        self._thread = threading.Thread(target=self._run, daemon=True, name="nbchat-client")
        self._thread.start()

    def stop(self) -> None:
        """End the loop and its thread; what still runs on it is cancelled. Once only."""
        self.loop.call_soon_threadsafe(self.loop.stop)
        self._thread.join(_JOIN)

    def _run(self) -> None:
        loop = self.loop
        asyncio.set_event_loop(loop)
        loop.run_forever()
        loop.run_until_complete(_wind_up(loop))
        loop.close()


async def _wind_up(loop: asyncio.AbstractEventLoop) -> None:
    """Cancel what still runs, and let the generators close that httpx left half read.

    Closing one sets free the next one within it, which asyncio closes in a task of its own.
    """
    await loop.shutdown_asyncgens()
    for _ in range(_ROUNDS):
        await asyncio.sleep(0)
        tasks = asyncio.all_tasks() - {asyncio.current_task()}
        if not tasks:
            return
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks, timeout=_JOIN)


class _Loop(asyncio.SelectorEventLoop):
    """Looks names up on daemon threads.

    asyncio's own look-up runs in a thread pool whose threads the interpreter joins at its exit: a
    name server that does not answer would hold the kernel for half a minute.
    """

    async def getaddrinfo(
        self,
        host: bytes | str | None,
        port: bytes | str | int | None,
        *,
        family: int = 0,
        type: int = 0,
        proto: int = 0,
        flags: int = 0,
    ) -> list[Any]:
        return await _on_daemon_thread(
            self, lambda: socket.getaddrinfo(host, port, family, type, proto, flags)
        )


async def _on_daemon_thread(
    loop: asyncio.AbstractEventLoop, work: Callable[[], list[Any]]
) -> list[Any]:
    outcome: asyncio.Future[list[Any]] = loop.create_future()

    def settle(found: list[Any] | None, error: Exception | None) -> None:
        if outcome.done():  # cancelled meanwhile
            return
        if error is not None:
            outcome.set_exception(error)
        else:
            outcome.set_result(found or [])

    def run() -> None:
        found: list[Any] | None = None
        failure: Exception | None = None
        try:
            found = work()
        except (OSError, UnicodeError) as exc:
            failure = exc
        # The loop may have been closed while the look-up hung: then nobody wants the outcome.
        with contextlib.suppress(RuntimeError):
            loop.call_soon_threadsafe(settle, found, failure)

    threading.Thread(target=run, daemon=True, name="nbchat-lookup").start()
    return await outcome
