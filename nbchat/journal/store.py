"""The journal's file: how it is opened, its tables, and what is done with them.

Nothing here waits longer than the connection's timeout, and nothing knows of threads.
"""

from __future__ import annotations

import os
import sqlite3
import stat
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import unquote, urlsplit

SCHEMA = 1
_APPLICATION = 0x6E626368  # "nbch", for file(1) and for telling our file from another program's

_TABLES = """
CREATE TABLE sessions (
    id TEXT PRIMARY KEY, notebook TEXT NOT NULL, started REAL NOT NULL, changed REAL NOT NULL);
CREATE TABLE threads (
    session TEXT NOT NULL, id TEXT NOT NULL, name TEXT NOT NULL, deleted INTEGER NOT NULL,
    state TEXT NOT NULL, PRIMARY KEY (session, id));
CREATE TABLE turns (id TEXT PRIMARY KEY, data TEXT NOT NULL, answer TEXT NOT NULL);
CREATE TABLE members (
    place INTEGER PRIMARY KEY, thread TEXT NOT NULL, turn TEXT NOT NULL, UNIQUE (thread, turn));
"""
# A row of `threads` is how one kernel (session) last saw a thread; a restored thread keeps its id
# and its turns. Threads that were forked from each other share turns.


class Unusable(Exception):
    """The file can't be the journal, now or later; the text says why, in a few words."""


def connect(path: str, timeout: float) -> sqlite3.Connection:
    """Open the journal, made and brought up to date where that is needed.

    Args:
        path: a file, or a URI as SQLite has them (``file:/home/me/j.sqlite?vfs=unix-dotfile``).
        timeout: seconds to wait for a file that another process has locked.

    Raises:
        Unusable: it belongs to a newer nbchat or to another program.
        sqlite3.Error: SQLite can't open or change it.
        OSError: the file can't be made.
    """
    _create(file_of(path))
    connection = sqlite3.connect(
        path,
        timeout=timeout,
        isolation_level=None,
        uri=path.startswith("file:"),
    )
    try:
        _prepare(connection)
    except BaseException:
        connection.close()
        raise
    return connection


def file_of(path: str) -> Path:
    """Return the file that a path or URI names.

    >>> file_of("file:/tmp/a%20b.sqlite?vfs=unix-none").name
    'a b.sqlite'
    """
    return Path(unquote(urlsplit(path).path) if path.startswith("file:") else path)


def _create(file: Path) -> None:
    """Make the file, readable by its owner alone; SQLite gives -wal and -shm the same mode."""
    file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    try:
        os.close(os.open(file, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
    except FileExistsError:
        mode = stat.S_IMODE(file.stat().st_mode)
        if mode & 0o077:
            file.chmod(mode & 0o700)


def _prepare(connection: sqlite3.Connection) -> None:
    version = _version(connection)
    connection.execute("PRAGMA secure_delete = ON")  # what is forgotten is overwritten
    wal = _use_wal(connection)
    # With WAL a killed process loses nothing even so, and a power cut at most the last moments.
    connection.execute(f"PRAGMA synchronous = {'NORMAL' if wal else 'FULL'}")
    if version == 0:
        with transaction(connection):
            if _version(connection) == 0:  # no other kernel was quicker
                for statement in _TABLES.split(";\n"):
                    connection.execute(statement)
                connection.execute(f"PRAGMA application_id = {_APPLICATION}")
                connection.execute(f"PRAGMA user_version = {SCHEMA}")


def _version(connection: sqlite3.Connection) -> int:
    """Return the schema's version, 0 for an empty file."""
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    (application,) = connection.execute("PRAGMA application_id").fetchone()
    (tables,) = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
    if tables and application != _APPLICATION:
        raise Unusable("it is another program's database")
    if version > SCHEMA:
        raise Unusable(
            f"a newer nbchat wrote it (its schema is {version}, this one knows {SCHEMA})"
        )
    return int(version)


def _use_wal(connection: sqlite3.Connection) -> bool:
    """Turn on write-ahead logging; return False where the file system refuses it.

    It needs memory that processes share, which network file systems have not
    (sqlite.org/wal.html). There the rollback journal stays.
    """
    try:
        (mode,) = connection.execute("PRAGMA journal_mode = WAL").fetchone()
    except sqlite3.OperationalError as error:
        if "locked" in str(error):
            raise
        return False
    return bool(mode == "wal")


@contextmanager
def transaction(connection: sqlite3.Connection) -> Iterator[None]:
    """Write all of a block or nothing."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:  # SQLite has rolled back by itself after some errors
            connection.execute("ROLLBACK")
        raise


# --- Writing --------------------------------------------------------------------------------


def put_session(connection: sqlite3.Connection, id: str, notebook: str, now: float) -> None:
    """Note a kernel, or that it changed something at ``now`` (seconds since 1970)."""
    connection.execute(
        "INSERT INTO sessions VALUES (?, ?, ?, ?)"
        " ON CONFLICT (id) DO UPDATE SET changed = excluded.changed",
        (id, notebook, now, now),
    )


def put_thread(
    connection: sqlite3.Connection, session: str, id: str, name: str, deleted: bool, state: str
) -> None:
    """Note how a kernel sees a thread."""
    connection.execute(
        "INSERT INTO threads VALUES (?, ?, ?, ?, ?) ON CONFLICT (session, id) DO UPDATE"
        " SET name = excluded.name, deleted = excluded.deleted, state = excluded.state",
        (session, id, name, deleted, state),
    )


def put_turn(connection: sqlite3.Connection, thread: str, id: str, data: str, answer: str) -> None:
    """Note that a thread has a turn; a fork's may be known already."""
    connection.execute("INSERT OR IGNORE INTO turns VALUES (?, ?, ?)", (id, data, answer))
    connection.execute("INSERT OR IGNORE INTO members (thread, turn) VALUES (?, ?)", (thread, id))


def settle_turn(connection: sqlite3.Connection, id: str, data: str, answer: str) -> None:
    """Note a turn as it is at its end, unless it was forgotten meanwhile."""
    connection.execute("UPDATE turns SET data = ?, answer = ? WHERE id = ?", (data, answer, id))


def put_answer(connection: sqlite3.Connection, id: str, answer: str) -> None:
    """Note what came of an answer so far."""
    connection.execute("UPDATE turns SET answer = ? WHERE id = ?", (answer, id))


def drop_turn(connection: sqlite3.Connection, id: str) -> None:
    """Delete a turn that gave nothing."""
    connection.execute("DELETE FROM members WHERE turn = ?", (id,))
    connection.execute("DELETE FROM turns WHERE id = ?", (id,))


def forget(connection: sqlite3.Connection, thread: str) -> list[str]:
    """Delete a thread, for all kernels; return the names of those that share turns with it.

    The turns that they share stay with them.
    """
    shared = connection.execute(
        "SELECT DISTINCT threads.name FROM threads JOIN members ON members.thread = threads.id"
        " WHERE threads.id != ?1 AND members.turn IN"
        " (SELECT turn FROM members WHERE thread = ?1) ORDER BY threads.name",
        (thread,),
    ).fetchall()
    connection.execute("DELETE FROM members WHERE thread = ?", (thread,))
    connection.execute("DELETE FROM threads WHERE id = ?", (thread,))
    connection.execute("DELETE FROM turns WHERE id NOT IN (SELECT turn FROM members)")
    connection.execute("DELETE FROM sessions WHERE id NOT IN (SELECT session FROM threads)")
    return [name for (name,) in shared]


def prune(connection: sqlite3.Connection, before: float, spared: str) -> int:
    """Delete what kernels left that last wrote before a time (seconds since 1970); count them.

    ``spared`` is the kernel that stays in any case. Threads and turns that later kernels have too
    stay with these.
    """
    old, given = "SELECT id FROM sessions WHERE changed < ?1 AND id != ?2", (before, spared)
    connection.execute(
        f"DELETE FROM members WHERE thread IN (SELECT id FROM threads WHERE session IN ({old}))"
        f" AND thread NOT IN (SELECT id FROM threads WHERE session NOT IN ({old}))",
        given,
    )
    connection.execute(f"DELETE FROM threads WHERE session IN ({old})", given)
    count = connection.execute(f"DELETE FROM sessions WHERE id IN ({old})", given).rowcount
    connection.execute("DELETE FROM turns WHERE id NOT IN (SELECT turn FROM members)")
    return count


def shrink(connection: sqlite3.Connection) -> None:
    """Give the room of what was deleted back to the disk."""
    connection.execute("VACUUM")
    wipe(connection)


def wipe(connection: sqlite3.Connection) -> bool:
    """Empty the write-ahead log, which holds what was deleted; return whether that went."""
    (busy, *_) = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
    return not busy


# --- Reading --------------------------------------------------------------------------------


def read_sessions(connection: sqlite3.Connection) -> Iterable[tuple[str, str, float, float]]:
    """Return id, notebook, start and last change of each kernel, the last changed first."""
    return connection.execute(
        "SELECT id, notebook, started, changed FROM sessions ORDER BY changed DESC, rowid DESC"
    ).fetchall()


def read_threads(connection: sqlite3.Connection, session: str) -> list[tuple[str, str, str]]:
    """Return id, name and state of the threads that a kernel had, without the deleted ones."""
    return connection.execute(
        "SELECT id, name, state FROM threads WHERE session = ? AND NOT deleted ORDER BY rowid",
        (session,),
    ).fetchall()


def count_turns(connection: sqlite3.Connection, thread: str) -> int:
    """Return how many turns a thread has; a prompt and its rounds of tools are one."""
    (count,) = connection.execute(
        "SELECT count(*) FROM members JOIN turns ON turns.id = members.turn WHERE thread = ?"
        " AND (json_extract(data, '$.parent') IS NULL"
        " OR json_extract(data, '$.prompt[0].$Message.role') IS NOT 'tool')",
        (thread,),
    ).fetchone()
    return int(count)


def read_turns(connection: sqlite3.Connection, thread: str) -> list[tuple[str, str, str]]:
    """Return id, data and answer of a thread's turns, in the order in which they came."""
    return connection.execute(
        "SELECT turns.id, data, answer FROM members JOIN turns ON turns.id = members.turn"
        " WHERE members.thread = ? ORDER BY place",
        (thread,),
    ).fetchall()
