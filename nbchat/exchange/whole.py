"""``.json``: a whole thread, without loss."""

from __future__ import annotations

import json
import secrets
from collections.abc import Mapping
from typing import Any

from nbchat.conversation import Conversation, Turn
from nbchat.conversation.record import (
    dump_answer,
    dump_thread,
    dump_turn,
    load_thread,
    load_turn,
)
from nbchat.conversation.values import RecordError, to_json

FORMAT = "nbchat thread"
VERSION = 1


def to_whole(thread: Conversation) -> str:
    """Return the thread as JSON, a line for each turn."""
    turns = [{**dump_turn(turn), "answer": dump_answer(turn.answer)} for turn in thread.turns]
    head = {"format": FORMAT, "version": VERSION, "thread": dump_thread(thread)}
    lines = ",\n".join(to_json(turn) for turn in turns)
    return f'{to_json(head)[:-1]}, "turns": [\n{lines}\n]}}\n'


def from_whole(text: str, name: str) -> list[Conversation]:
    """Return the thread in ``text``, as a list of one; ``name`` is not needed.

    Raises:
        RecordError: it is JSON of another form, or of a newer nbchat.
        ValueError: it is no JSON.
    """
    data = json.loads(text)
    if not isinstance(data, dict) or data.get("format") != FORMAT:
        raise RecordError(f'it is no thread of nbchat (its "format" is not "{FORMAT}")')
    if data.get("version") != VERSION:
        raise RecordError(f"a newer nbchat wrote it (version {data.get('version')})")
    turns: dict[str, Turn] = {}
    rows = data.get("turns")
    if not isinstance(rows, list) or not isinstance(data.get("thread"), dict):
        raise RecordError("it has no thread and turns")
    for number, row in enumerate(rows, 1):
        try:
            turn = _turn(row, turns)
        except RecordError as error:
            raise RecordError(f"turn {number}: {error}") from None
        turns[turn.id] = turn
    return [_renewed(load_thread(data["thread"], list(turns.values())))]


def _turn(row: Any, turns: Mapping[str, Turn]) -> Turn:
    if not isinstance(row, dict) or not isinstance(row.get("answer"), dict):
        raise RecordError("it has no answer")
    fields = {name: value for name, value in row.items() if name != "answer"}
    parent, id = fields.get("parent"), fields.get("id")
    if parent is not None and parent not in turns:
        raise RecordError(f"its parent {parent!r} is not before it")
    if not isinstance(id, str) or not id or id in turns:
        raise RecordError("its id is missing or another turn's")
    return load_turn(fields, row["answer"], None if parent is None else turns[parent])


def _renewed(thread: Conversation) -> Conversation:
    """Give the thread and its turns new ids: the ones that were exported may still be here."""
    new = {turn.id: secrets.token_hex(8) for turn in thread.turns}
    thread.id = secrets.token_hex(8)
    thread.hidden = {new[id] for id in thread.hidden if id in new}
    thread.edits = {new[id]: edit for id, edit in thread.edits.items() if id in new}
    for turn in thread.turns:
        turn.id = new[turn.id]
    return thread
