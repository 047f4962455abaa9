"""Requests of the client, and the events of its streams."""

from __future__ import annotations

import concurrent.futures
from typing import Any

from nbchat.client import Request, Stream
from nbchat.messages import Endpoint, StreamEvent, TextDelta
from nbchat.wire.url import endpoint_url
from tests.support.server import PATIENCE


def prompt(
    base_url: str,
    endpoint: Endpoint = "chat",
    text: str = "hello there",
    *,
    stream: bool = True,
    **fields: Any,
) -> Request:
    """Return the request of one prompt."""
    messages = [{"role": "user", "content": text}]
    name = "messages" if endpoint == "chat" else "input"
    body = {"model": "test-model", "stream": stream, name: messages}
    return Request(endpoint_url(base_url, endpoint), body, endpoint, **fields)


def collect(stream: Stream) -> list[StreamEvent]:
    """Return all events to the end."""
    events: list[StreamEvent] = []
    while not stream.ended:
        events += stream.get(PATIENCE) or []
    return events


def at_rest(stream: Stream) -> None:
    """Wait until the connection was given back, which comes after the last event."""
    done, _ = concurrent.futures.wait([stream._future], PATIENCE)
    assert done, "the connection is still in use"


def until(stream: Stream, kind: type[StreamEvent]) -> StreamEvent:
    """Return the first event of a kind."""
    while not stream.ended:
        for event in stream.get(PATIENCE) or []:
            if isinstance(event, kind):
                return event
    raise AssertionError(f"no {kind.__name__}")


def text_of(events: list[StreamEvent]) -> str:
    return "".join(event.text for event in events if isinstance(event, TextDelta))
