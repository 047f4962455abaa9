"""The subcommands of ``%nbchat``: a file for each family, found by registration."""

from __future__ import annotations

import importlib
import re
from collections.abc import Callable, Container, Mapping
from dataclasses import dataclass
from typing import Any

from nbchat.conversation import Conversation, Turn, begins
from nbchat.conversation.picture import excerpt
from nbchat.errors import UsageError
from nbchat.line.tokens import Word
from nbchat.line.tokens import words as read_words
from nbchat.options import closest
from nbchat.reply import Reply
from nbchat.session import Session

FAMILIES = (
    "general",
    "threads",
    "turns",
    "answers",
    "files",
    "usage",
    "settings",
    "servers",
    "doctor",
    "failures",
)


@dataclass(frozen=True)
class Context:
    """What a subcommand works on.

    ``failure`` is the last exception of the kernel that was not nbchat's own.
    """

    session: Session
    shell: Any
    failure: BaseException | None = None

    def thread(self, name: str = "") -> Conversation:
        """Return the thread of that name, or the current one.

        Raises:
            UsageError: no thread has the name.
        """
        return self.session.threads.named(name) if name else self.session.thread()

    def idle_thread(self, name: str = "") -> Conversation:
        """Return the thread as `thread` does, to be moved in or taken away.

        Raises:
            UsageError: no thread has the name, or it is answering in the background: the answer
                would come where nobody expects it.
        """
        thread = self.thread(name)
        check_idle(thread)
        return thread


class Words(list[str]):
    """The words behind a subcommand, by the rules of the magic line.

    Attributes:
        read: the same words with their quotes and keys.
        switches: the words that are switches of the subcommand; they are not among the others.

    >>> words = Words('assistant "two words"')
    >>> words, words.text(1)
    (['assistant', 'two words'], 'two words')
    """

    def __init__(self, line: str, cell: str | None = None, switches: Container[str] = ()) -> None:
        every = list(read_words(line))
        found = [(start, word) for start, word in every if word.raw not in switches]
        self.switches = {word.raw for _, word in every if word.raw in switches}
        super().__init__(word.whole for _, word in found)
        self.read: list[Word] = [word for _, word in found]
        self._starts = [start for start, _ in found]
        self._line = line
        self._cell = cell

    def text(self, number: int) -> str:
        """Return what stands from a word on: as it is, or without its quotes if they hold it all.

        A cell's body follows it, on lines of its own.
        """
        last = len(self) - 1
        if number > last:
            said = ""
        elif number == last:
            said = self[number]
        else:
            said = self._line[self._starts[number] :].rstrip()
        return "\n".join(part for part in (said, self._cell) if part)


Run = Callable[[Context, Words], "str | Reply"]
_SWITCH = re.compile(r"\[(--[a-z]+)\]")


@dataclass(frozen=True)
class Command:
    """A subcommand: how it is called, one line on what it does, and its function.

    In ``usage``, small letters stand for themselves and capitals for a value, ``[…]`` may be left
    out, ``|`` separates alternatives and ``...`` repeats. A ``[--switch]`` may stand anywhere. The
    number of words and the place of a ``--flag VALUE`` are checked by it and completion goes by
    it. ``TEXT`` is all the rest of the line and the cell below it.

    The function takes the words behind the name and returns the text to be printed.
    """

    usage: str
    summary: str
    run: Run

    @property
    def name(self) -> str:
        """The first word of the usage."""
        return self.usage.split()[0]

    @property
    def slots(self) -> list[str]:
        """What may stand in each place: ``FILE``, ``user|assistant``, ….

        >>> Command("fork NAME [--at TURN]", "", lambda context, words: "").slots
        ['NAME', '--at', 'TURN']
        """
        places = _SWITCH.sub("", self.usage)
        return re.sub(r"[\[\]]", "", places).split()[1:]

    @property
    def switches(self) -> list[str]:
        """The flags without a value.

        >>> Command("export FILE [THREAD] [--force]", "", lambda context, words: "").switches
        ['--force']
        """
        return _SWITCH.findall(self.usage)

    @property
    def takes_text(self) -> bool:
        """Whether it takes the rest of the line as one text."""
        return self.slots[-1:] == ["TEXT"]

    def check(self, words: Words) -> None:
        """Check the number of words, and that a flag stands where it belongs, with its value.

        Raises:
            UsageError: they are wrong; the text says how it is called.
        """
        needed = re.sub(r"\[.*\]|\.\.\.", "", self.usage).split()[1:]
        endless = self.takes_text or self.slots[-1:] == ["..."]
        # All of a text may stand in the cell.
        least = len(needed) - self.takes_text
        wrong = len(words) < least or (len(words) > len(self.slots) and not endless)
        for place, slot in enumerate(self.slots):
            if slot.startswith("--") and len(words) > place:
                wrong |= words[place] != slot or len(words) == place + 1
        if wrong:
            raise UsageError(f"it is called as %nbchat {self.usage}")


COMMANDS: dict[str, Command] = {}


def command(usage: str, summary: str) -> Callable[[Run], Run]:
    """Register a function as the subcommand that ``usage`` begins with.

    >>> @command("greet NAME", "Say hello.")
    ... def greet(context, words):
    ...     return f"hello {words[0]}"
    >>> COMMANDS.pop("greet").summary
    'Say hello.'
    """

    def register(run: Run) -> Run:
        found = Command(usage, summary, run)
        COMMANDS[found.name] = found
        return run

    return register


def commands() -> Mapping[str, Command]:
    """Return all subcommands by name, in the order of `FAMILIES`."""
    for family in FAMILIES:
        importlib.import_module(f"nbchat.commands.{family}")
    return COMMANDS


def find(name: str) -> Command:
    """Return the subcommand of that name.

    Raises:
        UsageError: there is none; the text names the nearest.
    """
    known = commands()
    if name not in known:
        raise UsageError(
            f"%nbchat has no {name!r}{closest(name, known)}\n%nbchat help lists what it has."
        )
    return known[name]


def execute(line: str, context: Context, cell: str | None = None) -> str | Reply:
    """Run ``%nbchat LINE``, with the cell's body if there is one.

    Return the text to be printed, or the reply that ``last`` gives.

    Raises:
        UsageError: there is no such subcommand, or its words are wrong.
    """
    name, *rest = line.split(maxsplit=1) or ["status"]
    found = find("help" if name in ("-h", "--help") else name)
    if cell is not None and cell.strip() and not found.takes_text:
        raise UsageError(f"%nbchat {name} takes no text in the cell: write it with one %")
    words = Words("".join(rest), cell, found.switches)
    found.check(words)
    return found.run(context, words)


def check_idle(thread: Conversation) -> None:
    """Check that no prompt of a thread is on its way.

    Raises:
        UsageError: one is.
    """
    if thread.answering.busy:
        raise UsageError(
            f"the thread {thread.name} is still answering\n"
            "%nbchat jobs shows it, %nbchat stop ends it"
        )


def named(thread: Conversation, turn: Turn) -> str:
    """Return a turn's short id and how it begins, on one line."""
    return f"{thread.short(turn)}  {excerpt(thread.messages(turn))}".rstrip()


def length(thread: Conversation) -> str:
    """Return how many turns a thread's path has; a prompt and its rounds of tools are one."""
    return several(len(begins(thread.path())), "turn")


def several(count: int, what: str) -> str:
    """Return a number with its noun.

    >>> several(1, "turn"), several(0, "turn")
    ('1 turn', '0 turns')
    """
    return f"{count} {what}{'s' * (count != 1)}"


def columns(rows: list[tuple[str, ...]]) -> str:
    """Return rows as text in columns, each as wide as its longest cell.

    >>> print(columns([("a", "bb"), ("ccc", "d")]))
    a    bb
    ccc  d
    """
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    )
