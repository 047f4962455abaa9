"""nbchat: language models in a notebook.

``%load_ext nbchat`` gives ``%%chat`` (the Chat Completions API), ``%%respond`` (the Responses API)
and ``%nbchat``.
"""

from __future__ import annotations

from typing import Any

__version__ = "0.1.0"

_PUBLIC = {"Reply": "nbchat.reply", "Choice": "nbchat.reply"}
__all__ = ["Choice", "Reply", "load_ipython_extension", "unload_ipython_extension"]


def load_ipython_extension(shell: Any) -> None:
    """Load the magics into an IPython shell: what ``%load_ext nbchat`` calls."""
    from nbchat.magics import load

    load(shell)


def unload_ipython_extension(shell: Any) -> None:
    """Take the magics out again: what ``%unload_ext nbchat`` calls."""
    from nbchat.magics import unload

    unload(shell)


def __getattr__(name: str) -> Any:
    if name in _PUBLIC:
        import importlib

        return getattr(importlib.import_module(_PUBLIC[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
