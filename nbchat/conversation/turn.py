"""`Turn`: one prompt and all that answers it."""

from __future__ import annotations

import secrets
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

    Once it is settled it says what happened and does not change: what a thread hides or words
    differently is noted in the `Conversation`, so that threads may share turns.

    Attributes:
        prompt: the messages that the user added.
        endpoint: the API that was asked.
        provider: the provider's name.
        base_url: the server that was asked; a response id is known there and nowhere else.
        model: the model that was asked for.
        parent: the turn before it, ``None`` at the start of a thread.
        cell: id of the notebook cell that made it, ``""`` if the front end told none.
        execution: id of the run of that cell, such as the id of its execute request: the prompts
            of one run share it, and no run in any kernel has it again.
        by_hand: written by the user, not asked of a model.
        imported: it came from a file; what it cost was spent elsewhere.
        stored: whether the server may know the response by its id later.
        saw: a digest of what the model was shown, for `Conversation.chained`.
        picked: index of the choice that the thread goes on with.
        answer: what came, as it grows.
        request: the body that was sent.
        elapsed: seconds from sending to the end.
        first_token: seconds from sending to the first token, ``None`` if none came.
        id: 16 hexadecimal digits; threads, kernels and the journal tell turns apart by it.
        created: when it was opened, in seconds since 1970.
    """

    prompt: tuple[Message, ...]
    endpoint: Endpoint
    provider: str = ""
    base_url: str = ""
    model: str = ""
    parent: Turn | None = field(default=None, repr=False)
    cell: str = ""
    execution: str = ""
    by_hand: bool = False
    imported: bool = False
    stored: bool = True
    saw: str = ""
    picked: int = 0
    answer: Answer = field(default_factory=Answer)
    request: Mapping[str, Any] = field(default_factory=dict, repr=False)
    elapsed: float = 0.0
    first_token: float | None = None
    id: str = field(default_factory=lambda: secrets.token_hex(8))
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

    @property
    def settled(self) -> bool:
        """Whether the answer is over, well or not."""
        return self.answer.status != "streaming"

    @property
    def continues(self) -> bool:
        """Whether it gives the results of the tools that its parent called.

        Neither can be sent without the other.
        """
        return bool(self.prompt) and self.prompt[0].role == "tool"

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
            images=answer.images,
            hosted=answer.hosted_tools,
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
            picked=sorted({*answer.choices, self.picked}).index(self.picked),
        )
