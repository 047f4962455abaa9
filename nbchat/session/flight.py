"""One prompt under way: sent, sent again where the server wants it otherwise, and folded."""

from __future__ import annotations

import contextlib
import itertools
import time
from collections.abc import Generator, Iterator, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from nbchat.conversation import Answer, Turn
from nbchat.conversation.window import estimate, fit
from nbchat.errors import (
    APIConnectionError,
    APIError,
    APIStatusError,
    InternalServerError,
    RateLimitError,
    StreamError,
)
from nbchat.interrupt import StopSignal
from nbchat.messages import (
    Connected,
    Failed,
    Idle,
    Notice,
    Progress,
    ReasoningDelta,
    RefusalDelta,
    Retrying,
    Started,
    StreamEvent,
    TextDelta,
    ToolCallDelta,
)
from nbchat.pricing import context_window
from nbchat.providers import GENERIC_KEY, LOCAL, Experience, Provider
from nbchat.session.background import quietly
from nbchat.session.plan import Plan
from nbchat.wire import Habits
from nbchat.wire.hints import overflow
from nbchat.wire.refusal import amend
from nbchat.wire.responses.stream import ResponsesDecoder
from nbchat.wire.url import endpoint_url

if TYPE_CHECKING:
    from nbchat.client import Client, Request, Stream

_TOKENS = (TextDelta, ReasoningDelta, RefusalDelta, ToolCallDelta)
_PENDING = ("queued", "in_progress")
SMALLEST_WINDOW = 2000  # tokens; below that no list needs to be asked
POLL = 2.0  # seconds between two questions after a response in the background
FAILURES = 5  # of these questions, in a row, that are borne
# What may come before the server has said anything of the answer.
_BEFORE = (Idle, Connected, Notice, Retrying)


class Flight:
    """A prompt on its way. `events` sends it and folds what comes into ``turn``.

    Attributes:
        plan: what is sent; whoever prepares the flight may name the server and the model.
        stopped: set, from any thread, it stops the prompt as an interrupt does.
    """

    def __init__(
        self,
        plan: Plan,
        turn: Turn,
        client: Client,
        experience: Experience,
        stopped: StopSignal,
    ) -> None:
        self.plan = plan
        self.turn = turn
        self._client = client
        self._experience = experience
        self.stopped = stopped
        self._stream: Stream | None = None
        self._sent = time.monotonic()
        self._left_out = 0

    def events(self) -> Iterator[StreamEvent]:
        """Send the prompt and yield what comes, folded into the turn.

        A server that refuses a field, or the chain of response ids, is asked once more without
        it; that is remembered and said.

        Raises:
            APIError: the request failed or the answer broke off.
            KeyboardInterrupt: `stopped` was set.
        """
        provider = self.plan.provider
        if warning := self._too_long():
            yield self.note(warning)
        while True:
            habits = yield from self._with_state(self._experience.habits(provider))
            self.turn.request = self.plan.body(habits, self._left_out)
            self._sent = time.monotonic()
            amended: tuple[Habits, str] | None = None
            try:
                if not (yield from self._fold(self._send())):
                    notice = f"{provider.name} keeps no responses: the whole history was sent"
                    amended = replace(habits, stateful=False), notice
            except StreamError:
                # The provider goes on making the response, though its stream was cut.
                if not self._in_background or self.turn.answer.status != "cut":
                    raise
            except APIStatusError as error:
                if self.turn.first_token is not None:
                    raise  # what was shown would be followed by another beginning
                if self._leave_out(error):
                    self._begin_again()
                    continue
                amended = self._amended(error, habits)
            if amended is None:
                yield from self._wait_for_background()
                if self._left_out:
                    yield self.note(_left_out(self._left_out))
                return
            self._experience.learn(provider, amended[0])
            self._begin_again()
            yield self.note(amended[1])

    def _amended(self, error: APIStatusError, habits: Habits) -> tuple[Habits, str]:
        """Return what a refusal teaches, and a line on it; raise it if that is nothing."""
        learned = amend(self.turn.request, error, self.plan.endpoint, habits)
        # An id that the user gave is not to be ignored.
        given = self.plan.options.previous is not None
        if learned is None or (given and learned[0].stateful is False):
            raise error
        return learned

    def _begin_again(self) -> None:
        """Let go of what came of a refused request: a refusal may come as a stream, too."""
        notices = self.turn.answer.notices
        self.turn.answer = Answer()
        self.turn.answer.notices = notices

    def note(self, text: str) -> Notice:
        """Return a notice that the turn remembers."""
        notice = Notice(text)
        self.turn.answer.apply(notice)
        return notice

    def close(self) -> None:
        """Close the connection and take the time; whatever the stage, as often as one likes."""
        if self._stream is not None:
            self._stream.cancel()
        if self._in_background and self.turn.answer.status == "stopped":
            self._cancel_background()
        self.turn.elapsed = time.monotonic() - self._sent

    def _send(self) -> Stream:
        url = endpoint_url(self.plan.provider.base_url, self.plan.endpoint)
        self._stream = self._client.send(self._request(url, self.turn.request))
        return self._stream

    def _request(self, url: str, body: Mapping[str, Any]) -> Request:
        from nbchat.client import Request  # with httpx, at the first prompt

        provider = self.plan.provider
        return Request(
            url=url,
            body=body,
            endpoint=self.plan.endpoint,
            key=provider.key,
            timeout=self.plan.options.timeout,
            provider=provider.name,
            model=provider.model,
            key_hint=_key_hint(provider),
        )

    def _get(self, url: str) -> Generator[StreamEvent, None, Any]:
        """Return what a GET of the provider gives as JSON."""
        provider = self.plan.provider
        return quietly(
            lambda: self._client.get_json(url, key=provider.key, provider=provider.name),
            self.stopped,
        )

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
            streamed = turn.request.get("stream")
            if streamed and turn.first_token is None and isinstance(event, _TOKENS):
                turn.first_token = time.monotonic() - self._sent
            yield from self._take(event)
        return True

    def _take(self, event: StreamEvent) -> Iterator[StreamEvent]:
        """Fold an event in and yield what it adds; a failure is raised, for it may be mended."""
        shown = self.turn.answer.apply(event)
        if isinstance(event, Failed):
            raise event.error
        if shown is not None:
            yield shown

    def _with_state(self, habits: Habits) -> Generator[StreamEvent, None, Habits]:
        """Find out, once and before it matters, whether the server keeps responses.

        Some servers accept a `previous_response_id`, and even echo it, without having the
        response: they would answer without the history.
        """
        known = self.plan.known_parent()
        if habits.stateful is not None or known is None or self.plan.options.previous:
            return habits
        provider = self.plan.provider
        url = f"{endpoint_url(provider.base_url, 'responses')}/{quote(known, safe='')}"
        try:
            kept = yield from self._get(url)
        except APIError:
            kept = None
        found = isinstance(kept, dict) and kept.get("id") == known
        habits = replace(habits, stateful=found)
        self._experience.learn(provider, habits)
        return habits

    def _too_long(self) -> str:
        """Return a warning if the model is listed with a smaller window than the thread needs."""
        messages = [*self.plan.fixed(), *itertools.chain(*self.plan.history())]
        tokens = estimate(messages)
        if tokens < SMALLEST_WINDOW:
            return ""
        provider = self.plan.provider
        window = context_window(provider.model, provider.base_url)
        if window is None or tokens <= window:
            return ""
        return f"≈{tokens} tokens; {provider.model} is listed with a window of {window}"

    def _leave_out(self, error: APIStatusError) -> bool:
        """Leave out more of the oldest turns if the thread was too long and that is wanted."""
        sizes = overflow(error)
        wanted = self.plan.options.truncation == "auto" and self.plan.endpoint == "chat"
        history = self.plan.history()
        if sizes is None or not wanted or self._left_out >= len(history):
            return False
        fixed, kept = self.plan.fixed(), history[self._left_out :]
        sent = estimate([*fixed, *itertools.chain(*kept)])
        counted, context = sizes
        # Where the server counted, its measure corrects the estimate; an answer needs room too.
        # Where it did not, a quarter less is tried, and again.
        room = context - min(self.plan.options.max_tokens or context // 4, context // 2)
        window = round(sent * room / counted) if counted and context else sent * 3 // 4
        self._left_out += max(1, fit(kept, fixed, window)[1])
        return True

    # --- Responses that the provider makes in the background: --set background=true -------------

    @property
    def _in_background(self) -> bool:
        body, answer = self.turn.request, self.turn.answer
        return bool(body.get("background") and self.plan.endpoint == "responses" and answer.id)

    def _wait_for_background(self) -> Iterator[StreamEvent]:
        """Ask for a background response until it is done, and fold it."""
        from nbchat.client import complete

        answer = self.turn.answer
        if not self._in_background or answer.status not in (*_PENDING, "streaming", "cut"):
            return
        said = yield from self._poll()
        answer.status, answer.error = "streaming", None
        decoder = ResponsesDecoder()
        for event in [*decoder.whole(said), *decoder.finish()]:
            if isinstance(event, Failed):
                complete(event.error, self._request(self._response_url(), {}))
            yield from self._take(event)

    def _poll(self) -> Generator[StreamEvent, None, Any]:
        """Return the background response when it is done; some questions may fail meanwhile."""
        status, failures = "queued", 0
        while True:
            try:
                said = yield from self._get(self._response_url())
            except (APIConnectionError, RateLimitError, InternalServerError):
                failures += 1
                if failures > FAILURES:
                    raise
            else:
                failures = 0
                status = said.get("status", "") if isinstance(said, dict) else ""
                if status not in _PENDING:
                    return said
            waited = time.monotonic() + POLL
            while time.monotonic() < waited:
                if self.stopped.wait(0.05):
                    raise KeyboardInterrupt
                yield Progress(f"the provider is working ({status.replace('_', ' ')})")

    def _cancel_background(self) -> None:
        """Tell the provider that nobody waits any more; it may not hear it."""
        request = replace(self._request(f"{self._response_url()}/cancel", {}), retries=0)
        with self._client.send(request) as stream, contextlib.suppress(APIError):
            for _ in range(20):
                if stream.ended or stream.get(0.05) is not None:
                    return

    def _response_url(self) -> str:
        where = endpoint_url(self.plan.provider.base_url, "responses")
        return f"{where}/{quote(self.turn.answer.id, safe='')}"

    def _pump(self, stream: Stream) -> Iterator[StreamEvent]:
        while not stream.ended:
            batch = stream.get(0.05)
            if self.stopped.is_set():
                raise KeyboardInterrupt
            if batch is None:
                yield Idle()
            else:
                yield from batch


def _left_out(count: int) -> str:
    turns = "the oldest turn" if count == 1 else f"the {count} oldest turns"
    return f"{turns} of the thread did not fit and {'was' if count == 1 else 'were'} not sent"


def _key_hint(provider: Provider) -> str:
    """Return what to do if the server does not accept the key."""
    if provider.name == LOCAL:
        return ""
    if provider.key is not None:
        another = f", or type another with %nbchat key {provider.name}"
        bare = provider.key_variable == GENERIC_KEY  # of no provider with a name
        return f"The key came from: {provider.key_source}. Check it{'' if bare else another}."
    if provider.key_variable:
        return f"No key was sent: {provider.key_variable} is not set."
    return (
        "No key was sent, because a project's pyproject.toml named this server: "
        "set NBCHAT_BASE_URL and NBCHAT_API_KEY if you trust it."
    )
