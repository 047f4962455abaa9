"""Answers with several choices on the screen: the mark moves when another one is picked."""

from __future__ import annotations

from dataclasses import replace

from IPython.display import publish_display_data

from nbchat.reply import Reply
from nbchat.view.permanent import bundle, metadata

_shown: dict[str, tuple[str, Reply]] = {}  # by turn: the display id, and what is there


def remember(display_id: str, reply: Reply) -> None:
    """Take note of where a reply is shown, if one of its choices can be picked."""
    if len(reply.choices) > 1 and reply.thread:
        _shown[reply.turn] = display_id, reply


def mark(turn: str, picked: int) -> None:
    """Mark another choice as the one that the thread goes on with.

    Nothing happens if this kernel has not shown the turn in a notebook.

    Args:
        turn: the turn's id.
        picked: the index of the choice in `Reply.choices`.
    """
    if turn not in _shown:
        return
    display_id, reply = _shown[turn]
    reply = replace(reply, picked=picked)
    _shown[turn] = display_id, reply
    publish_display_data(
        bundle(reply), metadata(reply), transient={"display_id": display_id}, update=True
    )
