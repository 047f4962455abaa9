"""The journal: every turn in an SQLite file, as it grows, so that a killed kernel loses nothing.

It holds what the threads hold: prompts, answers and request bodies, which carry no keys.
"""

from __future__ import annotations

import json
import secrets
import sqlite3
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from nbchat.conversation import Conversation, Turn
from nbchat.conversation.record import (
    dump_answer,
    dump_thread,
    dump_turn,
    load_thread,
    load_turn,
)
from nbchat.conversation.values import RecordError, to_json
from nbchat.errors import UsageError
from nbchat.journal import store
from nbchat.journal.writer import Operation, Writer
from nbchat.messages import Idle, StreamEvent

_T = TypeVar("_T")

__all__ = ["FILENAME", "Journal", "Past"]

FILENAME = "nbchat.sqlite"
_WAIT = 2.0  # seconds for a locked file
_FORGET_WAIT = 10.0
_DAY = 86400.0


@dataclass(frozen=True)
class Past:
    """What the journal has of one kernel.

    Attributes:
        id: name for `Journal.restore`.
        notebook: the notebook that it belonged to, ``""`` if that is not known.
        started, changed: when it began and when it last wrote, in seconds since 1970.
        threads: name and number of turns of each of its threads.
    """

    id: str
    notebook: str
    started: float
    changed: float
    threads: tuple[tuple[str, int], ...]


class Journal:
    """The record of one kernel's threads, and of earlier kernels'.

    What is noted reaches the file from a thread of the journal's own: no method but `flush`,
    `close`, `forget` and those that read ever waits, and none of the others raises.

    Args:
        path: the file, or a URI as SQLite has them; ``None`` keeps nothing.
        notebook: what tells the notebook from others, such as ``JPY_SESSION_NAME``.
        interval: shortest time between two notes of a growing answer, in seconds.
    """

    def __init__(
        self, path: str | Path | None, notebook: str = "", *, interval: float = 1.0
    ) -> None:
        self.path = "" if path is None else str(path)
        self.notebook = notebook
        self.session = secrets.token_hex(4)
        self._interval = interval
        self._writer = Writer(self.path)
        self._lock = threading.Lock()
        self._known: dict[str, set[str]] = {}
        self._growing: dict[str, _Growth] = {}

    # --- Noting -------------------------------------------------------------------------------

    def save(self, thread: Conversation, *, deleted: bool = False) -> None:
        """Note the thread: the turns that it got since, its head, system message, edits, …."""
        if not self.path:
            return
        with self._lock:
            known = self._known.setdefault(thread.id, set())
            added = [turn for turn in thread.turns if turn.id not in known]
            known.update(turn.id for turn in added)
        for turn in added:
            self._add(turn, thread.id)
        state, name = dump_thread(thread), thread.name

        def write(connection: sqlite3.Connection) -> None:
            store.put_thread(connection, self.session, thread.id, name, deleted, to_json(state))

        self._put(("thread", thread.id), write)

    def grow(self, turn: Turn, event: StreamEvent) -> None:
        """Note what an event added to a turn, unless that was done less than `interval` ago.

        To be called with every event, `Idle` ones too: the last words before a silence are noted
        during it.
        """
        if not self.path:
            return
        now = time.monotonic()
        growth = self._growing.get(turn.id)
        if growth is None:
            growth = self._growing[turn.id] = _Growth(now)
        growth.changed |= type(event) is not Idle
        if not growth.changed or now - growth.noted < self._interval:
            return
        growth.noted, growth.changed = now, False
        answer = dump_answer(turn.answer)
        self._put(
            ("answer", turn.id),
            lambda connection: store.put_answer(connection, turn.id, to_json(answer)),
        )

    def settle(self, turn: Turn) -> None:
        """Note a turn whose answer is over."""
        if not self.path:
            return
        self._growing.pop(turn.id, None)
        data, answer = dump_turn(turn), dump_answer(turn.answer)
        self._put(
            ("settled", turn.id),
            lambda connection: store.settle_turn(
                connection, turn.id, to_json(data), to_json(answer)
            ),
        )

    def drop(self, thread: Conversation, turn: Turn) -> None:
        """Delete a turn that the thread discarded, and note the thread."""
        if not self.path:
            return
        self._growing.pop(turn.id, None)
        with self._lock:
            self._known.get(thread.id, set()).discard(turn.id)
        self._put(("drop", turn.id), lambda connection: store.drop_turn(connection, turn.id))
        self.save(thread)

    def _add(self, turn: Turn, thread: str) -> None:
        data, answer = dump_turn(turn), dump_answer(turn.answer)
        self._put(
            ("turn", turn.id, thread),
            lambda connection: store.put_turn(
                connection, thread, turn.id, to_json(data), to_json(answer)
            ),
        )

    def _put(self, key: object, operation: Operation) -> None:
        def write(connection: sqlite3.Connection) -> None:
            store.put_session(connection, self.session, self.notebook, now)
            operation(connection)

        now = time.time()
        self._writer.put(key, write)

    # --- Its own state ------------------------------------------------------------------------

    def take_warning(self) -> str:
        """Return what the user should know of the journal, one line, once; else ``""``."""
        return self._writer.take_warning()

    @property
    def broken(self) -> str:
        """Why nothing is kept any more, ``""`` if the journal works."""
        return self._writer.broken

    def flush(self, timeout: float = 1.0) -> bool:
        """Wait until all is in the file, ``timeout`` seconds at most; return whether it is."""
        return self._writer.flush(timeout)

    def close(self, timeout: float = 1.0) -> None:
        """Write what waits, ``timeout`` seconds at most; at the end of the kernel too."""
        self._writer.close(timeout)

    # --- The past -----------------------------------------------------------------------------

    def past(self) -> list[Past]:
        """Return what earlier (and other) kernels left that have turns, the last changed first.

        Raises:
            UsageError: the journal can't be read.
        """
        return self._use(self._past)

    def latest(self) -> Past | None:
        """Return what this notebook had last, ``None`` if nothing or if its name is not known.

        Raises:
            UsageError: the journal can't be read.
        """
        own = (past for past in self.past() if self.notebook and past.notebook == self.notebook)
        return next(own, None)

    def restore(self, ref: str) -> list[Conversation]:
        """Return the threads of the kernel whose id is, or begins with, ``ref``.

        An answer that was on its way when its kernel died is marked as cut. The threads belong
        to this kernel once they are given to `save`.

        Raises:
            UsageError: there is no such kernel, or more than one; or the journal can't be read.
        """
        found = [past.id for past in self.past() if ref and past.id.startswith(ref)]
        if len(found) != 1:
            count = f"{len(found)} records" if found else "no record"
            raise UsageError(
                f"the journal has {count} of a kernel {ref!r}\n%nbchat restore --list shows them"
            )
        try:
            threads = self._use(lambda connection: _restored(connection, found[0]))
        except (RecordError, ValueError) as error:
            raise UsageError(f"the record {found[0]} in {self.path} is damaged: {error}") from None
        with self._lock:
            for thread in threads:
                self._known[thread.id] = {turn.id for turn in thread.turns}
        return threads

    def forget(self, thread: Conversation) -> list[str]:
        """Delete a thread from the file, also what earlier kernels noted of it.

        Returns:
            The names of threads that share turns with it, and keep them.

        Raises:
            UsageError: the file can't be changed now. It is deleted as soon as that is possible,
                while this kernel lives.
        """
        if not self.path:
            return []
        with self._lock:
            self._known.pop(thread.id, None)
        shared: list[str] = []
        self._writer.put(
            ("forget", thread.id),
            lambda connection: shared.extend(store.forget(connection, thread.id)),
        )
        if not self.flush(_FORGET_WAIT):
            reason = self.broken or "it is locked or the disk is full"
            raise UsageError(f"the thread {thread.name} is not deleted from {self.path}: {reason}")
        if not self._use(store.wipe):
            raise UsageError(
                f"the thread {thread.name} is deleted, but another program reads {self.path}: "
                "its log still holds the text until that ends"
            )
        return shared

    def prune(self, days: float, *, now: Callable[[], float] = time.time) -> int:
        """Delete what kernels left that wrote nothing for ``days`` days; return how many.

        This kernel keeps its own, and its threads that it brought back from earlier ones. A
        kernel that still runs, but was silent so long, counts as one that has ended.

        Args:
            days: at least 0.
            now: tells the time, in seconds since 1970.

        Raises:
            UsageError: the file can't be changed now.
        """

        def delete(connection: sqlite3.Connection) -> int:
            with store.transaction(connection):
                count = store.prune(connection, now() - days * _DAY, self.session)
            store.shrink(connection)
            return count

        return self._use(delete)

    def _past(self, connection: sqlite3.Connection) -> list[Past]:
        found = []
        for id, notebook, started, changed in store.read_sessions(connection):
            if id == self.session:
                continue
            threads = tuple(
                (name, store.count_turns(connection, thread))
                for thread, name, _ in store.read_threads(connection, id)
            )
            if any(count for _, count in threads):
                found.append(Past(id, notebook, started, changed, threads))
        return found

    def _use(self, work: Callable[[sqlite3.Connection], _T]) -> _T:
        """Return what ``work`` makes of the file as it is now, what waited included."""
        if not self.path:
            raise UsageError("no journal is kept: %config NbChat.journal is off")
        self.flush(_WAIT)
        try:
            connection = store.connect(self.path, _WAIT)
            try:
                return work(connection)
            finally:
                connection.close()
        except (sqlite3.Error, OSError, store.Unusable) as error:
            raise UsageError(f"the journal can't be used: {error}: {self.path}") from None


@dataclass
class _Growth:
    """When a growing answer was last noted (monotonic seconds), and whether it grew since."""

    noted: float
    changed: bool = False


def _restored(connection: sqlite3.Connection, session: str) -> list[Conversation]:
    turns: dict[str, Turn] = {}  # threads may share them
    unanswered: set[Turn] = set()
    threads = []
    for id, _, state in store.read_threads(connection, session):
        rows = store.read_turns(connection, id)
        own = [_turn(row, turns, unanswered) for row in rows]
        thread = load_thread(json.loads(state), own)
        # A prompt that got nothing before its kernel died stays in the tree, but it would stand
        # in the way of the next one.
        if thread.head in unanswered:
            thread.head = thread.head.parent
        threads.append(thread)
    return threads


def _turn(row: tuple[str, str, str], turns: dict[str, Turn], unanswered: set[Turn]) -> Turn:
    id, data, answer = row
    if id not in turns:
        fields, came = json.loads(data), json.loads(answer)
        # A parent comes before its children.
        turn = turns[id] = load_turn(fields, came, turns.get(fields.get("parent", "")))
        if came["status"] == "streaming" and turn.empty:
            unanswered.add(turn)
    return turns[id]
