"""The Python interface: the same engine without a notebook's cell or its output.

The options are those of the magic line, as keyword arguments with underscores
(``max_tokens=100``, ``thread="poems"``); ``%%chat?`` lists them.
"""

from __future__ import annotations

import asyncio
import queue
import threading
from collections.abc import AsyncIterator, Awaitable, Iterator
from typing import Any, Literal, overload

from nbchat.errors import UsageError
from nbchat.interrupt import StopSignal
from nbchat.messages import Endpoint, Idle, Settled, StreamEvent
from nbchat.options import Options, check
from nbchat.reply import Reply
from nbchat.session import Plan, Session, shared

__all__ = ["achat", "arespond", "chat", "respond"]

_OF_A_CELL = ("bg", "code", "curl", "dry_run", "literal", "out")
"""What only a cell can do."""


@overload
def chat(prompt: str, *, stream: Literal[False] = False, **options: Any) -> Reply: ...
@overload
def chat(prompt: str, *, stream: Literal[True], **options: Any) -> Iterator[StreamEvent]: ...
def chat(prompt: str, *, stream: bool = False, **options: Any) -> Reply | Iterator[StreamEvent]:
    """Ask by the Chat Completions API and return the reply.

    Args:
        prompt: the text of the prompt, sent as it stands.
        stream: return an iterator of the events instead, as they come; the last one is `Settled`.
        options: those of ``%%chat``, but for what only a cell can do (``bg``, ``out``, …).

    Raises:
        UsageError: an option or the prompt is wrong; nothing was sent.
        ConfigurationError: no provider, no key or no model.
        APIError: the request failed or the answer broke off.
        Interrupted: Ctrl-C.

    >>> nbchat.chat("What is 2 + 2?", provider="local", max_tokens=20, once=True).status
    'completed'
    """
    return _ask("chat", prompt, stream, options)


@overload
def respond(prompt: str, *, stream: Literal[False] = False, **options: Any) -> Reply: ...
@overload
def respond(prompt: str, *, stream: Literal[True], **options: Any) -> Iterator[StreamEvent]: ...
def respond(prompt: str, *, stream: bool = False, **options: Any) -> Reply | Iterator[StreamEvent]:
    """Ask by the Responses API and return the reply; see `chat`.

    >>> events = nbchat.respond("Say hello.", provider="local", once=True, stream=True)
    >>> type(list(events)[-1]).__name__
    'Settled'
    """
    return _ask("responses", prompt, stream, options)


@overload
def achat(prompt: str, *, stream: Literal[False] = False, **options: Any) -> Awaitable[Reply]: ...
@overload
def achat(prompt: str, *, stream: Literal[True], **options: Any) -> AsyncIterator[StreamEvent]: ...
def achat(
    prompt: str, *, stream: bool = False, **options: Any
) -> Awaitable[Reply] | AsyncIterator[StreamEvent]:
    """Ask by the Chat Completions API without blocking the event loop; see `chat`.

    Cancelling the task stops the answer; what had come is kept in the thread.

    >>> import asyncio
    >>> async def both():
    ...     ask = [nbchat.achat(q, provider="local", max_tokens=5, once=True) for q in ("a", "b")]
    ...     return await asyncio.gather(*ask)
    >>> [reply.status for reply in asyncio.run(both())]
    ['completed', 'completed']
    """
    return _aask("chat", prompt, stream, options)


@overload
def arespond(
    prompt: str, *, stream: Literal[False] = False, **options: Any
) -> Awaitable[Reply]: ...
@overload
def arespond(
    prompt: str, *, stream: Literal[True], **options: Any
) -> AsyncIterator[StreamEvent]: ...
def arespond(
    prompt: str, *, stream: bool = False, **options: Any
) -> Awaitable[Reply] | AsyncIterator[StreamEvent]:
    """Ask by the Responses API without blocking the event loop; see `achat`.

    >>> import asyncio
    >>> asyncio.run(nbchat.arespond("Say hello.", provider="local", once=True)).status
    'completed'
    """
    return _aask("responses", prompt, stream, options)


def _plan(endpoint: Endpoint, prompt: str, options: dict[str, Any]) -> tuple[Session, Plan]:
    session = shared()
    for name in _OF_A_CELL:
        if options.get(name):
            raise UsageError(f"{name} is for cells: leave it out, Python has the reply itself")
    chosen = Options.of(**options)
    check(chosen, endpoint)
    return session, session.plan(prompt, chosen, endpoint)


def _ask(
    endpoint: Endpoint, prompt: str, stream: bool, options: dict[str, Any]
) -> Reply | Iterator[StreamEvent]:
    session, plan = _plan(endpoint, prompt, options)
    events = (event for event in session.run(plan) if not isinstance(event, Idle))
    return events if stream else _last([event for event in events if isinstance(event, Settled)])


def _last(settled: list[Settled]) -> Reply:
    assert settled, "a prompt ends with Settled or an exception"
    return settled[-1].reply


def _aask(
    endpoint: Endpoint, prompt: str, stream: bool, options: dict[str, Any]
) -> Awaitable[Reply] | AsyncIterator[StreamEvent]:
    session, plan = _plan(endpoint, prompt, options)
    events = _aevents(session, plan)
    return events if stream else _areply(events)


async def _areply(events: AsyncIterator[StreamEvent]) -> Reply:
    return _last([event async for event in events if isinstance(event, Settled)])


async def _aevents(session: Session, plan: Plan) -> AsyncIterator[StreamEvent]:
    """Yield a prompt's events; a thread of its own waits for them."""
    loop = asyncio.get_running_loop()
    arrived = asyncio.Event()
    said: queue.SimpleQueue[StreamEvent | BaseException | None] = queue.SimpleQueue()
    stopped = StopSignal()

    def tell(what: StreamEvent | BaseException | None) -> None:
        said.put(what)
        if not loop.is_closed():
            loop.call_soon_threadsafe(arrived.set)

    def run() -> None:
        try:
            for event in session.run(plan, stopped):
                if not isinstance(event, Idle):
                    tell(event)
            tell(None)
        except BaseException as error:  # noqa: BLE001 - raised again where it is awaited
            tell(error)

    worker = threading.Thread(target=run, name="nbchat-ask", daemon=True)
    worker.start()
    try:
        while True:
            await arrived.wait()
            arrived.clear()
            while not said.empty():
                what = said.get()
                if what is None:
                    return
                if isinstance(what, BaseException):
                    raise what
                yield what
    finally:
        stopped.set()
