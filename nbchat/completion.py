"""Tab completion of the magics' options and values, and of the subcommands of ``%nbchat``.

IPython 8.6 and newer ask a matcher, which keeps Python's names out; older ones have a list of
matchers for the arguments of magics, which does the same. Nothing here asks a server, nor imports
much before the first Tab.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from IPython.core import completer as ipython

from nbchat import line as magic_line
from nbchat.errors import UsageError
from nbchat.line.names import COMMAND, ENDPOINTS, NAMES
from nbchat.line.tokens import Partial, last_word, words
from nbchat.options import Option
from nbchat.settings import NbChat

if TYPE_CHECKING:
    from nbchat.messages import Endpoint
    from nbchat.session import Session

__all__ = ["Completions", "Sources", "complete", "install_completion", "remove_completion"]

_IDENTIFIER = "nbchat"
_MAGIC = "|".join(NAMES)
_CALL = re.compile(rf"\s*(?:[^%]*=\s*)?%%?({_MAGIC})\s(.*)", re.S)
_BODY = re.compile(rf"\s*%%(?:{_MAGIC})\b")
_SPECIAL = re.compile(r"([\"'\\ ])")
_MOST_FILES = 500
_PRIORITY = 200  # IPython's own matchers have 100 at most


@dataclass(frozen=True)
class Sources:
    """Where the candidates come from.

    ``session`` is ``None`` as long as nothing was asked; ``names`` are the user's variables.
    """

    settings: NbChat
    session: Session | None
    names: Mapping[str, Any]


@dataclass(frozen=True)
class Completions:
    """What may stand in place of ``fragment``, the unfinished word, in the order to be shown."""

    fragment: str
    words: list[str]


def complete(line: str, sources: Sources, *, first: str = "") -> Completions | None:
    """Return the completions of a line that ends at the cursor; ``None`` if it is none of ours.

    Args:
        line: the line up to the cursor.
        sources: where the candidates come from.
        first: the cell's first line, if ``line`` is not it: the body of a cell is a prompt.

    >>> complete("%chat --temp", Sources(NbChat(), None, {}))
    Completions(fragment='--temp', words=['--temperature'])
    """
    call = _CALL.match(line)
    if call is None or _BODY.match(first):
        return None
    name, rest = call.groups()
    try:
        if name == COMMAND:
            found = _command(rest, sources)
        else:
            found = _option(rest, ENDPOINTS[name], sources)
    except UsageError:  # of a project's file, which the next prompt complains of
        return None
    return found if found is not None and found.words else None


# --- Options --------------------------------------------------------------------------------


def _option(rest: str, endpoint: Endpoint, sources: Sources) -> Completions | None:
    actions = magic_line.actions()
    partial = last_word(rest, actions)
    if partial is None:
        return None
    if partial.action is None:
        return _matching(partial.raw, _flags(actions, endpoint, partial.raw))
    option = getattr(partial.action, "option", None)
    return _value(option, endpoint, partial, sources) if option is not None else None


def _flags(actions: Mapping[str, Any], endpoint: Endpoint, raw: str) -> Iterator[str]:
    """Yield the flags that an endpoint has: the long ones, and the short ones after one hyphen."""
    for flag, action in actions.items():
        option = getattr(action, "option", None)
        if option is not None and (
            option.endpoint not in (None, endpoint) or flag in option.aliases
        ):
            continue
        if flag.startswith("--") or raw == "-":
            yield flag


def _value(
    option: Option, endpoint: Endpoint, partial: Partial, sources: Sources
) -> Completions | None:
    raw = partial.raw
    if raw.startswith("$"):
        return _matching(raw, (f"${name}" for name in _variables(sources)))
    if option.field == "system":
        return _files(raw, 1) if raw.startswith("@") else None
    values = _values(option, sources, endpoint)
    if option.field in ("image", "file", "audio"):
        files = _files(raw)
        return Completions(raw, [*_matching(raw, values).words, *files.words])
    return _matching(raw, values)


def _values(option: Option, sources: Sources, endpoint: Endpoint | None = None) -> Iterable[str]:
    """The values that an option may have, as far as they are known."""
    from nbchat.providers import provider_names

    names = sources.names
    if option.choices:
        others = [value for value, owner in option.only if endpoint not in (None, owner)]
        return [choice for choice in option.choices if choice not in others]
    if option.field == "provider":
        return provider_names(sources.settings)
    if option.field == "model":
        return _models(sources)
    if option.field == "thread":
        return [] if sources.session is None else list(sources.session.threads)
    if option.field == "tool":
        return [name for name in _variables(sources) if callable(names[name])]
    if option.field == "schema":
        return [name for name in _variables(sources) if isinstance(names[name], (type, dict))]
    if option.field in ("image", "file", "audio"):
        return _variables(sources)
    return []


def _variables(sources: Sources) -> list[str]:
    return [name for name in sources.names if not name.startswith("_")]


def _models(sources: Sources) -> list[str]:
    """The models that were heard of, and those that the settings and the presets name."""
    from nbchat.providers import PRESETS

    heard = [] if sources.session is None else sources.session.heard_of()
    entries = [str(entry.get("model", "")) for entry in sources.settings.providers.values()]
    presets = [preset.model for preset in PRESETS.values()]
    found = [*heard, sources.settings.model or "", *entries, *presets]
    return [name for name in dict.fromkeys(found) if name]


# --- Subcommands ----------------------------------------------------------------------------


def _command(rest: str, sources: Sources) -> Completions | None:
    from nbchat.commands import commands

    known = commands()
    found = list(words(rest))
    raw = "" if not found or rest[-1:].isspace() else rest[found[-1][0] :]
    before = [word.whole for _, word in (found if not raw else found[:-1])]
    if not before:
        return _matching(raw, known)
    command = known.get(before[0])
    if command is None or not command.slots:
        return None
    if raw.startswith("-") and command.switches:
        return _matching(raw, command.switches)
    slots = command.slots
    place = sum(word not in command.switches for word in before) - 1
    if slots[-1] == "...":
        slots = slots[:-1]
        place = min(place, len(slots) - 1)
    if place >= len(slots):
        return None
    if slots[place] == "OPTION":
        return _option(rest[found[1][0] :] if len(found) > 1 else "", "chat", sources)
    if slots[place] == "NAME=VALUE":
        return _setting(raw, sources)
    if slots[place] == "FILE":
        return _files(raw)
    return _matching(raw, _arguments(slots[place], sources, known))


def _arguments(slot: str, sources: Sources, known: Iterable[str]) -> Iterator[str]:
    """Yield what may stand in a place of a command's usage."""
    from nbchat.providers import provider_names

    session = sources.session
    for kind in slot.split("|"):
        if kind == "COMMAND":
            yield from known
        elif kind == "PROVIDER":
            yield from provider_names(sources.settings)
        elif kind == "THREAD" and session is not None:
            yield from session.threads
        elif kind == "TURN" and session is not None:
            thread = session.thread()
            yield from (thread.short(turn) for turn in reversed(thread.turns))
        elif not kind.isupper():
            yield kind


def _setting(raw: str, sources: Sources) -> Completions | None:
    from nbchat.session.defaults import settable

    known = settable()
    name, equals, value = raw.partition("=")
    if not equals:
        return _matching(raw, (f"{option.field}=" for option in known.values()))
    option = known.get(name)
    if option is None:
        return None
    if option.kind == "flag":
        return _matching(value, ["true", "false"])
    return _matching(value, _values(option, sources))


# --- Words ----------------------------------------------------------------------------------


def _matching(raw: str, candidates: Iterable[str]) -> Completions:
    """Keep the candidates that begin as the word does, within the quote that it may open."""
    quote = raw[:1] if raw[:1] in ("'", '"') else ""
    typed = raw[len(quote) :]
    found = [name for name in dict.fromkeys(candidates) if name.startswith(typed)]
    return Completions(raw, [quote + name for name in found])


def _files(raw: str, skip: int = 0) -> Completions:
    """Complete a path that begins ``skip`` characters into the word; a folder ends in a slash."""
    quote = raw[:1] if raw[:1] in ("'", '"') else ""
    lead = len(quote) or skip
    folder, slash, typed = raw[lead:].rpartition("/")
    begin = typed if quote else re.sub(r"\\([\"'\\ ])", r"\1", typed)
    place = folder if quote else re.sub(r"\\([\"'\\ ])", r"\1", folder)
    names = []
    try:
        with os.scandir(os.path.expanduser(place + slash) or ".") as entries:
            for entry in entries:
                if entry.name.startswith(begin) and (begin or not entry.name.startswith(".")):
                    names.append(entry.name + "/" * entry.is_dir())
                if len(names) == _MOST_FILES:
                    break
    except OSError:  # no such folder
        return Completions(raw, [])
    head = raw[:lead] + folder + slash
    written = names if quote else [_SPECIAL.sub(r"\\\1", name) for name in names]
    return Completions(raw, [head + name for name in sorted(written)])


# --- IPython --------------------------------------------------------------------------------


def install_completion(
    shell: Any, settings: NbChat, get_session: Callable[[], Session | None]
) -> None:
    """Complete the magics in an IPython shell; twice does no harm."""
    remove_completion(shell)

    def sources() -> Sources:
        return Sources(settings, get_session(), shell.user_ns)

    if hasattr(ipython, "context_matcher"):
        shell.Completer.custom_matchers.append(_matcher(sources))
    else:
        shell.Completer.magic_arg_matchers.append(_old_matcher(sources, shell.Completer))


def remove_completion(shell: Any) -> None:
    """Take the completion out again; does nothing if it is not there."""
    completer = shell.Completer
    old = getattr(completer, "magic_arg_matchers", [])
    for matchers in (completer.custom_matchers, old):
        matchers[:] = [m for m in matchers if getattr(m, "matcher_identifier", "") != _IDENTIFIER]


def _matcher(sources: Callable[[], Sources]) -> Any:
    """The matcher for IPython 8.6 and newer."""

    @ipython.context_matcher(identifier=_IDENTIFIER, priority=_PRIORITY)  # type: ignore[untyped-decorator]
    def match(context: Any) -> dict[str, Any]:
        lines = context.full_text.split("\n")
        row = context.cursor_line
        line = lines[row][: context.cursor_position] if row < len(lines) else ""
        found = complete(line, sources(), first=lines[0] if row else "")
        if found is None:
            return {"completions": [], "suppress": False}
        return {
            "completions": [ipython.SimpleCompletion(text=word) for word in found.words],
            "matched_fragment": found.fragment,
            "ordered": True,
            "suppress": True,
        }

    return match


def _old_matcher(sources: Callable[[], Sources], completer: Any) -> Callable[[str], list[str]]:
    """The matcher for older IPython, which replaces the word that its splitter finds."""

    def match(line: str) -> list[str]:
        line = completer.text_until_cursor
        found = complete(line, sources())
        if found is None:
            return []
        word = completer.splitter.split_line(line)
        cut = len(found.fragment) - len(word)
        head = found.fragment[: max(cut, 0)]
        # IPython's word may begin earlier than ours: ``name=`` is one to us.
        lead = word[: max(-cut, 0)]
        return [lead + one[len(head) :] for one in found.words if one.startswith(head)]

    match.matcher_identifier = _IDENTIFIER  # type: ignore[attr-defined]
    return match
