"""Tools that ran in the notebook: a folded line for each call, live and permanent."""

from __future__ import annotations

import json
from collections.abc import Iterable

from nbchat.messages import ToolFinished, ToolStarted
from nbchat.render import render_markdown
from nbchat.render.html import prose

_SHOWN = 80  # characters of the arguments that the folded line shows


def call_text(run: ToolStarted | ToolFinished) -> str:
    """Return a call on one line, its arguments shortened.

    >>> call_text(ToolStarted("1", "add", '{"a": 1, "b": "two"}'))
    "add(a=1, b='two')"
    """
    try:
        values = json.loads(run.arguments or "{}")
    except ValueError:
        values = None
    words = run.arguments
    if isinstance(values, dict):
        words = ", ".join(f"{name}={value!r}" for name, value in values.items())
    words = " ".join(words.split())
    return f"{run.name}({words if len(words) <= _SHOWN else words[: _SHOWN - 1] + '…'})"


def run_html(run: ToolStarted | ToolFinished) -> str:
    """Return a call as a folded line: what was called, how long it took, what it gave."""
    call = f"<code>{prose(call_text(run))}</code>"
    if isinstance(run, ToolStarted):
        return f'<div class="nbchat-reasoning">{call} runs …</div>\n'
    ended = "failed after" if run.failed else "·"
    return (
        f'<details class="nbchat-reasoning"><summary>{call} {ended} {run.seconds:.1f} s'
        "</summary>\n"
        f'<div style="white-space:pre-wrap">{prose(run.arguments)}\n→ {prose(run.result)}</div>'
        "</details>\n"
    )


def runs_html(runs: Iterable[ToolStarted | ToolFinished]) -> str:
    """Return calls, one below the other."""
    return "".join(map(run_html, runs))


def steps_html(steps: Iterable[str | ToolFinished]) -> str:
    """Return what came before the last answer: the model's words and the tools that ran."""
    return "".join(
        render_markdown(step) if isinstance(step, str) else run_html(step) for step in steps
    )
