"""``%nbchat`` on files and the journal: export, import, restore, forget, prune."""

from __future__ import annotations

import time

from nbchat.commands import Context, Words, check_idle, columns, command, length, several
from nbchat.errors import UsageError
from nbchat.exchange import export, import_file
from nbchat.journal import Past
from nbchat.session.defaults import lent

_LISTED = 20  # kernels of the journal


@command(
    "export FILE [THREAD] [--force]",
    "Write a thread to a .md, .ipynb, .jsonl or .json file; --force overwrites one.",
)
def export_(context: Context, words: Words) -> str:
    """Write a thread to a file; its ending says the form."""
    thread = context.thread(*words[1:])
    path = export(thread, words[0], force="--force" in words.switches)
    return f"wrote the thread {thread.name} ({length(thread)}) to {path}"


@command("import FILE", "Read the threads of a .json or .jsonl file.")
def import_(context: Context, words: Words) -> str:
    """Add the threads of a file to those of the kernel."""
    lines = []
    for thread in import_file(words[0]):
        # A file is somebody's text: it does not decide which server is asked.
        dropped = [name for name in ("provider", "base_url") if thread.options.pop(name, None)]
        for turn in thread.turns:
            turn.imported = True
        lent(thread)  # what else it sets must be right before the thread is added
        context.session.threads.add(thread)
        context.session.keep(thread)
        left = f", without its setting of {' and '.join(dropped)}" if dropped else ""
        lines.append(f"{thread.name}  {length(thread)}{left}")
    return "\n".join(lines) or f"{words[0]} holds no thread"


@command(
    "restore [ID] [--list]",
    "Bring back the threads that this notebook, or kernel ID, had before; --list shows the ids.",
)
def restore(context: Context, words: Words) -> str:
    """Take threads from the journal; without an id, and if there is no telling, list it."""
    session = context.session
    if "--list" in words.switches:
        return _listed(session.journal.past())
    if words:
        ref = words[0]
    else:
        latest = session.journal.latest()
        if latest is None:
            return _listed(session.journal.past())
        ref = latest.id
    here = {thread.id for thread in session.threads.values()}
    lines = []
    for thread in session.journal.restore(ref):
        if thread.id in here:
            lines.append(f"{thread.name}  is here already")
            continue
        if not thread.turns:
            continue  # it was named, or set, but nothing was said on it
        session.threads.add(thread)
        session.keep(thread)
        cut = sum(turn.answer.status == "cut" for turn in thread.path())
        marked = f", {several(cut, 'answer')} cut off" if cut else ""
        lines.append(f"{thread.name}  {length(thread)}{marked}")
    return "\n".join(lines)


@command("forget THREAD", "Really delete a thread, from memory and from the journal.")
def forget(context: Context, words: Words) -> str:
    """Delete a thread, so that nothing brings it back."""
    session = context.session
    threads = session.threads
    name = words[0]
    gone = [thread for thread in threads.deleted if thread.name == name]
    thread = threads[name] if name in threads else gone[-1] if gone else threads.named(name)
    check_idle(thread)
    if name in threads:
        threads.delete(name)
    threads.deleted.remove(thread)
    if session.last is not None and session.last.thread == name:
        session.last = None
    shared = session.journal.forget(thread)
    said = f"the thread {name} is gone; cells and variables keep what they show"
    return (
        f"{said}\nturns that {' and '.join(shared)} share with it stay there" if shared else said
    )


@command("prune DAYS", "Really delete what kernels left in the journal that are silent so long.")
def prune(context: Context, words: Words) -> str:
    """Keep the journal small."""
    if not words[0].isdecimal():
        raise UsageError(f"prune takes a number of days, not {words[0]!r}")
    count = context.session.journal.prune(int(words[0]))
    return f"the journal has forgotten {several(count, 'kernel')}; this one keeps its threads"


def _listed(found: list[Past]) -> str:
    if not found:
        return "the journal has nothing of earlier kernels"
    rows: list[tuple[str, ...]] = [("id", "notebook", "last changed", "threads")]
    for past in found[:_LISTED]:
        when = time.strftime("%Y-%m-%d %H:%M", time.localtime(past.changed))
        named = ", ".join(
            f"{name} ({several(count, 'turn')})" for name, count in past.threads if count
        )
        rows.append((past.id, past.notebook or "(unknown)", when, named))
    return f"{columns(rows)}\n%nbchat restore ID brings one back; some may still run"
