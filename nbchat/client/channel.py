"""Carries the events of an answer from the loop's thread to the caller's."""

from __future__ import annotations

import asyncio
import queue
from collections.abc import Iterable
from dataclasses import dataclass

from nbchat.messages import StreamEvent

MOST_UNREAD = 64
"""Batches (one per network read, of at most 64 kB) that may wait before reading pauses."""


@dataclass(frozen=True)
class _End:
    error: BaseException | None


class Channel:
    """A queue of batches with one writer, on the loop's thread, and one reader, anywhere else.

    What is posted within one step of the loop crosses as one batch. One step of the loop is one
    network read, however many HTTP chunks it held: the decoder does not yield between them.

    Attributes:
        complete: the writer has posted everything.
        closed: the reader has had everything, or wants no more.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._queue: queue.SimpleQueue[list[StreamEvent] | _End] = queue.SimpleQueue()
        self._pending: list[StreamEvent] = []
        self._paused = False
        self._resumed = asyncio.Event()
        self.complete = False
        self.closed = False

    # The writer's side.

    def post(self, events: Iterable[StreamEvent]) -> None:
        """Send events; they leave when the loop's current step ends."""
        if not self._pending:
            self._loop.call_soon(self._flush)
        self._pending.extend(events)

    def _flush(self) -> None:
        if self._pending:
            self._queue.put(self._pending)
            self._pending = []

    @property
    def full(self) -> bool:
        """Whether the reader lags so far behind that the writer should wait for `room`."""
        return self._queue.qsize() >= MOST_UNREAD

    async def room(self) -> None:
        """Wait until the reader has caught up by half."""
        self._resumed.clear()
        self._paused = True
        # Asked again after the flag is up: a reader that emptied the queue in between has not
        # seen the flag and will not wake us.
        if self._queue.qsize() > MOST_UNREAD // 2:
            await self._resumed.wait()
        self._paused = False

    def end(self, error: BaseException | None = None) -> None:
        """Say that nothing more comes, or what went wrong. The first call holds."""
        self.complete = True
        self._flush()
        self._queue.put(_End(error))

    # The reader's side.

    def get(self, timeout: float) -> list[StreamEvent] | None:
        """Return the next batch, ``None`` if none came in ``timeout`` seconds, ``[]`` at the end.

        Raises:
            BaseException: what `end` was given, once.
        """
        if self.closed:
            return []
        try:
            batch = self._queue.get(timeout=timeout)
        except queue.Empty:
            return None
        if self._paused and self._queue.qsize() <= MOST_UNREAD // 2:
            self._loop.call_soon_threadsafe(self._resumed.set)
        if isinstance(batch, _End):
            self.closed = True
            if batch.error is not None:
                raise batch.error
            return []
        return batch

    def close(self) -> None:
        """Read no more: from now on `get` returns ``[]``. From any thread."""
        self.closed = True
        self._queue.put(_End(None))  # wakes a reader that waits
