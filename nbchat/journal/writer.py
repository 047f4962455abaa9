"""The writer: a thread that puts what happened into the journal's file, so that no prompt waits.

What it is given is kept in memory until the file takes it. A file that is locked, or a disk that
is full, is tried again; one that can't be written at all ends the journal. Either costs one
warning.
"""

from __future__ import annotations

import atexit
import errno
import sqlite3
import threading
from collections.abc import Callable, Mapping

from nbchat.journal.store import Unusable, connect, transaction

Operation = Callable[[sqlite3.Connection], None]

_LOCKED_WAIT = 2.0  # seconds that SQLite waits for another process's lock
_PAUSE = 0.5  # seconds before the next try
# SQLite's words for what may pass (sqlite.org/rescode.html); Python 3.10 knows no codes.
_PASSING = ("locked", "full", "disk I/O error", "unable to open")


class Writer:
    """Does operations on the journal in the order in which they came, each batch in a transaction.

    Attributes:
        broken: why the journal can't be used any more, ``""`` while it can.
    """

    def __init__(self, path: str) -> None:
        self.path = path
        self.broken = ""
        self._waiting: dict[object, Operation] = {}
        self._writing = False
        self._closing = False
        self._changed = threading.Condition()
        self._thread: threading.Thread | None = None
        self._warnings: list[str] = []
        self._warned: set[str] = set()

    def put(self, key: object, operation: Operation) -> None:
        """Have an operation done; one that still waits under the same key is replaced by it."""
        with self._changed:
            if self.broken or self._closing:
                return
            self._waiting[key] = operation
            if self._thread is None:
                self._thread = threading.Thread(
                    target=self._run, name="nbchat-journal", daemon=True
                )
                self._thread.start()
                atexit.register(self.close)
            self._changed.notify_all()

    def flush(self, timeout: float) -> bool:
        """Wait until all is written, ``timeout`` seconds at most; return whether it is."""
        with self._changed:
            return self._changed.wait_for(self._idle, timeout) and not self.broken

    def close(self, timeout: float = 1.0) -> None:
        """Write what waits, wait for it ``timeout`` seconds at most, and end the thread.

        A later `put` begins anew.
        """
        with self._changed:
            self._closing = True
            self._changed.notify_all()
            thread = self._thread
        if thread is not None:
            thread.join(timeout)
            atexit.unregister(self.close)
        with self._changed:
            if thread is None or not thread.is_alive():
                self._thread, self._closing = None, False

    def take_warning(self) -> str:
        """Return what the user should know, one line, once; else ``""``."""
        with self._changed:
            return self._warnings.pop(0) if self._warnings else ""

    # --- On the thread ------------------------------------------------------------------------

    def _idle(self) -> bool:
        return bool(self.broken) or not (self._waiting or self._writing)

    def _run(self) -> None:
        connection: sqlite3.Connection | None = None
        while batch := self._next():
            try:
                if connection is None:
                    connection = connect(self.path, _LOCKED_WAIT)
                with transaction(connection):
                    for operation in batch.values():
                        operation(connection)
            except (sqlite3.Error, OSError, Unusable) as error:
                if not self._try_again(error, batch):
                    break
            finally:
                with self._changed:
                    self._writing = False
                    self._changed.notify_all()
        if connection is not None:
            connection.close()

    def _next(self) -> dict[object, Operation]:
        """Wait for something to do and take it; nothing is the end."""
        with self._changed:
            self._changed.wait_for(lambda: self._waiting or self._closing)
            batch, self._waiting = self._waiting, {}
            self._writing = bool(batch)
            return batch

    def _try_again(self, error: Exception, batch: Mapping[object, Operation]) -> bool:
        """Warn; return whether a later try may do, and then keep the batch for it."""
        passing = _is_passing(error)
        with self._changed:
            if passing:
                self._warn(f"the journal can't be written now ({error}): {self.path}")
                self._waiting = {**batch, **self._waiting}
                self._changed.wait_for(lambda: self._closing, _PAUSE)
                return not self._closing
            self.broken = str(error)
            self._waiting.clear()
            self._warn(f"no journal is kept, because {self.broken}: {self.path}")
            return False

    def _warn(self, text: str) -> None:
        line = " ".join(text.split())
        if line not in self._warned:
            self._warned.add(line)
            self._warnings.append(line)


def _is_passing(error: Exception) -> bool:
    if isinstance(error, OSError):
        return error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EAGAIN)
    return isinstance(error, sqlite3.Error) and any(word in str(error) for word in _PASSING)
