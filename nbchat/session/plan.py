"""A prompt that is ready to be sent, and the body it is sent as."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from nbchat.conversation import Conversation, Turn
from nbchat.messages import Endpoint, Message
from nbchat.options import Options
from nbchat.providers import Provider
from nbchat.wire import Habits
from nbchat.wire.chat.request import request_body as chat_body
from nbchat.wire.responses.request import request_body as responses_body


@dataclass(frozen=True)
class Plan:
    """A prompt that is ready to be sent: to whom, with what, on which thread.

    ``parent`` is the turn that it follows, ``None`` at the start of a thread; ``cell`` is the id
    of the notebook cell that asks, ``""`` if the front end told none.
    """

    prompt: tuple[Message, ...]
    options: Options
    endpoint: Endpoint
    provider: Provider
    thread: Conversation
    cell: str = ""
    system: str = ""
    parent: Turn | None = None

    def placed(self) -> Plan:
        """Return the plan with the parent and the system message that hold now."""
        said = self.options.system
        return replace(
            self,
            system=self.thread.system if said is None else said,
            parent=None if self.options.new else self.thread.head,
        )

    def turn(self) -> Turn:
        """Return the turn that the answer is folded into."""
        return Turn(
            self.prompt,
            self.endpoint,
            provider=self.provider.name,
            base_url=self.provider.base_url,
            model=self.provider.model,
            cell=self.cell,
            stored=self.options.store is not False,
        )

    def body(self, habits: Habits) -> dict[str, Any]:
        """Return the request's body for a server with these habits.

        On Responses the history is left out where the server knows the parent turn by its id.
        """
        path = [] if self.parent is None else self.parent.path()
        history = [message for turn in path for message in turn.messages]
        system = [Message.of("system", self.system)] if self.system else []
        model = self.provider.model
        if self.endpoint == "chat":
            return chat_body(model, [*system, *history, *self.prompt], self.options, habits)
        previous = self.options.previous or self._known_parent(habits)
        messages = [*system, *([] if previous else history), *self.prompt]
        return responses_body(model, messages, self.options, habits, previous_response_id=previous)

    def _known_parent(self, habits: Habits) -> str | None:
        """The parent's response id, if the server that is asked now has it."""
        parent = self.parent
        if (
            parent is not None
            and habits.stateful is not False
            and parent.endpoint == "responses"
            and (parent.provider, parent.base_url) == (self.provider.name, self.provider.base_url)
            and parent.stored
            and parent.answer.status == "completed"
        ):
            return parent.answer.id or None
        return None
