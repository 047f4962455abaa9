"""Tools that ran in the notebook: a folded line for each call, live and permanent."""

from __future__ import annotations

import json
from collections.abc import Iterable

from nbchat.messages import HostedTool, ToolFinished, ToolStarted
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


def call_html(run: ToolStarted | ToolFinished) -> str:
    """Return a call as a folded line: what was called, how long it took, what it gave."""
    call = f"<code>{prose(call_text(run))}</code>"
    if isinstance(run, ToolStarted):
        return f'<div class="nbchat-fold">{call} runs …</div>\n'
    ended = "failed after" if run.failed else "·"
    return (
        f'<details class="nbchat-fold"><summary>{call} {ended} {run.seconds:.1f} s'
        "</summary>\n"
        f'<div style="white-space:pre-wrap">{prose(run.arguments)}\n→ {prose(run.result)}</div>'
        "</details>\n"
    )


def kind_text(tool: HostedTool) -> str:
    """Return the kind of a tool at the provider in words."""
    return tool.kind.removesuffix("_call").replace("_", " ")


def hosted_text(tool: HostedTool) -> str:
    """Return a tool at the provider on one line, ``""`` for an image, which is to be seen.

    >>> hosted_text(HostedTool("1", "web_search_call", "completed", "weather in Oslo"))
    'web search: completed weather in Oslo'
    """
    if tool.kind == "image_generation_call" and tool.status not in ("failed", "incomplete"):
        return ""
    kind = kind_text(tool)
    state = f"{tool.status.replace('_', ' ')} {tool.detail}".strip()
    return f"{kind}: {state}" if state else kind


def hosted_html(tools: Iterable[HostedTool]) -> str:
    """Return the tools that ran at the provider, a line each."""
    lines = "<br>".join(prose(line) for tool in tools if (line := hosted_text(tool)))
    return f'<div class="nbchat-footer">{lines}</div>\n' if lines else ""


def steps_html(steps: Iterable[str | ToolFinished]) -> str:
    """Return what came before the last answer: the model's words and the tools that ran."""
    return "".join(
        render_markdown(step) if isinstance(step, str) else call_html(step) for step in steps
    )
