"""The one tokenizer of the magic line.

It reads options from the left and stops at the first word that is none; what follows is the
prompt, and is not looked at. What it needs to know of an option (whether it takes a value) it asks
the argparse actions.

- A word is an option if it begins with one or two hyphens and a letter: ``-5``, ``->`` and ``-``
  begin a prompt. ``--`` ends the options; the prompt begins after the one blank behind it.
- A value stands after a blank or ``=``. It is taken to the next blank, or to the closing quote if
  it begins with one. A quote within a word is a character like others.
- A backslash escapes a quote, a backslash or a blank, and is otherwise itself.
- ``{{ … }}`` runs to its closing braces as in a prompt (`nbchat.prompt.field`), and a ``--set``
  value that begins with ``{`` or ``[`` to its balanced end.

`words` reads the line of a command, which has no prompt, by the same rules.
"""

from __future__ import annotations

import argparse
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from nbchat.errors import UsageError
from nbchat.options import closest

__all__ = ["Given", "Partial", "Word", "last_word", "split", "words"]


@dataclass(frozen=True)
class Word:
    """A value as it stands on the line.

    Attributes:
        text: without its quotes and escapes.
        raw: as it was written.
        quote: the quote around it, ``""`` if it has none.
        key: what stands before the ``=`` of a pair, ``None`` if it is no pair.
    """

    text: str
    raw: str
    quote: str = ""
    key: str | None = None

    @property
    def whole(self) -> str:
        """The text, with its key if it is a pair."""
        return self.text if self.key is None else f"{self.key}={self.text}"


@dataclass(frozen=True)
class Given:
    """One option: its action, the flag as it was written, and its value if it has one."""

    action: argparse.Action
    flag: str
    word: Word | None


def split(
    line: str, actions: Mapping[str, argparse.Action], hints: Mapping[str, str]
) -> tuple[list[Given], str]:
    """Return the options of a line and the rest of it.

    Args:
        line: what follows the magic's name.
        actions: the action of each flag.
        hints: for flags that do not exist, what to write instead.

    Raises:
        UsageError: an unknown option, a missing value, or an unclosed quote or bracket.
    """
    scanner = _Scanner(line, actions, hints)
    given = list(scanner.options())
    return given, line[scanner.at :]


def words(line: str) -> Iterator[tuple[int, Word]]:
    r"""Yield the words of a line, and where each begins.

    ``name=value`` is a pair, its value quoted or not. Nothing is an error: a quote that is not
    closed before a blank is a character like others.

    >>> [word.whole for _, word in words('say "two words" what\'s name="a b"')]
    ['say', 'two words', "what's", 'name=a b']
    """
    scanner = _Scanner(line, {}, {})
    while True:
        scanner.skip_blanks()
        if scanner.at == len(line):
            return
        start = scanner.at
        yield start, scanner.word()


@dataclass(frozen=True)
class Partial:
    """The unfinished word at the end of a line.

    Attributes:
        action: the option whose value it is, ``None`` if it is, or could become, an option.
        raw: the word as far as it is written.
    """

    action: argparse.Action | None
    raw: str


def last_word(line: str, actions: Mapping[str, argparse.Action]) -> Partial | None:
    """Return the word that a line breaks off in; ``None`` where no option can stand.

    For completion: it raises nothing, whatever the line is.
    """
    scanner = _Scanner(line, actions, {})
    while True:
        scanner.skip_blanks()
        word = scanner.bare_word()
        if scanner.at + len(word) == len(line) and "=" not in word:
            return Partial(None, word) if word[:1] in ("", "-") else None
        action = actions.get(word.partition("=")[0])
        if action is None or (action.nargs == 0 and "=" in word):
            return None
        start = scanner.value_start(word, action)
        if start is None:
            continue
        try:
            scanner.value(action, word)
        except UsageError:  # a quote or a bracket is open
            return Partial(action, line[start:])
        if scanner.at == len(line):
            return Partial(action, line[start:])


class _Scanner:
    def __init__(
        self, line: str, actions: Mapping[str, argparse.Action], hints: Mapping[str, str]
    ) -> None:
        self.line = line
        self.at = 0
        self.actions = actions
        self.hints = hints

    def options(self) -> Iterator[Given]:
        """Yield the options; afterwards `at` is where the prompt begins."""
        while True:
            self.skip_blanks()
            word = self.bare_word()
            if word == "--":
                self.at += len(word)
                self.at += self.line[self.at : self.at + 1].isspace()
                return
            if not _is_option(word):
                return
            yield self._option(word)

    def _option(self, word: str) -> Given:
        flag, equals, _ = word.partition("=")
        action = self.actions.get(flag)
        if action is None:
            raise self._unknown(flag)
        self.at += len(flag) + len(equals)
        if action.nargs == 0:
            if equals:
                raise UsageError(f"{flag} takes no value")
            return Given(action, flag, None)
        if not equals:
            if action.nargs == "?":
                return Given(action, flag, None)
            self.skip_blanks()
            if self.at == len(self.line) or _is_option(self.bare_word()):
                raise UsageError(f"{flag} needs a value: {flag} {action.metavar}")
        return Given(action, flag, self.value(action, flag))

    def value_start(self, word: str, action: argparse.Action) -> int | None:
        """Move behind an option and return where its value begins, ``None`` if it has none."""
        flag, equals, _ = word.partition("=")
        self.at += len(flag) + len(equals)
        if action.nargs == 0 or (action.nargs == "?" and not equals):
            return None
        if not equals:
            self.skip_blanks()
        return self.at

    def word(self) -> Word:
        """Read one word of a command's line."""
        start = self.at
        pair = _PAIR.match(self.line, start)
        key = pair[1] if pair else None
        value = self.at = pair.end() if pair else start
        quote = self._peek()
        if quote and quote in "\"'":
            self.at += 1
            text = self._until(lambda character: character == quote)
            self.at += 1
            if self.at <= len(self.line) and not self._peek().strip():
                return Word(text, self.line[start : self.at], quote, key)
            self.at = value
        text = self._until(str.isspace)
        return Word(text, self.line[start : self.at], "", key)

    def _unknown(self, flag: str) -> UsageError:
        if flag in self.hints:
            return UsageError(f"no option {flag}: {self.hints[flag]}")
        # What is less near may well be the first word of a prompt.
        near = closest(flag.replace("_", "-"), self.actions, cutoff=0.75)
        return UsageError(
            f"no option {flag[:40]}{near}; write -- before a prompt that begins with a hyphen"
        )

    def value(self, action: argparse.Action, flag: str) -> Word:
        start = self.at
        kind = getattr(action, "kind", "text")
        key = None
        if kind in ("pairs", "fields") and self._peek() not in "\"'":
            word = self.bare_word()
            if "=" in word and not word.startswith(("$", "{")):
                key = word.partition("=")[0]
                self.at += len(key) + 1
        quote = self._peek()
        if quote and quote in "\"'":
            raw, text = self._quoted(flag)
        else:
            quote = ""
            raw, text = self._unquoted(flag, structured=kind == "fields" and key is not None)
        if self.at < len(self.line) and not self.line[self.at].isspace():
            way_out = "; a quote within quotes is written with a backslash" if quote else ""
            raise UsageError(
                f"{flag}: a blank is missing after {_tail(self.line[start : self.at])}{way_out}"
            )
        if key is None and quote and kind in ("pairs", "fields") and "=" in text:
            key, _, text = text.partition("=")
            return Word(text, text, quote, key)
        return Word(text, raw, quote, key)

    def _quoted(self, flag: str) -> tuple[str, str]:
        start = self.at
        quote = self.line[start]
        self.at += 1
        text = self._until(lambda character: character == quote)
        if self._peek() != quote:
            raise UsageError(f"{flag}: the quote {quote} is not closed")
        self.at += 1
        return self.line[start : self.at], text

    def _unquoted(self, flag: str, *, structured: bool) -> tuple[str, str]:
        start = self.at
        if self.line.startswith("{{", start):
            self.at = _field_end(self.line, start, flag)
        elif structured and self._peek() in ("{", "["):
            self.at = _balanced(self.line, start)
            if self.at == -1:
                raise UsageError(f"{flag}: the bracket {self.line[start]} is not closed")
        else:
            text = self._until(str.isspace)
            return self.line[start : self.at], text
        raw = self.line[start : self.at]
        return raw, raw

    def _until(self, ends: Callable[[str], bool]) -> str:
        """Read to where ``ends`` holds, undoing escapes."""
        characters = []
        line, at = self.line, self.at
        while at < len(line) and not ends(line[at]):
            if line[at] == "\\" and line[at + 1 : at + 2] in _ESCAPED:
                at += 1
            characters.append(line[at])
            at += 1
        self.at = at
        return "".join(characters)

    def skip_blanks(self) -> None:
        while self._peek().isspace():
            self.at += 1

    def _peek(self) -> str:
        return self.line[self.at : self.at + 1]

    def bare_word(self) -> str:
        """Return the characters up to the next blank, without moving."""
        end = self.at
        while end < len(self.line) and not self.line[end].isspace():
            end += 1
        return self.line[self.at : end]


_ESCAPED = frozenset("\"'\\ ")
_PAIR = re.compile(r"([^\W\d][\w.-]*)=")


def _is_option(word: str) -> bool:
    return word[:1] == "-" and word.lstrip("-")[:1].isalpha() and not word.startswith("---")


def _field_end(line: str, start: int, flag: str) -> int:
    """Return where the ``{{ expr }}`` that begins at ``start`` ends."""
    from nbchat.prompt.field import read_field  # loading nbchat does not wait for it

    try:
        return read_field(line, start + 2).end
    except UsageError as error:
        raise UsageError(f"{flag}: {error}") from error


def _balanced(line: str, start: int) -> int:
    """Return where the bracket at ``start`` and its JSON value end, -1 if they do not."""
    depth = 0
    quoted = escaped = False
    for at in range(start, len(line)):
        character = line[at]
        if escaped:
            escaped = False
        elif quoted:
            escaped = character == "\\"
            quoted = character != '"'
        elif character == '"':
            quoted = True
        elif character in "[{":
            depth += 1
        elif character in "]}":
            depth -= 1
            if depth == 0:
                return at + 1
    return -1


def _tail(text: str) -> str:
    return text if len(text) <= 40 else f"…{text[-39:]}"
