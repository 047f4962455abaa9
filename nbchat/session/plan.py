"""A prompt that is ready to be sent, and the body it is sent as."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from nbchat.conversation import Conversation, Placement, Turn
from nbchat.messages import Endpoint, Message
from nbchat.options import Options
from nbchat.providers import Provider
from nbchat.tools import Structure, Tool
from nbchat.wire import Habits
from nbchat.wire.chat.request import request_body as chat_body
from nbchat.wire.responses.request import portable
from nbchat.wire.responses.request import request_body as responses_body

MAX_ROUNDS = 8


@dataclass(frozen=True)
class Plan:
    """A prompt that is ready to be sent: to whom, with what, on which thread.

    Attributes:
        cell: id of the notebook cell that asks, ``""`` if the front end told none.
        execution: id of this run of the cell, ``""`` if the front end told none.
        append: go on after the last turn, also where the cell asked before.
        notices: what the user should know of the prompt.
        tools: the functions that the model may call, by name.
        parallel: calls of one answer may run beside each other.
        approve: the user is asked before each call.
        max_rounds: how often the model may go on with what tools gave.
        structure: the form that the answer must have.
        web: how much of the web the provider may search: low, medium or high.
        system: the system message that holds for this prompt.
        placement: the turn that it follows, and what it takes the place of.
    """

    prompt: tuple[Message, ...]
    options: Options
    endpoint: Endpoint
    provider: Provider
    thread: Conversation
    cell: str = ""
    execution: str = ""
    append: bool = False
    notices: tuple[str, ...] = ()
    tools: Mapping[str, Tool] = field(default_factory=dict)
    parallel: bool = False
    approve: bool = False
    max_rounds: int = MAX_ROUNDS
    structure: Structure | None = None
    web: str | None = None
    system: str = ""
    placement: Placement = field(default_factory=lambda: Placement(None))

    def placed(self) -> Plan:
        """Return the plan with the place and the system message that hold now."""
        said = self.options.system
        place = Placement(None)
        if not self.options.new:
            place = self.thread.place(self.cell, self.execution, append=self.append)
        system = self.thread.system if said is None else said
        return replace(self, system=system, placement=place)

    def turn(self) -> Turn:
        """Return the turn that the answer is folded into."""
        return Turn(
            self.prompt,
            self.endpoint,
            provider=self.provider.name,
            base_url=self.provider.base_url,
            model=self.provider.model,
            cell=self.cell,
            execution=self.execution,
            stored=self.options.store is not False,
        )

    def history(self) -> list[list[Message]]:
        """What the model sees of the thread, turn by turn; items go to the server they are of."""
        return [
            [
                replace(message, items=self._items(turn, message))
                for message in self.thread.messages(turn)
            ]
            for turn in self.thread.shown(self.placement.parent)
        ]

    def fixed(self) -> list[Message]:
        """What is sent in any case: the system message and the prompt."""
        return [*self._system(), *self.prompt]

    def body(self, habits: Habits, left_out: int = 0) -> dict[str, Any]:
        """Return the request's body for a server with these habits.

        ``left_out`` is how many of the oldest turns are not sent. On Responses no turn is where
        the server knows the parent turn by its id.
        """
        history = [message for turn in self.history()[left_out:] for message in turn]
        model, options = self.provider.model, self.options
        if self.endpoint == "chat":
            messages = [*self._system(), *history, *self.prompt]
            return chat_body(model, messages, options, habits, **self._extras())
        previous = options.previous or (self.known_parent() if habits.stateful else None)
        messages = [*self._system(), *([] if previous else history), *self.prompt]
        return responses_body(
            model, messages, options, habits, previous_response_id=previous, **self._extras()
        )

    def _extras(self) -> dict[str, Any]:
        return {
            "tools": [tool.spec for tool in self.tools.values()],
            "format": None if self.structure is None else self.structure.format,
            "web": self.web,
        }

    def _system(self) -> list[Message]:
        return [Message.of("system", self.system)] if self.system else []

    def _items(self, turn: Turn, message: Message) -> tuple[Mapping[str, Any], ...]:
        if not self._same_server(turn):
            return ()
        return message.items if turn.stored else portable(message.items)

    def _same_server(self, turn: Turn) -> bool:
        """Whether the turn was asked of the endpoint that is asked now."""
        there = (turn.endpoint, turn.provider, turn.base_url)
        return there == (self.endpoint, self.provider.name, self.provider.base_url)

    def known_parent(self) -> str | None:
        """The response id under which a server that keeps responses has the whole thread."""
        known = self.thread.chained(self.placement.parent, self.system)
        if known is None or self.endpoint != "responses" or not self._same_server(known):
            return None
        # Calls that were not run have to be answered, and that takes the history.
        if known.answer.message(known.picked).tool_calls and self.prompt[0].role != "tool":
            return None
        return known.answer.id
