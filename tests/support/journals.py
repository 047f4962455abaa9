"""Journals as a session writes them, and what is in their files."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from nbchat.conversation import Conversation, Turn
from nbchat.journal import Journal
from nbchat.messages import Message, TextDelta

Opened = Callable[..., Journal]


def ask(journal: Journal, thread: Conversation, prompt: str, *answer: str) -> Turn:
    """Ask and note what a session notes; without pieces of an answer, it stays on its way."""
    turn = thread.open(Turn((Message.of("user", prompt),), "chat"), thread.head)
    journal.save(thread)
    for piece in answer:
        event = TextDelta(piece)
        turn.answer.apply(event)
        journal.grow(turn, event)
    if answer:
        turn.answer.status = "completed"
        journal.settle(turn)
    return turn


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Lock the file, as another program may."""
    with closing(sqlite3.connect(path, isolation_level=None)) as locker:
        locker.execute("BEGIN IMMEDIATE")
        yield


def written(path: Path) -> bytes:
    """All bytes of the file, its log and whatever lies beside it."""
    return b"".join(file.read_bytes() for file in path.parent.iterdir())


def said(thread: Conversation) -> list[str]:
    """The texts of a thread as the model sees it."""
    return [message.text for message in thread.history()]


def run_child(code: str, *words: object) -> subprocess.CompletedProcess[str]:
    """Run a program in another process, to its end."""
    command = [sys.executable, "-c", code, *map(str, words)]
    return subprocess.run(command, capture_output=True, text=True, check=True, timeout=100)


def start_child(code: str, *words: object) -> subprocess.Popen[str]:
    """Start a program in another process."""
    command = [sys.executable, "-c", code, *map(str, words)]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
