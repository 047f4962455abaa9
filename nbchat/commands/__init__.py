"""The subcommands of ``%nbchat``: a file for each family, found by registration."""

from __future__ import annotations

import importlib
import shlex
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from nbchat.errors import UsageError
from nbchat.session import Session
from nbchat.settings import did_you_mean

FAMILIES = ("general", "answers")


@dataclass(frozen=True)
class Context:
    """What a subcommand works on."""

    session: Session
    shell: Any


Run = Callable[[Context, Sequence[str]], str]


@dataclass(frozen=True)
class Command:
    """A subcommand: its name, how it is called, one line on what it does, and its function.

    The function takes the words behind the name and returns the text to be printed.
    """

    name: str
    usage: str
    summary: str
    run: Run


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
        name = usage.split()[0]
        COMMANDS[name] = Command(name, usage, summary, run)
        return run

    return register


def execute(line: str, context: Context) -> str:
    """Run ``%nbchat LINE`` and return the text to be printed.

    Raises:
        UsageError: there is no such subcommand, or its words are wrong.
    """
    for family in FAMILIES:
        importlib.import_module(f"nbchat.commands.{family}")
    try:
        words = shlex.split(line)
    except ValueError as error:
        raise UsageError(f"%nbchat {line}: {error}") from None
    name, rest = (words[0], words[1:]) if words else ("status", [])
    found = COMMANDS.get(name)
    if found is None:
        raise UsageError(
            f"%nbchat has no {name!r}{did_you_mean(name, COMMANDS)}\n"
            "%nbchat help lists what it has."
        )
    return found.run(context, rest)


def expect(words: Sequence[str], usage: str, least: int, most: int) -> None:
    """Check the number of words behind a subcommand.

    Raises:
        UsageError: there are too few or too many; the text says how it is called.
    """
    if not least <= len(words) <= most:
        raise UsageError(f"it is called as %nbchat {usage}")
