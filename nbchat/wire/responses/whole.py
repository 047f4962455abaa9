"""Output items and their parts that are told whole: at their end, or in a response without deltas.

The fold keeps of them what the deltas did not say.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from nbchat.messages import (
    AudioDelta,
    Cited,
    HostedTool,
    HostedToolDelta,
    ImageDelta,
    ItemDone,
    LogprobsDelta,
    ReasoningDone,
    RefusalDone,
    StreamEvent,
    TextDone,
    ToolCallDelta,
    ToolCallDone,
)
from nbchat.wire.responses.items import Item, detail_of, parts_of
from nbchat.wire.values import (
    arguments_of,
    citation_of,
    data_url,
    logprobs_of,
    objects_of,
    text_of,
)

Value = Mapping[str, Any]

CALLS: dict[str, Literal["function", "custom"]] = {
    "function_call": "function",
    "custom_tool_call": "custom",
}
"""The kinds of items that are calls, and what `ToolCallDelta` names them."""


class WholeReader:
    """Reads what is told whole.

    Attributes:
        heard: sound came in deltas, so that a whole one repeats it.
    """

    def __init__(self) -> None:
        self.heard = False

    def item(self, item: Item, value: Value) -> list[StreamEvent]:
        """Read an item."""
        events: list[StreamEvent] = []
        if item.kind == "message":
            for place, part in enumerate(parts_of(value)):
                events += self.part(item, place, part)
        elif item.kind == "reasoning":
            events += _reasoning(item, value)
        elif item.kind in CALLS:
            events += self.name(item, value)
            field = "arguments" if item.kind == "function_call" else "input"
            if arguments := arguments_of(value.get(field)):
                events.append(ToolCallDone(item.key, arguments))
        else:
            events += self._hosted(item, value)
        item.done = True
        events.append(ItemDone(value, item.position, item.key))
        return events

    def part(self, item: Item, place: Any, part: Value) -> list[StreamEvent]:
        """Read a part of a message or of a reasoning item."""
        events: list[StreamEvent] = []
        kind = part.get("type")
        key = part_key(item, place)
        if kind == "refusal":
            events.append(RefusalDone(text_of(part.get("refusal")), key=key))
        elif kind == "reasoning_text":
            events.append(ReasoningDone(text_of(part.get("text")), key=key))
        elif kind == "output_audio" and not self.heard:
            data, words = text_of(part.get("data")), text_of(part.get("transcript"))
            self.heard = True
            events.append(AudioDelta(data=data, transcript=words))
        elif text := text_of(part.get("text")):
            events.append(TextDone(text, key=key))
        for annotation in objects_of(part.get("annotations")):
            if citation := citation_of(annotation):
                events.append(Cited(citation, key=key))
        if not item.logprobs and (entries := logprobs_of(part.get("logprobs"))):
            events.append(LogprobsDelta(entries))
            item.logprobs = True
        return events

    def name(self, item: Item, value: Value) -> list[StreamEvent]:
        """Say the id and name of a call, once."""
        call_id = text_of(value.get("call_id")) or text_of(value.get("id"))
        name = text_of(value.get("name"))
        if item.named or not (call_id or name):
            return []
        item.named = True
        kind = CALLS[item.kind]
        return [ToolCallDelta(item.key, call_id, name, kind=kind)]

    def show(self, item: Item, status: str, detail: str) -> list[StreamEvent]:
        """Say the state of a hosted tool, if it changed."""
        if item.shown == (status, detail):
            return []
        item.shown = (status, detail)
        return [HostedTool(item.key, item.kind, status, detail)]

    def _hosted(self, item: Item, value: Value) -> list[StreamEvent]:
        events: list[StreamEvent] = []
        for name in ("code", "arguments"):
            if not item.spoken and (text := text_of(value.get(name))):
                events.append(HostedToolDelta(item.key, item.kind, text))
        for output in objects_of(value.get("outputs")):
            if logs := text_of(output.get("logs")):
                events.append(HostedToolDelta(item.key, item.kind, logs))
            if found := data_url(text_of(output.get("url"))):
                events.append(ImageDelta(item.key, data=found[1], format=found[0]))
        if image := text_of(value.get("result")):
            form = text_of(value.get("output_format")) or "png"
            events.append(ImageDelta(item.key, image, form))
        status = text_of(value.get("status")) or "completed"
        return events + self.show(item, status, detail_of(value) or item.shown[1])


def part_key(item: Item, place: Any) -> str:
    """Return the key of a part of an item's content."""
    return f"{item.key}#{place or 0}"


def summary_key(item: Item, place: Any) -> str:
    """Return the key of a part of a reasoning item's summary."""
    return f"{item.key}#s{place or 0}"


def _reasoning(item: Item, value: Value) -> list[StreamEvent]:
    """Read a reasoning item. Some servers send one text as its summary and as its content."""
    summary = [text_of(part.get("text")) for part in parts_of(value, "summary")]
    content = [text_of(part.get("text")) for part in parts_of(value, "content")]
    events: list[StreamEvent] = []
    if summary != content:
        for place, text in enumerate(summary):
            events.append(ReasoningDone(text, key=summary_key(item, place), summary=True))
    for place, text in enumerate(content):
        events.append(ReasoningDone(text, key=part_key(item, place)))
    return events
