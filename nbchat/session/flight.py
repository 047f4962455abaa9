"""One prompt under way: sent, sent again where the server wants it otherwise, and folded."""

from __future__ import annotations

import threading
import time
from collections.abc import Generator, Iterator
from dataclasses import replace
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from nbchat.conversation import Turn
from nbchat.errors import APIStatusError
from nbchat.messages import (
    Connected,
    Failed,
    Idle,
    Notice,
    ReasoningDelta,
    RefusalDelta,
    Retrying,
    Started,
    StreamEvent,
    TextDelta,
    ToolCallDelta,
)
from nbchat.providers import LOCAL, Experience, Provider
from nbchat.session.plan import Plan
from nbchat.wire.refusal import amend
from nbchat.wire.url import endpoint_url

if TYPE_CHECKING:
    from nbchat.client import Client, Stream

_TOKENS = (TextDelta, ReasoningDelta, RefusalDelta, ToolCallDelta)
# What may come before the server has said anything of the answer.
_BEFORE = (Idle, Connected, Notice, Retrying)


class Flight:
    """A prompt on its way. `events` sends it and folds what comes into ``turn``."""

    def __init__(
        self,
        plan: Plan,
        turn: Turn,
        client: Client,
        experience: Experience,
        stopped: threading.Event,
    ) -> None:
        self.plan = plan
        self.turn = turn
        self._client = client
        self._experience = experience
        self._stopped = stopped
        self._stream: Stream | None = None
        self._sent = time.monotonic()

    def events(self) -> Iterator[StreamEvent]:
        """Send the prompt and yield what comes, folded into the turn.

        A server that refuses a field, or the chain of response ids, is asked once more without
        it; that is remembered and said.

        Raises:
            APIError: the request failed or the answer broke off.
            KeyboardInterrupt: `stopped` was set.
        """
        provider = self.plan.provider
        while True:
            habits = self._experience.habits(provider)
            self.turn.request = self.plan.body(habits)
            self._sent = time.monotonic()
            try:
                if (yield from self._fold(self._send())):
                    return
                learned = replace(habits, stateful=False)
                notice = f"{provider.name} keeps no responses: the whole history was sent"
            except APIStatusError as error:
                amended = None
                if self.turn.first_token is None:
                    amended = amend(dict(self.turn.request), error, self.plan.endpoint, habits)
                if amended is None:
                    raise
                learned, notice = amended
                if learned.stateful is False and self.plan.options.previous is not None:
                    raise  # the id that the user gave is not to be ignored
            self._experience.learn(provider, learned)
            yield self.note(notice)

    def note(self, text: str) -> Notice:
        """Return a notice that the turn remembers."""
        notice = Notice(text)
        self.turn.answer.apply(notice)
        return notice

    def close(self) -> None:
        """Close the connection and take the time; whatever the stage, as often as one likes."""
        if self._stream is not None:
            self._stream.cancel()
        self.turn.elapsed = time.monotonic() - self._sent

    def _send(self) -> Stream:
        from nbchat.client import Request

        plan = self.plan
        request = Request(
            url=endpoint_url(plan.provider.base_url, plan.endpoint),
            body=self.turn.request,
            endpoint=plan.endpoint,
            key=plan.provider.key,
            timeout=plan.options.timeout,
            provider=plan.provider.name,
            model=plan.provider.model,
            key_hint=_key_hint(plan.provider),
        )
        self._stream = self._client.send(request)
        return self._stream

    def _fold(self, stream: Stream) -> Generator[StreamEvent, None, bool]:
        """Fold the stream into the turn; return False if the server ignored the chain of ids."""
        turn = self.turn
        chained = turn.request.get("previous_response_id")
        unproven = bool(chained) and self.plan.options.previous is None
        for event in self._pump(stream):
            if unproven and not isinstance(event, _BEFORE):
                # A server that does not echo the id has not read it, and would answer without
                # the history. Nothing was shown yet.
                if not (isinstance(event, Started) and event.previous_response_id == chained):
                    stream.cancel()
                    return False
                unproven = False
            if turn.first_token is None and isinstance(event, _TOKENS):
                turn.first_token = time.monotonic() - self._sent
            shown = turn.answer.apply(event)
            if shown is not None:
                yield shown
            if isinstance(event, Failed):
                error = event.error
                error.provider, error.model = self.plan.provider.name, self.plan.provider.model
                error.host = error.host or urlsplit(self.plan.provider.base_url).netloc
                raise error
        return True

    def _pump(self, stream: Stream) -> Iterator[StreamEvent]:
        while not stream.ended:
            batch = stream.get(0.05)
            if self._stopped.is_set():
                raise KeyboardInterrupt
            if batch is None:
                yield Idle()
            else:
                yield from batch


def _key_hint(provider: Provider) -> str:
    """Return what to do if the server does not accept the key."""
    if provider.name == LOCAL:
        return ""
    if provider.key is not None:
        return (
            f"The key came from: {provider.key_source}. "
            f"Check it, or type another with %nbchat key {provider.name}."
        )
    if provider.key_variable:
        return f"No key was sent: {provider.key_variable} is not set."
    return (
        "No key was sent, because a project's pyproject.toml named this server: "
        "set NBCHAT_BASE_URL and NBCHAT_API_KEY if you trust it."
    )
