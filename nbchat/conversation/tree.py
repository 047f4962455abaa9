"""`Conversation`: what the user calls a thread, a tree of `Turn`s with a current path."""

from __future__ import annotations

import secrets
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from nbchat.conversation.fold import Answer
from nbchat.messages import Endpoint, Message
from nbchat.reply import Reply


@dataclass(eq=False)
class Turn:
    """One prompt and all that answers it.

    Attributes:
        prompt: the messages that the user added.
        endpoint: the API that was asked.
        provider: the provider's name.
        base_url: the server that was asked; a response id is known there and nowhere else.
        model: the model that was asked for.
        parent: the turn before it, ``None`` at the start of a thread.
        cell: id of the notebook cell that made it, ``""`` if the front end told none.
        stored: whether the server may know the response by its id later.
        picked: index of the choice that the thread goes on with.
        answer: what came, as it grows.
        request: the body that was sent.
        elapsed: seconds from sending to the end.
        first_token: seconds from sending to the first token, ``None`` if none came.
    """

    prompt: tuple[Message, ...]
    endpoint: Endpoint
    provider: str = ""
    base_url: str = ""
    model: str = ""
    parent: Turn | None = None
    cell: str = ""
    stored: bool = True
    picked: int = 0
    answer: Answer = field(default_factory=Answer)
    request: Mapping[str, Any] = field(default_factory=dict, repr=False)
    elapsed: float = 0.0
    first_token: float | None = None
    id: str = field(default_factory=lambda: secrets.token_hex(4))
    created: float = field(default_factory=time.time)

    @property
    def messages(self) -> tuple[Message, ...]:
        """What the turn adds to the history: the prompt and the picked answer."""
        answer = self.answer.message(self.picked)
        return (*self.prompt, answer) if answer.parts or answer.tool_calls else self.prompt

    @property
    def empty(self) -> bool:
        """Whether nothing of an answer has come."""
        answer = self.answer
        return not answer.images and not any(
            choice.text or choice.reasoning or choice.refusal or choice.tool_calls or choice.audio
            for choice in answer.reply_choices()
        )

    def path(self) -> list[Turn]:
        """The turns from the first one of the thread to this one."""
        found: list[Turn] = []
        turn: Turn | None = self
        while turn is not None:
            found.append(turn)
            turn = turn.parent
        return found[::-1]

    def reply(self, thread: str = "") -> Reply:
        """Return what the turn gave, as a plain value."""
        answer = self.answer
        return Reply(
            choices=answer.reply_choices(),
            images=tuple(answer.images),
            usage=answer.usage,
            status=answer.status,
            model=answer.model or self.model,
            provider=self.provider,
            id=answer.id,
            request_id=answer.request_id,
            elapsed=self.elapsed,
            first_token=self.first_token,
            request=self.request,
            raw=answer.raw,
            notices=tuple(answer.notices),
            thread=thread,
            turn=self.id,
        )


@dataclass(eq=False)
class Conversation:
    """A thread: its system message and its turns.

    ``head`` is the last turn of the current path; earlier paths hang in the tree below the turns
    that they share with it. Whoever adds a turn holds ``answering`` until it is settled.

    >>> thread = Conversation("main")
    >>> turn = thread.open(Turn((Message.of("user", "hello"),), "chat"))
    >>> [message.text for message in thread.history()]
    ['hello']
    >>> thread.discard(turn, back_to=None)
    >>> thread.history()
    []
    """

    name: str
    system: str = ""
    head: Turn | None = None
    turns: list[Turn] = field(default_factory=list)
    answering: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def path(self) -> list[Turn]:
        """The turns from the first one to the head."""
        return [] if self.head is None else self.head.path()

    def history(self) -> list[Message]:
        """The messages of the current path, without the system message."""
        return [message for turn in self.path() for message in turn.messages]

    def open(self, turn: Turn, *, new: bool = False) -> Turn:
        """Add ``turn`` after the head (or as a new first turn) and make it the head."""
        turn.parent = None if new else self.head
        self.turns.append(turn)
        self.head = turn
        return turn

    def discard(self, turn: Turn, back_to: Turn | None) -> None:
        """Take out a turn that gave nothing; the head goes ``back_to`` what it was before."""
        self.turns.remove(turn)
        if self.head is turn:
            self.head = back_to
