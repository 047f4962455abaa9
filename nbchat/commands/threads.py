"""``%nbchat`` on threads: begin, branch, move, name, look at."""

from __future__ import annotations

import sys

from IPython.display import display

from nbchat.commands import Context, Words, columns, command, length, named, several
from nbchat.commands.page import tree_html
from nbchat.conversation import Conversation, picture
from nbchat.errors import UsageError


@command("threads", "List the threads of this kernel.")
def threads(context: Context, words: Words) -> str:
    """Return a line for each thread, the current one marked, also before it begins."""
    known = context.session.threads
    if not known:
        return f"no threads yet: %%chat begins {known.current}"
    rows: list[tuple[str, ...]] = []
    for name, thread in {**known, known.current: context.session.thread()}.items():
        path = thread.path()
        first = picture.excerpt(thread.messages(path[0])[:1]) if path else ""
        mark = "*" if name == known.current else " "
        rows.append((f"{mark} {name}", length(thread), first))
    return columns(rows)


@command("switch THREAD", "Go on with another thread; a new name begins one.")
def switch(context: Context, words: Words) -> str:
    """Make a thread the current one."""
    known = context.session.threads
    known.switch(words[0])
    if words[0] not in known:
        return f"the thread {words[0]} begins with its first prompt"
    return _where(known[words[0]])


@command(
    "fork NAME [--at TURN]", "Begin a thread with this one's turns, up to TURN if it is named."
)
def fork(context: Context, words: Words) -> str:
    """Branch off a thread of another name."""
    name = words[0]
    known = context.session.threads
    made = known.fork(name, words[2] if len(words) > 2 else "")
    context.session.keep(made)
    turns = length(made)
    return f"the thread {name} begins with {turns} of {known.current}; -t {name} asks there"


@command("new", "Start the thread again; redo returns to where it was.")
def new(context: Context, words: Words) -> str:
    """Let the next prompt begin a path of its own."""
    thread = context.idle_thread()
    thread.new()
    context.session.keep(thread)
    return f"the next prompt begins the thread {thread.name} again; %nbchat redo takes that back"


@command("undo [N]", "Take the last turn, or the last N, off the thread; they stay in the tree.")
def undo(context: Context, words: Words) -> str:
    """Step back on the current path."""
    if words and not words[0].isdecimal():
        raise UsageError(f"undo takes a number of turns, not {words[0]!r}")
    thread = context.idle_thread()
    taken = thread.undo(int(words[0]) if words else 1)
    context.session.keep(thread)
    return f"took {several(len(taken), 'turn')} off: {named(thread, taken[0])}\n{_where(thread)}"


@command("redo", "Take back the last undo or new.")
def redo(context: Context, words: Words) -> str:
    """Return to where undo or new began."""
    thread = context.idle_thread()
    thread.redo()
    context.session.keep(thread)
    return _where(thread)


@command("goto TURN", "Go on after another turn of the tree.")
def goto(context: Context, words: Words) -> str:
    """Make a turn the head of its thread."""
    thread = context.idle_thread()
    thread.goto(words[0])
    context.session.keep(thread)
    return _where(thread)


@command("rename THREAD NAME", "Give a thread another name.")
def rename(context: Context, words: Words) -> str:
    """Rename a thread."""
    thread = context.session.threads.rename(words[0], words[1])
    context.session.keep(thread)
    return f"the thread {words[0]} is {thread.name} now"


@command("delete THREAD", "Take a thread away; undelete brings it back.")
def delete(context: Context, words: Words) -> str:
    """Delete a thread, without a question, for it can be undone."""
    known = context.session.threads
    context.idle_thread(words[0])
    context.session.keep(known.delete(words[0]))
    return (
        f"the thread {words[0]} is deleted; %nbchat undelete {words[0]} brings it back\n"
        f"the current thread is {known.current}"
    )


@command(
    "undelete [NAME]", "Bring back the thread that was deleted last, or the one of that name."
)
def undelete(context: Context, words: Words) -> str:
    """Take back a deletion."""
    thread = context.session.threads.undelete(*words)
    context.session.keep(thread)
    return f"the thread {thread.name} is back with {length(thread)}"


@command("tree [THREAD]", "Draw a thread's branches; ● is what the model sees next.")
def tree(context: Context, words: Words) -> str:
    """Display the picture of a thread."""
    thread = context.thread(*words)
    if not thread.turns:
        return f"the thread {thread.name} has no turns yet"
    text = picture.text(thread, ascii=not _draws())
    display({"text/plain": text, "text/html": tree_html(thread)}, raw=True)
    return ""


def _draws() -> bool:
    """Whether the output can show more than ASCII."""
    try:
        "●├│".encode(sys.stdout.encoding or "utf-8")
    except UnicodeEncodeError:
        return False
    return True


def _where(thread: Conversation) -> str:
    """Say where the next prompt of a thread goes."""
    if thread.head is None:
        return f"the next prompt begins the thread {thread.name}"
    return f"the thread {thread.name} goes on after {length(thread)}: {named(thread, thread.head)}"
