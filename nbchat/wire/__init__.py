"""The two protocols, without I/O: bytes and dicts in, values out."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Habits"]


@dataclass(frozen=True)
class Habits:
    """How a server wants to be spoken to: what its preset says, and what it was found to refuse.

    Attributes:
        max_tokens: the field of chat that carries ``--max-tokens``.
        system_role: the role that carries the system message.
        include_usage: whether chat may ask for ``stream_options.include_usage``.
        stateful: whether ``previous_response_id`` works; ``None`` until it was tried.
        dropped: names of fields that this server refused and that are left out.
    """

    max_tokens: str = "max_completion_tokens"
    system_role: str = "system"
    include_usage: bool = True
    stateful: bool | None = None
    dropped: frozenset[str] = frozenset()
