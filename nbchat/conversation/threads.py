"""`Threads`: the conversations of a kernel by name."""

from __future__ import annotations

from nbchat.conversation.tree import Conversation
from nbchat.errors import UsageError

MAIN = "main"


class Threads(dict[str, Conversation]):
    """The threads of a kernel by name, in the order in which they began.

    A thread is kept once something was said on it, so the current one may be missing.

    Attributes:
        current: name of the thread that a prompt without ``-t`` goes on.
        deleted: the threads that were deleted, the last one at the end.

    >>> threads = Threads()
    >>> _ = threads.add(Conversation("main"))
    >>> threads.fork("other").name, threads.current
    ('other', 'main')
    """

    def __init__(self) -> None:
        super().__init__()
        self.current = MAIN
        self.deleted: list[Conversation] = []

    def named(self, name: str) -> Conversation:
        """Return the thread of that name.

        Raises:
            UsageError: there is none.
        """
        if name not in self:
            there = f"There are {', '.join(self)}." if self else "There are none yet."
            raise UsageError(f"no thread is named {name!r}\n{there}")
        return self[name]

    def add(self, thread: Conversation) -> Conversation:
        """Keep a thread that came from elsewhere, under another name if its own is taken."""
        name, number = thread.name, 1
        while thread.name in self:
            number += 1
            thread.name = f"{name}-{number}"
        self[thread.name] = thread
        return thread

    def fork(self, name: str, at: str = "") -> Conversation:
        """Begin the thread ``name`` with the current one's path, up to the turn ``at``.

        Raises:
            UsageError: the name is taken, or ``at`` is no settled turn of the current thread.
        """
        self._check_free(name)
        return self.add(self.named(self.current).fork(name, at))

    def switch(self, name: str) -> None:
        """Make ``name`` the current thread; one that does not exist begins with its first prompt.

        Raises:
            UsageError: the name is empty or has a space in it.
        """
        _check_name(name)
        self.current = name

    def rename(self, old: str, new: str) -> Conversation:
        """Give a thread another name; it keeps its place.

        Raises:
            UsageError: there is no such thread, or the new name is taken.
        """
        thread = self.named(old)
        if new == old:
            return thread
        self._check_free(new)
        thread.name = new
        threads = list(self.values())
        self.clear()
        self.update((thread.name, thread) for thread in threads)
        if self.current == old:
            self.current = new
        return thread

    def delete(self, name: str) -> Conversation:
        """Take a thread away; `undelete` brings it back.

        Raises:
            UsageError: there is no such thread.
        """
        self.named(name)
        thread = self.pop(name)
        self.deleted.append(thread)
        if self.current == name:
            self.current = MAIN
        return thread

    def undelete(self, name: str = "") -> Conversation:
        """Bring back the deleted thread of that name, the last one of it, or the last of all.

        Raises:
            UsageError: there is none.
        """
        found = [thread for thread in self.deleted if name in ("", thread.name)]
        if not found:
            raise UsageError(f"no thread{f' {name!r}' if name else ''} was deleted in this kernel")
        self.deleted.remove(found[-1])
        return self.add(found[-1])

    def _check_free(self, name: str) -> None:
        _check_name(name)
        if name in self:
            raise UsageError(f"a thread is named {name!r} already")


def _check_name(name: str) -> None:
    if not name or any(char.isspace() for char in name):
        raise UsageError(f"{name!r} can't be a thread's name: it has no letter or has a space")
