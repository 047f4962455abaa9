"""``%nbchat`` on answers: show one again, pick a choice, background jobs."""

from __future__ import annotations

from collections.abc import Sequence

from IPython.display import display

from nbchat.commands import Context, command, expect
from nbchat.errors import UsageError


@command("show --last", "Show the last answer again.")
def show(context: Context, words: Sequence[str]) -> str:
    """Display the last reply."""
    if list(words) != ["--last"]:
        raise UsageError("it is called as %nbchat show --last")
    reply = context.session.last
    if reply is None:
        raise UsageError("there is no answer yet")
    display(reply)
    return ""


@command("pick N", "Go on with choice N of the thread's last answer that has several.")
def pick(context: Context, words: Sequence[str]) -> str:
    """Choose which of several answers belongs to the thread."""
    expect(words, "pick N", 1, 1)
    thread = context.session.thread()
    for turn in reversed(thread.path()):
        count = len(turn.answer.choices)
        if count < 2:
            continue
        if not words[0].isdecimal() or not 1 <= int(words[0]) <= count:
            raise UsageError(f"the answer has the choices 1 to {count}, not {words[0]!r}")
        turn.picked = sorted(turn.answer.choices)[int(words[0]) - 1]
        return f"the thread {thread.name} goes on with choice {words[0]}"
    raise UsageError(f"no answer of the thread {thread.name} has several choices")


@command("jobs", "List the prompts that were sent to the background with --bg.")
def jobs(context: Context, words: Sequence[str]) -> str:
    """Return a line for each background job."""
    expect(words, "jobs", 0, 0)
    lines = []
    for job in context.session.jobs.all:
        first = " ".join(job.prompt.split())
        excerpt = first if len(first) <= 50 else first[:49] + "…"
        error = f"  ({str(job.error).splitlines()[0]})" if job.state == "failed" else ""
        row = f"{job.number:>3}  {job.state:<8}{job.seconds:7.1f} s  {job.thread}  {excerpt}"
        lines.append(row + error)
    return "\n".join(lines) or "no background jobs: --bg starts one"


@command("stop [N]", "Stop background job N, or all of them.")
def stop(context: Context, words: Sequence[str]) -> str:
    """Stop background jobs."""
    expect(words, "stop [N]", 0, 1)
    if words and not words[0].isdecimal():
        raise UsageError(f"a job has a number, not {words[0]!r}; %nbchat jobs lists them")
    stopped = context.session.jobs.stop(int(words[0]) if words else None)
    if not stopped:
        return "no such job is running"
    return f"stopping {', '.join(f'job {job.number}' for job in stopped)}"
