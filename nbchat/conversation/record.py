"""Turns and threads as plain JSON, and back, without loss.

A turn's answer is written as the events that fold into it. A turn's request repeats the history
that its parent's had: that beginning is written as its length, so that a record grows by what is
new.
"""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from dataclasses import fields
from typing import Any

from nbchat import errors
from nbchat.conversation.fold import Answer
from nbchat.conversation.replay import events_of
from nbchat.conversation.tree import Conversation
from nbchat.conversation.turn import Turn
from nbchat.conversation.values import RecordError, dump, is_default, load, make, tag_of
from nbchat.errors import APIError
from nbchat.messages import Message, StreamEvent

_FAILURES = {
    name: kind
    for name, kind in vars(errors).items()
    if isinstance(kind, type) and issubclass(kind, APIError)
}
_LISTS = ("messages", "input")  # the fields of a request that hold the history


def dump_turn(turn: Turn) -> dict[str, Any]:
    """Return a turn as JSON, its parent by its id, without its answer."""
    data = {
        field.name: dump(getattr(turn, field.name))
        for field in fields(turn)
        if field.name not in ("parent", "answer", "request")
        and not is_default(field, getattr(turn, field.name))
    }
    if turn.parent is not None:
        data["parent"] = turn.parent.id
    if turn.request:
        data["request"] = _dump_request(turn)
    return data


def dump_answer(answer: Answer) -> dict[str, Any]:
    """Return an answer as JSON."""
    events = [dump(event) for event in events_of(answer)]
    data: dict[str, Any] = {"status": answer.status, "events": events}
    if answer.error is not None:
        given = {name: getattr(answer.error, name) for name in _arguments(type(answer.error))}
        data["error"] = {"$" + type(answer.error).__name__: given}
    return data


def load_turn(data: Mapping[str, Any], answer: Mapping[str, Any], parent: Turn | None) -> Turn:
    """Return the turn that `dump_turn` and `dump_answer` were given.

    An answer that was still on its way is marked as cut.

    Raises:
        RecordError: the data is not as it should be.
    """
    given = {
        name: load(value) for name, value in data.items() if name not in ("parent", "request")
    }
    if request := data.get("request"):
        given["request"] = _load_request(request, parent)
    turn = make(Turn, given)
    turn.parent = parent
    turn.answer = _load_answer(answer)
    return turn


def _load_answer(data: Mapping[str, Any]) -> Answer:
    answer = Answer()
    events = load(data.get("events", []))
    status = data.get("status")
    if not isinstance(events, tuple) or not isinstance(status, str):
        raise RecordError("an answer has a status and events")
    for event in events:
        if not isinstance(event, StreamEvent):
            raise RecordError("an answer is made of events")
        answer.apply(event)
    answer.status = "cut" if status == "streaming" else status
    if (error := data.get("error")) is not None:
        answer.error = _load_error(error)
    return answer


def _load_error(data: Any) -> APIError:
    tag = tag_of(data) if isinstance(data, Mapping) else ""
    kind = _FAILURES.get(tag)
    given = data[f"${tag}"] if kind else None
    if kind is None or not isinstance(given, Mapping) or not set(given) <= _arguments(kind):
        raise RecordError("an error has an unknown form")
    texts = {name: value for name, value in given.items() if name not in ("status", "body")}
    status = given.get("status", 0)
    if not isinstance(status, int) or not all(isinstance(text, str) for text in texts.values()):
        raise RecordError("an error has an unknown form")
    try:
        return kind(**given)
    except TypeError as error:
        raise RecordError(str(error)) from None


def _arguments(kind: type[APIError]) -> set[str]:
    return set(inspect.signature(kind).parameters)


# --- Requests -------------------------------------------------------------------------------


def _history(request: Mapping[str, Any]) -> tuple[str, list[Any]]:
    """Return the field of a request that holds the history, and what it holds."""
    for name in _LISTS:
        if isinstance(request.get(name), list):
            return name, request[name]
    return "", []


def _dump_request(turn: Turn) -> dict[str, Any]:
    name, said = _history(turn.request)
    known = [] if turn.parent is None else _history(turn.parent.request)[1]
    shared = 0
    while shared < min(len(said), len(known)) and said[shared] == known[shared]:
        shared += 1
    if not shared:
        return {"body": dict(turn.request)}
    return {"body": {**turn.request, name: said[shared:]}, "shared": shared}


def _load_request(data: Any, parent: Turn | None) -> dict[str, Any]:
    body = data.get("body") if isinstance(data, Mapping) else None
    shared = data.get("shared", 0) if isinstance(data, Mapping) else 0
    if not isinstance(body, Mapping) or not isinstance(shared, int):
        raise RecordError("a request has a body")
    name, said = _history(body)
    if not shared or not name:
        return dict(body)
    known = [] if parent is None else _history(parent.request)[1]
    return {**body, name: [*known[:shared], *said]}


# --- Threads --------------------------------------------------------------------------------


def dump_thread(thread: Conversation) -> dict[str, Any]:
    """Return all of a thread but its turns as JSON; turns are named by their ids."""
    return {
        "id": thread.id,
        "name": thread.name,
        "created": thread.created,
        "system": thread.system,
        "head": thread.head and thread.head.id,
        "hidden": sorted(thread.hidden),
        "edits": {key: dump(messages) for key, messages in thread.edits.items()},
        "undone": [[at and at.id, back and back.id] for at, back in thread.undone],
        "options": thread.options,
    }


def load_thread(data: Mapping[str, Any], turns: list[Turn]) -> Conversation:
    """Return the thread that `dump_thread` was given, with these turns.

    Raises:
        RecordError: the data is not as it should be, or names a turn that is not there.
    """
    by_id: dict[object, Turn | None] = {None: None, **{turn.id: turn for turn in turns}}
    try:
        given = {
            "id": data["id"],
            "name": data["name"],
            "created": data["created"],
            "system": data["system"],
            "head": by_id[data["head"]],
            "turns": turns,
            "hidden": set(data["hidden"]),
            "edits": {key: load(messages) for key, messages in data["edits"].items()},
            "undone": [(by_id[at], by_id[back]) for at, back in data["undone"]],
            "options": dict(data.get("options", {})),
        }
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise RecordError(f"a thread has an unknown form: {error!r}") from None
    thread = make(Conversation, given)
    if not all(isinstance(m, Message) for messages in thread.edits.values() for m in messages):
        raise RecordError("the edits of a thread are messages")
    return thread
