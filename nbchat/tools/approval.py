"""Asking the user before a tool runs."""

from __future__ import annotations

import contextlib
import json

from nbchat.errors import ToolError
from nbchat.messages import ToolCall

__all__ = ["ask"]

_SHOWN = 1000  # characters of the arguments; the end matters too, so the middle is left out


def ask(call: ToolCall) -> bool:
    """Ask whether a call may run; anything but y or yes declines it.

    Raises:
        ToolError: nobody can be asked (nbclient, papermill, a script).
    """
    try:
        said = input(f"Run {call.name}({_shown(call.arguments)})? [y/N] ")
    except (EOFError, NotImplementedError) as error:  # the latter where a kernel has no stdin
        raise ToolError(
            f"--approve: nobody can be asked about {call.name} here\n"
            "Run the cell in a front end that takes input, or leave out --approve."
        ) from error
    return said.strip().lower() in ("y", "yes")


def _shown(arguments: str) -> str:
    """Return arguments on one line; nothing in them can hide what they are."""
    with contextlib.suppress(ValueError, RecursionError):
        arguments = json.dumps(json.loads(arguments or "{}"), ensure_ascii=False)
    if len(arguments) > _SHOWN:
        half = _SHOWN // 2
        arguments = f"{arguments[:half]} … {arguments[-half:]}"
    return "".join(one if one.isprintable() else ascii(one)[1:-1] for one in arguments)
