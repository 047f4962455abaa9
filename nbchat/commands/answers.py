"""``%nbchat`` on answers: show them again, pick a choice, background jobs."""

from __future__ import annotations

from dataclasses import replace

from IPython.display import display

from nbchat.commands import Context, Words, command
from nbchat.commands.page import thread_html
from nbchat.conversation import Conversation, Turn
from nbchat.errors import UsageError
from nbchat.exchange.markdown import to_markdown
from nbchat.reply import Reply
from nbchat.view.permanent import bundle, metadata
from nbchat.view.picked import mark


@command("show [THREAD|--last]", "Show a whole thread as it reads, or the last answer again.")
def show(context: Context, words: Words) -> str:
    """Display a thread, or the last reply."""
    if list(words) == ["--last"]:
        reply = _last(context)
        display(bundle(reply), metadata=metadata(reply), raw=True)
        return ""
    thread = context.thread(*words)
    if not thread.path():
        return f"the thread {thread.name} has no turns on its current path"
    text = to_markdown(thread)
    display({"text/plain": text, "text/html": thread_html(thread)}, raw=True)
    return ""


@command("last", "Give the last reply, as a value.")
def last(context: Context, words: Words) -> Reply:
    """Return the last reply."""
    return _last(context)


def _last(context: Context) -> Reply:
    if context.session.last is None:
        raise UsageError("there is no answer yet")
    return context.session.last


@command("pick N [THREAD]", "Go on with choice N of the thread's last answer that has several.")
def pick(context: Context, words: Words) -> str:
    """Choose which of several answers belongs to its thread.

    If no thread is named and the current one has no such answer, it is the newest one of all.
    """
    thread, turn = _with_choices(context, *words[1:])
    count = len(turn.answer.choices)
    if not words[0].isdecimal() or not 1 <= int(words[0]) <= count:
        raise UsageError(f"the answer has the choices 1 to {count}, not {words[0]!r}")
    place = int(words[0]) - 1
    turn.picked = sorted(turn.answer.choices)[place]
    context.session.journal.settle(turn)
    mark(turn.id, place)
    last = context.session.last
    if last is not None and last.turn == turn.id:
        context.session.last = replace(last, picked=place)
    return f"the thread {thread.name} goes on with choice {words[0]}"


def _with_choices(context: Context, name: str = "") -> tuple[Conversation, Turn]:
    """Return the last answer of a thread that has several choices, and the thread.

    Raises:
        UsageError: there is none.
    """
    asked = context.thread(name)
    for threads in ([asked], [] if name else context.session.threads.values()):
        found = [
            (thread, turn)
            for thread in threads
            for turn in thread.path()
            if len(turn.answer.choices) > 1
        ]
        if found:
            return max(found, key=lambda pair: pair[1].created)
    where = f"of the thread {name}" if name else "of any thread"
    raise UsageError(f"no answer {where} has several choices: -n 2 asks for two")


@command("jobs", "List the prompts that were sent to the background with --bg.")
def jobs(context: Context, words: Words) -> str:
    """Return a line for each background job."""
    lines = []
    for job in context.session.jobs.all:
        first = " ".join(job.prompt.split())
        excerpt = first if len(first) <= 50 else first[:49] + "…"
        error = f"  ({str(job.error).splitlines()[0]})" if job.state == "failed" else ""
        row = f"{job.number:>3}  {job.state:<8}{job.seconds:7.1f} s  {job.thread}  {excerpt}"
        lines.append(row + error)
    return "\n".join(lines) or "no background jobs: --bg starts one"


@command("stop [N]", "Stop background job N, or all of them.")
def stop(context: Context, words: Words) -> str:
    """Stop background jobs."""
    if words and not words[0].isdecimal():
        raise UsageError(f"a job has a number, not {words[0]!r}; %nbchat jobs lists them")
    stopped = context.session.jobs.stop(int(words[0]) if words else None)
    if not stopped:
        return "no such job is running"
    return f"stopping {', '.join(f'job {job.number}' for job in stopped)}"
