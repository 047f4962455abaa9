"""``%nbchat`` itself: the status screen, and help."""

from __future__ import annotations

from nbchat.commands import Context, Words, columns, command, commands, find, several
from nbchat.conversation import begins
from nbchat.errors import NbchatError
from nbchat.pricing import cost_text, total
from nbchat.session import Session


@command("status", "Show provider, key source, model, thread, tokens, cost and journal.")
def status(context: Context, words: Words) -> str:
    """Return one screen; the key itself is never on it."""
    session = context.session
    thread = session.thread()
    rows: list[tuple[str, ...]] = []
    try:
        provider = session.provider(session.defaults())
    except NbchatError as error:
        first, *others = str(error).splitlines()
        rows += [("provider", first), *(("", line) for line in others)]
    else:
        where = f" at {provider.base_url}" if provider.base_url else ""
        rows += [
            ("provider", f"{provider.name}{where}"),
            ("key", provider.key_source or "none"),
            ("model", provider.model or "(none named: the server's only one)"),
        ]
    turns, all_turns = len(begins(thread.path())), len(begins(thread.turns))
    aside = f", {all_turns - turns} set aside" if all_turns > turns else ""
    rows.append(("thread", f"{thread.name}: {several(turns, 'turn')}{aside}"))
    if len(session.threads) > 1:
        others_ = [name for name in session.threads if name != thread.name]
        rows.append(("", f"others: {', '.join(others_)}"))
    if thread.options:
        rows.append(("set", ", ".join(f"{k}={v}" for k, v in thread.options.items())))
    used = total(session.threads.values())
    rows.append(("tokens", f"{used.input} in ({used.cached} cached), {used.output} out"))
    rows.append(("cost", cost_text(used) if used.turns else "nothing yet"))
    rows.append(("journal", _journal(session)))
    return columns(rows)


@command("help [COMMAND]", "List the subcommands, or say what one does.")
def help_(context: Context, words: Words) -> str:
    """Return the list of subcommands."""
    if words:
        found = find(words[0])
        return f"%nbchat {found.usage}\n{found.summary}"
    table = columns([(f"%nbchat {found.usage}", found.summary) for found in commands().values()])
    return f"{table}\n\n%%chat? and %%respond? show the options of a prompt."


def _journal(session: Session) -> str:
    journal = session.journal
    if journal.broken:
        return f"not kept: {journal.broken}"
    return journal.path or "off: the threads are in memory alone"
