"""The magic line: from its text to `Options` and the prompt.

One tokenizer (`nbchat.line.tokens`), argparse behind it, and the table of options behind that.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from functools import cache
from typing import TYPE_CHECKING, Any, NoReturn

from nbchat.errors import UsageError
from nbchat.line.help import help_text
from nbchat.line.question import install_question_mark, remove_question_mark
from nbchat.line.tokens import Word, split
from nbchat.line.values import json_value, read_file, resolve
from nbchat.line.verbatim import install_verbatim, remove_verbatim
from nbchat.options import TABLE, Option, Options, check, lacks, read

if TYPE_CHECKING:
    from nbchat.messages import Endpoint
    from nbchat.prompt import Namespaces


__all__ = [
    "HelpRequested",
    "actions",
    "help_text",
    "install_question_mark",
    "install_verbatim",
    "parse",
    "remove_question_mark",
    "remove_verbatim",
]


class HelpRequested(Exception):
    """``--help`` stands on the line; the exception's text is the help page."""


def parse(
    line: str, cell: str | None, endpoint: Endpoint, *, namespaces: Namespaces = ()
) -> tuple[Options, str]:
    r"""Return the options and the prompt of a magic.

    Args:
        line: what follows the magic's name.
        cell: the cell's body, ``None`` for the line form.
        endpoint: whose magic it is.
        namespaces: where ``$name`` is looked up: the caller's locals, then the user's namespace.

    In the line form the prompt is the rest of the line from the first word that is no option,
    untouched. In the cell form it is the body, untouched; text that stands on the magic's line
    comes before it as a line of its own, or alone where the body is blank.

    Raises:
        UsageError: see `nbchat.line.tokens`, and values that are undefined or out of range.
        HelpRequested: for ``-h`` and ``--help``.

    >>> options, prompt = parse('-m gpt-5.1 -s "be brief" what\'s 1+1?', None, "chat")
    >>> options.model, options.system, prompt
    ('gpt-5.1', 'be brief', "what's 1+1?")
    """
    parser = _parser()
    given, rest = split(line, parser.actions, _HINTS)
    values = argparse.Namespace(endpoint=endpoint, namespaces=namespaces, fields={}, flags={})
    for one in given:
        one.action(parser, values, one.word, one.flag)  # type: ignore[arg-type]
    options = Options(**values.fields)
    check(options, endpoint)
    if cell is None:
        return options, rest
    if not rest.strip():
        return options, cell
    return options, f"{rest}\n{cell}" if cell.strip() else rest


def actions() -> Mapping[str, argparse.Action]:
    """Return the action of each flag; that of an `Option` has it as its ``option``."""
    return _parser().actions


class _Parser(argparse.ArgumentParser):
    """Holds the actions; the tokenizer feeds them one by one."""

    def __init__(self) -> None:
        super().__init__(prog="chat", add_help=False, allow_abbrev=False)
        self.actions: dict[str, argparse.Action] = {}

    def add(self, *flags: str, **settings: Any) -> None:
        """Add an option and remember its action by its flags."""
        action = self.add_argument(*flags, **settings)
        self.actions.update(dict.fromkeys(action.option_strings, action))

    def error(self, message: str) -> NoReturn:
        """Report in nbchat's own way; argparse would end the process."""
        raise UsageError(message)


class _Take(argparse.Action):
    """Reads the value of one row of the table and keeps it for `Options`."""

    def __init__(
        self, option_strings: Sequence[str], dest: str, *, option: Option, **settings: Any
    ) -> None:
        optional = None if option.const is None else "?"
        super().__init__(
            option_strings,
            dest,
            nargs=0 if option.kind == "flag" else optional,
            metavar=option.metavar,
            **settings,
        )
        self.option = option
        self.kind = option.kind

    def __call__(
        self,
        parser: argparse.ArgumentParser,
        namespace: argparse.Namespace,
        values: Any,
        option_string: str | None = None,
    ) -> None:
        option, flag = self.option, option_string or self.option.flag
        if option.endpoint not in (None, namespace.endpoint):
            raise lacks(option, namespace.endpoint)
        value = self._value(values, flag, namespace.namespaces)
        if value is None:  # a variable that holds None: the provider's default
            return
        earlier = namespace.fields.get(option.field)
        if option.kind == "flag" and earlier not in (None, value):
            raise UsageError(f"{namespace.flags[option.field]} and {flag} exclude each other")
        if option.kind in ("texts", "objects"):
            value = (*(earlier or ()), *read(option, value))
        elif option.kind in ("pairs", "fields"):
            value = {**(earlier or {}), **read(option, value)}
        namespace.fields[option.field] = read(option, value)
        namespace.flags[option.field] = flag

    def _value(self, word: Word | None, flag: str, namespaces: Namespaces) -> object:
        option = self.option
        if word is None:
            return True if option.const is None else option.const
        value, from_variable = resolve(word, flag, namespaces)
        if option.kind in ("pairs", "fields"):
            return self._pair(word, flag, value, from_variable)
        if option.field == "system" and not from_variable and word.text.startswith("@"):
            # @@ is how a text begins with one.
            return word.text[1:] if word.text[1:2] == "@" else read_file(word.text[1:], flag)
        return value

    def _pair(self, word: Word, flag: str, value: object, from_variable: bool) -> object:
        if word.key is None:
            if from_variable:
                return value
            raise UsageError(f"{flag} takes {self.option.metavar}, not {word.text!r}")
        if self.option.kind == "fields" and not from_variable:
            value = json_value(word, flag)
        return {word.key: value}


class _Help(argparse.Action):
    """``--help``."""

    def __call__(
        self,
        parser: argparse.ArgumentParser,
        namespace: argparse.Namespace,
        values: Any,
        option_string: str | None = None,
    ) -> None:
        raise HelpRequested(help_text(namespace.endpoint))


@cache
def _parser() -> _Parser:
    parser = _Parser()
    parser.add("-h", "--help", action=_Help, nargs=0)
    for option in TABLE:
        parser.add(*option.flags, *option.aliases, action=_Take, option=option, dest=option.field)
    return parser


# Fields of the two APIs that have no option of their own, and what people look for in vain.
_HINTS = {
    f"--{name.replace('_', '-')}": f"use --set {name}=JSON"
    for name in (
        "background",
        "context_management",
        "conversation",
        "logit_bias",
        "max_tool_calls",
        "modalities",
        "moderation",
        "prediction",
        "prompt_cache_options",
        "prompt_cache_retention",
        "reasoning",
        "response_format",
        "stream_options",
        "text",
        "web_search_options",
    )
} | {
    "--api-key": "a key is never on the line; see %nbchat key",
    "--key": "a key is never on the line; see %nbchat key",
    "--stream": "answers stream unless --no-stream is given",
    "--parallel-tool-calls": "tool calls are parallel unless --no-parallel-tools is given",
}
