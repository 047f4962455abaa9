"""``%nbchat`` itself: status, help, threads, keys."""

from __future__ import annotations

import getpass
from collections.abc import Sequence

from nbchat.commands import COMMANDS, Context, command, expect
from nbchat.errors import ConfigurationError, NbchatError
from nbchat.options import Options
from nbchat.providers import Secret, key_variable


@command("status", "Show the provider, the model, the key's source and the thread.")
def status(context: Context, words: Sequence[str]) -> str:
    """Return one line for each of: provider, key, thread."""
    expect(words, "status", 0, 0)
    session = context.session
    thread = session.thread()
    count = len(thread.path())
    lines = [f"thread    {thread.name} ({count} turn{'s' * (count != 1)})"]
    try:
        provider = session.provider(Options())
    except NbchatError as error:
        return "\n".join([*lines, f"provider  {error}"])
    where = f" at {provider.base_url}" if provider.base_url else ""
    lines.insert(0, f"provider  {provider.name}{where}, model {provider.model or '(none named)'}")
    lines.insert(1, f"key       {provider.key_source or 'none'}")
    return "\n".join(lines)


@command("help", "List the subcommands.")
def help_(context: Context, words: Sequence[str]) -> str:
    """Return the list of subcommands."""
    expect(words, "help", 0, 0)
    width = max(len(found.usage) for found in COMMANDS.values())
    rows = [f"%nbchat {c.usage:<{width}}  {c.summary}" for c in COMMANDS.values()]
    return "\n".join([*rows, "", "%%chat? and %%respond? show the options of a prompt."])


@command("threads", "List the threads of this kernel.")
def threads(context: Context, words: Sequence[str]) -> str:
    """Return a line for each thread, the current one marked."""
    expect(words, "threads", 0, 0)
    session = context.session
    if not session.threads:
        return "no threads yet: %%chat begins one"
    lines = []
    for name, thread in session.threads.items():
        path = thread.path()
        first = " ".join(path[0].prompt[0].text.split()) if path else ""
        mark = "*" if name == session.threads.current else " "
        excerpt = first if len(first) <= 60 else first[:59] + "…"
        lines.append(
            f"{mark} {name}  {len(path)} turn{'s' * (len(path) != 1)}  {excerpt}".rstrip()
        )
    return "\n".join(lines)


@command(
    "key PROVIDER", "Type a provider's key; it is not shown and stays in this kernel's memory."
)
def key(context: Context, words: Sequence[str]) -> str:
    """Ask for a key with a hidden prompt."""
    expect(words, "key PROVIDER", 1, 1)
    session = context.session
    variable = key_variable(session.settings, words[0])
    try:
        typed = getpass.getpass(f"Key of {words[0]} ({variable}): ")
    except (EOFError, OSError, RuntimeError) as error:
        # ipykernel's StdinNotImplementedError is a RuntimeError.
        raise ConfigurationError(
            f"a key can't be typed here, for there is no input; set {variable} instead"
        ) from error
    if not typed.strip():
        return "nothing was typed; nothing changed"
    session.keys.remember(variable, Secret(typed.strip()))
    return f"the key of {words[0]} is kept in this kernel's memory"
