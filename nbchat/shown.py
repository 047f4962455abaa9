"""How a reply shows itself: the view says it, and neither of them need be imported for that."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from nbchat.reply import Reply

__all__ = ["bundle", "register_display"]

_show: Callable[[Reply], dict[str, Any]] | None = None


def register_display(show: Callable[[Reply], dict[str, Any]]) -> None:
    """Let the view say how a reply shows itself: ``show(reply)`` returns a MIME bundle."""
    global _show
    _show = show


def bundle(reply: Reply) -> dict[str, Any]:
    """Return the MIME bundle of a reply: its text alone as long as no view is registered."""
    return {"text/plain": reply.text or reply.refusal} if _show is None else _show(reply)
