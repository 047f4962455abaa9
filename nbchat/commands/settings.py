"""``%nbchat`` on settings: each with its value and where it came from; those of a thread."""

from __future__ import annotations

import json
from typing import Any

from nbchat import line as magic_line
from nbchat.commands import Context, Words, columns, command
from nbchat.errors import UsageError
from nbchat.line.tokens import Word
from nbchat.line.values import json_value, resolve
from nbchat.options import Option, Options, closest
from nbchat.session.defaults import lent, plain, settable
from nbchat.settings import NbChat, Value, lookup

_SWITCHES = {"true": True, "on": True, "false": False, "off": False}


@command("config [OPTION ...]", "Show each setting, its value and where it came from.")
def config(context: Context, words: Words) -> str:
    """Return the settings that hold for a prompt of this thread, with the options given."""
    session = context.session
    thread = session.thread()
    names = (context.shell.user_ns,)
    line, rest = magic_line.parse(words.text(0), None, "chat", namespaces=names)
    if rest.strip():
        raise UsageError("config takes the options of a prompt, but no prompt")
    of_thread = lent(thread)
    rows: list[tuple[str, ...]] = [("setting", "value", "from")]
    options = [option.field for option in settable().values()]
    for name in dict.fromkeys([*NbChat.class_own_traits(config=True), *options]):
        found = _found(session.settings, name, line, of_thread)
        if found is not None:
            rows.append((name, _shown(found.value), found.detail or found.source))
    return (
        f"{columns(rows)}\n\nWhat is not listed is left to the provider. Change a value with "
        f"%config NbChat.NAME = VALUE,\nor with %nbchat set NAME=VALUE for the thread "
        f"{thread.name} alone."
    )


@command("set [NAME=VALUE ...]", "Set options for all prompts of the thread; NAME= clears one.")
def set_(context: Context, words: Words) -> str:
    """Change, or list, the options that a thread lends to its prompts."""
    session = context.session
    thread = session.thread()
    changed = dict(thread.options)
    for word in words.read:
        _change(changed, word, context.shell.user_ns)
    Options.of(**changed)
    if words:
        thread.options = changed
        session.keep(thread)
    if not thread.options:
        return f"the thread {thread.name} sets nothing: %nbchat set temperature=0 would"
    rows: list[tuple[str, ...]] = [(name, _shown(value)) for name, value in thread.options.items()]
    return f"for all prompts of the thread {thread.name}:\n{columns(rows)}"


def _change(options: dict[str, Any], word: Word, names: dict[str, Any]) -> None:
    """Change one option as ``NAME=VALUE`` says; ``set.PATH=`` and ``metadata.KEY=`` are merged."""
    if word.key is None:
        raise UsageError(f"set takes NAME=VALUE, not {word.text!r}")
    name, _, path = word.key.partition(".")
    option = _option(name)
    if not word.text and not word.quote:
        earlier = options.pop(option.field, None)
        left = {key: kept for key, kept in (earlier or {}).items() if key != path} if path else {}
        if left:
            options[option.field] = left
        return
    if option.kind in ("pairs", "fields") and not path:
        raise UsageError(f"set takes {name}.KEY=VALUE, not {word.key}=")
    if path and option.kind not in ("pairs", "fields"):
        raise UsageError(f"{name} has no parts: set takes {name}=VALUE")
    value = _value(option, word, names)
    if path:
        value = {**options.get(option.field, {}), path: value}
    options[option.field] = plain(option, value)


def _option(name: str) -> Option:
    known = settable()
    found = known.get(name.replace("-", "_"))
    if found is not None:
        return found
    if name in ("system", "instructions"):
        raise UsageError("the system message stays with its thread anyway: -s TEXT sets it")
    if name in NbChat.class_own_traits(config=True):
        raise UsageError(f"{name} is a setting of the kernel: %config NbChat.{name} = VALUE")
    raise UsageError(
        f"a thread has no setting {name!r}{closest(name, known)}\n"
        f"It has {', '.join(dict.fromkeys(option.field for option in known.values()))}."
    )


def _value(option: Option, word: Word, names: dict[str, Any]) -> object:
    value, from_variable = resolve(word, f"set {option.field}", (names,))
    if from_variable:
        return value
    if option.kind == "flag":
        if word.text.lower() not in _SWITCHES:
            raise UsageError(f"set {option.field}= takes true or false, not {word.text!r}")
        return _SWITCHES[word.text.lower()]
    if option.kind == "fields" or (option.kind == "texts" and word.text.startswith("[")):
        return json_value(word, f"set {option.field}")
    return value


def _found(settings: NbChat, name: str, line: Options, thread: Options) -> Value | None:
    """Where a setting's value comes from; ``None`` if nobody gives it one."""
    for options, source in ((line, "line"), (thread, "thread (%nbchat set)")):
        if hasattr(options, name) and options.is_set(name):
            return Value(getattr(options, name), source)
    if name in NbChat.class_own_traits(config=True):
        return lookup(settings, name)
    return None


def _shown(value: object) -> str:
    if value is None or value == {}:
        return "(unset)"
    if isinstance(value, (str, bool, int, float)):
        return str(value)
    return json.dumps(value, ensure_ascii=False, default=str)
