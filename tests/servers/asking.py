"""A session that asks one server, and what came of each prompt."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

from nbchat.errors import APIError
from nbchat.messages import Endpoint, Retrying, Settled, StreamEvent
from nbchat.options import Options
from nbchat.reply import Reply
from nbchat.session import Session
from nbchat.settings import NbChat

Kind = TypeVar("Kind", bound=StreamEvent)


@dataclass
class Outcome:
    """What came of a prompt.

    Attributes:
        events: all that the session yielded.
        error: what it raised in the end.
    """

    events: list[StreamEvent] = field(default_factory=list)
    error: APIError | None = None

    @property
    def settled(self) -> Reply | None:
        """The reply, if the turn was kept."""
        replies = [event.reply for event in self.events if isinstance(event, Settled)]
        assert len(replies) <= 1
        return replies[0] if replies else None

    @property
    def reply(self) -> Reply:
        """The reply of a prompt that was answered; the error of another one is raised."""
        if self.error is not None:
            raise self.error
        assert self.settled is not None
        return self.settled

    def of(self, kind: type[Kind]) -> list[Kind]:
        """The events of a kind."""
        return [event for event in self.events if isinstance(event, kind)]

    @property
    def waits(self) -> list[float]:
        """The seconds that were waited before each further attempt."""
        return [event.seconds for event in self.of(Retrying)]


class Asker:
    """Asks one server, by one endpoint, in one session.

    Args:
        base_url: the server's.
        endpoint: ``chat`` or ``responses``.
        defaults: options that every prompt has.
        entry: more for the settings' entry of the server.
    """

    def __init__(
        self,
        base_url: str,
        endpoint: Endpoint,
        defaults: Mapping[str, Any] | None = None,
        **entry: str,
    ) -> None:
        self.endpoint = endpoint
        self._defaults = {"model": "gpt-5.1", **(defaults or {})}
        lab = {"base_url": base_url, **entry}
        self.session = Session(NbChat(provider="lab", providers={"lab": lab}))

    def __call__(self, text: str, **options: Any) -> Outcome:
        """Send a prompt on the current thread and wait for all that comes of it."""
        chosen = Options.of(**{**self._defaults, **options})
        outcome = Outcome()
        try:
            for event in self.session.run(self.session.plan(text, chosen, self.endpoint)):
                outcome.events.append(event)
        except APIError as error:
            outcome.error = error
        return outcome

    @property
    def thread(self) -> list[str]:
        """The texts of the thread's messages, as the model would see them."""
        conversation = self.session.thread()
        return [m.text for turn in conversation.path() for m in conversation.messages(turn)]

    def close(self) -> None:
        """End the session."""
        self.session.close()
