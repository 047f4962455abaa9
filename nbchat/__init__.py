"""nbchat: language models in a notebook.

``%load_ext nbchat`` gives ``%%chat`` (the Chat Completions API), ``%%respond`` (the Responses API)
and ``%nbchat``. `chat`, `respond`, `achat` and `arespond` are the same for Python code. The public
names are imported at first use, so that loading the extension costs little.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from nbchat.api import achat, arespond, chat, respond
    from nbchat.errors import (
        APIConnectionError,
        APIError,
        APIStatusError,
        APITimeoutError,
        AuthenticationError,
        BadRequestError,
        ConfigurationError,
        ConflictError,
        FormatError,
        InternalServerError,
        Interrupted,
        NbchatError,
        NotFoundError,
        PermissionDeniedError,
        RateLimitError,
        StreamError,
        ToolError,
        UnprocessableEntityError,
        UsageError,
    )
    from nbchat.reply import Choice, Reply

__version__ = "0.1.0"

__all__ = [
    "APIConnectionError",
    "APIError",
    "APIStatusError",
    "APITimeoutError",
    "AuthenticationError",
    "BadRequestError",
    "Choice",
    "ConfigurationError",
    "ConflictError",
    "FormatError",
    "InternalServerError",
    "Interrupted",
    "NbchatError",
    "NotFoundError",
    "PermissionDeniedError",
    "RateLimitError",
    "Reply",
    "StreamError",
    "ToolError",
    "UnprocessableEntityError",
    "UsageError",
    "achat",
    "arespond",
    "chat",
    "load_ipython_extension",
    "respond",
    "unload_ipython_extension",
]


def load_ipython_extension(shell: Any) -> None:
    """Load the magics into an IPython shell: what ``%load_ext nbchat`` calls."""
    from nbchat.magics import load

    load(shell)


def unload_ipython_extension(shell: Any) -> None:
    """Take the magics out again: what ``%unload_ext nbchat`` calls."""
    from nbchat.magics import unload

    unload(shell)


def __dir__() -> list[str]:
    return [*__all__, "__version__"]


def __getattr__(name: str) -> Any:
    if name in __all__:
        import importlib

        for home in ("nbchat.errors", "nbchat.reply", "nbchat.api"):
            module = importlib.import_module(home)
            if hasattr(module, name):
                return getattr(module, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
