"""Responses: the events of a stream, or a whole response, as `StreamEvent`s."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from nbchat.messages import (
    AudioDelta,
    Cited,
    Finished,
    HostedToolDelta,
    ImageDelta,
    LogprobsDelta,
    Notice,
    ReasoningDelta,
    ReasoningDone,
    RefusalDelta,
    ResponseSeen,
    Started,
    StreamEvent,
    TextDelta,
    ToolCallDelta,
    ToolCallDone,
    Usage,
    UsageSeen,
)
from nbchat.wire.decoder import Decoder, is_failure
from nbchat.wire.responses.items import Item, ItemTable, detail_of, kind_of
from nbchat.wire.responses.whole import CALLS, WholeReader, part_key, summary_key
from nbchat.wire.values import (
    arguments_of,
    citation_of,
    logprobs_of,
    mapping_of,
    number_of,
    objects_of,
    text_of,
    usage_of,
)

Event = Mapping[str, Any]
Handler = Callable[["ResponsesDecoder", Event, str], list[StreamEvent]]

_ENDS = ("completed", "incomplete", "failed", "cancelled")
_STATUSES = (*_ENDS, "queued", "in_progress")
_SILENT = frozenset({"message", "reasoning", *CALLS})  # the kinds that are no hosted tool


class ResponsesDecoder(Decoder):
    """Decodes one answer of ``/responses``.

    Args:
        max_tokens: the limit that was asked for. Some servers say completed when they hit it.
    """

    def __init__(self, max_tokens: int | None = None) -> None:
        super().__init__()
        self._limit = max_tokens
        self._table = ItemTable()
        self._head = Started()
        self._keys: dict[str, str] = {}  # of text parts: asked for every delta
        self._whole = WholeReader()

    def _frame(self, frame: dict[str, Any], event: str) -> list[StreamEvent]:
        kind = frame.get("type") or event
        handler = HANDLERS.get(kind) if isinstance(kind, str) else None
        if handler is not None:
            return handler(self, frame, kind)
        if mapping_of(frame.get("response")).get("status") in _ENDS:
            return self._on_end(frame, "")
        if isinstance(kind, str) and kind.startswith("response.") and kind != "response.error":
            return []  # a type that is not known yet
        return self.fail(frame) if is_failure(frame) else []

    def _answer(self, answer: dict[str, Any]) -> list[StreamEvent]:
        status = text_of(answer.get("status"))
        if status in _STATUSES or isinstance(answer.get("output"), list):
            return self._end(answer, status or "completed")
        return self.fail(answer if is_failure(answer) else "this is no response object")

    def _complete(self) -> list[StreamEvent]:
        return [*self._leftovers(), Finished("")]

    def _rest(self) -> list[StreamEvent]:
        return []

    # --- The response as a whole ------------------------------------------------------------

    def _on_head(self, event: Event, kind: str) -> list[StreamEvent]:
        return self._describe(mapping_of(event.get("response")))

    def _on_end(self, event: Event, kind: str) -> list[StreamEvent]:
        response = mapping_of(event.get("response"))
        status = text_of(response.get("status"))
        if status in ("", "in_progress"):  # a server that forgot to update it
            status = kind.removeprefix("response.")
        events = self._end(response if response else event, status)
        self.done = True
        return events

    def _on_error(self, event: Event, kind: str) -> list[StreamEvent]:
        return self.fail(event)

    def _end(self, response: Event, status: str) -> list[StreamEvent]:
        events = self._describe(response)
        for item, value in self._table.of_output(objects_of(response.get("output"))):
            if not item.done:
                events += self._take(item, value)
        events += self._leftovers()
        usage = usage_of(response.get("usage"))
        if usage:
            events.append(UsageSeen(usage))
        events.append(ResponseSeen(response))
        if status == "failed":
            return events + self.fail(response)
        if status in ("queued", "in_progress"):
            words = f"the provider works on response {self._head.id} in the background"
            events.append(Notice(words, "background"))
        self.ended = True
        events.append(Finished(self._reason(response, status, usage), status=status))
        return events

    def _reason(self, response: Event, status: str, usage: Usage | None) -> str:
        """Return why the answer ended, in the words of Chat Completions where it has one."""
        if status == "incomplete":
            why = text_of(mapping_of(response.get("incomplete_details")).get("reason"))
            return "length" if why == "max_output_tokens" else why or status
        if status != "completed":
            return status
        limit = response.get("max_output_tokens") or self._limit
        if usage and isinstance(limit, int) and usage.output >= limit:
            return "length"
        return "tool_calls" if any(item.kind in CALLS for item in self._table.items) else "stop"

    def _describe(self, response: Event) -> list[StreamEvent]:
        """Say what the server says of itself, where it says more than before."""
        last = self._head
        head = Started(
            id=text_of(response.get("id")) or last.id,
            model=text_of(response.get("model")) or last.model,
            created=last.created or number_of(response.get("created_at")),
            service_tier=text_of(response.get("service_tier")) or last.service_tier,
            previous_response_id=text_of(response.get("previous_response_id"))
            or last.previous_response_id,
        )
        if head == last:
            return []
        self._head = head
        return [head]

    # --- Items ------------------------------------------------------------------------------

    def _on_item_added(self, event: Event, kind: str) -> list[StreamEvent]:
        value = event.get("item")
        if not isinstance(value, dict):
            return []
        item = self._table.add(value, event.get("output_index"))
        self._keys.clear()
        if item.kind in CALLS:
            return self._whole.name(item, value)
        if item.kind in _SILENT:
            return []
        return self._whole.show(
            item, text_of(value.get("status")) or "in_progress", detail_of(value)
        )

    def _on_item_done(self, event: Event, kind: str) -> list[StreamEvent]:
        value = event.get("item")
        if not isinstance(value, dict):
            return []
        place = event.get("output_index")
        return self._take(self._table.find(kind_of(value), value.get("id"), place), value)

    def _leftovers(self) -> list[StreamEvent]:
        """Take an item whose end was left out as it was announced, if nothing else is known."""
        events: list[StreamEvent] = []
        for item in self._table.items:
            if item.added and not (item.done or item.spoken):
                events += self._take(item, item.added)
        return events

    def _take(self, item: Item, value: Event) -> list[StreamEvent]:
        self._keys.clear()
        return self._whole.item(item, value)

    # --- Text, refusal, reasoning -----------------------------------------------------------

    def _on_text(self, event: Event, kind: str) -> list[StreamEvent]:
        delta = event.get("delta")
        if not isinstance(delta, str):
            return []
        place = event.get("content_index")
        where = f"{event.get('item_id')} {event.get('output_index')} {place}"
        key = self._keys.get(where)
        if key is None:
            key = self._keys[where] = part_key(self._speaking("message", event), place)
        events: list[StreamEvent] = [TextDelta(delta, 0, key)] if delta else []
        if event.get("logprobs") and (entries := logprobs_of(event["logprobs"])):
            self._speaking("message", event).logprobs = True
            events.append(LogprobsDelta(entries))
        return events

    def _on_part(self, event: Event, kind: str) -> list[StreamEvent]:
        """Read a part that is told whole: the text, the refusal, or the reasoning of a done event.

        The events name the text ``text`` or ``refusal``, or carry a ``part``.
        """
        part = event.get("part")
        if not isinstance(part, dict):
            part = {**event, "type": kind.removeprefix("response.").removesuffix(".done")}
        of = "reasoning" if part.get("type") == "reasoning_text" else "message"
        item = self._speaking(of, event)
        return self._whole.part(item, event.get("content_index"), part)

    def _on_refusal(self, event: Event, kind: str) -> list[StreamEvent]:
        item = self._speaking("message", event)
        key = part_key(item, event.get("content_index"))
        return [RefusalDelta(text_of(event.get("delta")), key=key)]

    def _on_reasoning(self, event: Event, kind: str) -> list[StreamEvent]:
        key = part_key(self._speaking("reasoning", event), event.get("content_index"))
        return [ReasoningDelta(text_of(event.get("delta")), key=key)]

    def _on_summary(self, event: Event, kind: str) -> list[StreamEvent]:
        key = summary_key(self._speaking("reasoning", event), event.get("summary_index"))
        return [ReasoningDelta(text_of(event.get("delta")), key=key, summary=True)]

    def _on_summary_done(self, event: Event, kind: str) -> list[StreamEvent]:
        key = summary_key(self._speaking("reasoning", event), event.get("summary_index"))
        text = text_of(event.get("text")) or text_of(mapping_of(event.get("part")).get("text"))
        return [ReasoningDone(text, key=key, summary=True)]

    def _on_annotation(self, event: Event, kind: str) -> list[StreamEvent]:
        citation = citation_of(event.get("annotation"))
        if citation is None:
            return []
        item = self._speaking("message", event)
        return [Cited(citation, key=part_key(item, event.get("content_index")))]

    # --- Calls, hosted tools, images, sound -------------------------------------------------

    def _on_arguments(self, event: Event, kind: str) -> list[StreamEvent]:
        delta = text_of(event.get("delta"))
        if not delta:
            return []
        item = self._speaking(_CALL_EVENTS[kind], event)
        return [ToolCallDelta(item.key, arguments=delta, kind=CALLS[item.kind])]

    def _on_arguments_done(self, event: Event, kind: str) -> list[StreamEvent]:
        item = self._speaking(_CALL_EVENTS[kind], event)
        text = arguments_of(event.get("arguments") or event.get("input"))
        return [ToolCallDone(item.key, text)] if text else []

    def _on_state(self, event: Event, kind: str) -> list[StreamEvent]:
        tool, _, status = kind.removeprefix("response.").rpartition(".")
        item = self._find(tool, event)
        return self._whole.show(item, status, item.shown[1])

    def _on_hosted(self, event: Event, kind: str) -> list[StreamEvent]:
        delta = event.get("delta")
        text = text_of(delta) or _output(delta)
        if not text:
            return []
        item = self._speaking(_HOSTED_TEXT[kind], event)
        return [HostedToolDelta(item.key, item.kind, text)]

    def _on_hosted_done(self, event: Event, kind: str) -> list[StreamEvent]:
        item = self._find(_HOSTED_TEXT[kind], event)
        if item.spoken:
            return []
        item.spoken = True
        for name in ("code", "arguments", "command", "output"):
            if text := text_of(event.get(name)) or _output(event.get(name)):
                return [HostedToolDelta(item.key, item.kind, text)]
        return []

    def _on_partial_image(self, event: Event, kind: str) -> list[StreamEvent]:
        item = self._speaking("image_generation_call", event)
        data = text_of(event.get("partial_image_b64"))
        form = text_of(event.get("output_format")) or "png"
        return [ImageDelta(item.key, data, form, partial=True)] if data else []

    def _on_audio(self, event: Event, kind: str) -> list[StreamEvent]:
        delta = text_of(event.get("delta"))
        if not delta:
            return []
        self._whole.heard = True
        if kind == "response.audio.delta":
            return [AudioDelta(data=delta)]
        return [AudioDelta(transcript=delta)]

    def _on_nothing(self, event: Event, kind: str) -> list[StreamEvent]:
        return []  # what it says is known from its neighbours

    def _find(self, kind: str, event: Event) -> Item:
        return self._table.find(kind, event.get("item_id"), event.get("output_index"))

    def _speaking(self, kind: str, event: Event) -> Item:
        item = self._find(kind, event)
        item.spoken = True
        return item


def _output(value: Any) -> str:
    """Return what a shell wrote: an object, or a list of them."""
    outputs = value if isinstance(value, list) else [value]
    return "".join(
        text_of(output.get("stdout")) + text_of(output.get("stderr"))
        for output in objects_of(outputs)
    )


_CALL_EVENTS = {
    "response.function_call_arguments.delta": "function_call",
    "response.function_call_arguments.done": "function_call",
    "response.custom_tool_call_input.delta": "custom_tool_call",
    "response.custom_tool_call_input.done": "custom_tool_call",
}

_HOSTED_TEXT = {
    "response.code_interpreter_call_code.delta": "code_interpreter_call",
    "response.code_interpreter_call_code.done": "code_interpreter_call",
    "response.mcp_call_arguments.delta": "mcp_call",
    "response.mcp_call_arguments.done": "mcp_call",
    "response.shell_call_command.delta": "shell_call",
    "response.shell_call_command.done": "shell_call",
    "response.shell_call_output_content.delta": "shell_call",
    "response.shell_call_output_content.done": "shell_call",
}

HANDLERS: dict[str, Handler] = {
    "error": ResponsesDecoder._on_error,
    "response.created": ResponsesDecoder._on_head,
    "response.queued": ResponsesDecoder._on_head,
    "response.in_progress": ResponsesDecoder._on_head,
    "response.completed": ResponsesDecoder._on_end,
    "response.incomplete": ResponsesDecoder._on_end,
    "response.failed": ResponsesDecoder._on_end,
    "response.output_item.added": ResponsesDecoder._on_item_added,
    "response.output_item.done": ResponsesDecoder._on_item_done,
    "response.content_part.added": ResponsesDecoder._on_nothing,
    "response.content_part.done": ResponsesDecoder._on_part,
    "response.output_text.delta": ResponsesDecoder._on_text,
    "response.output_text.done": ResponsesDecoder._on_part,
    "response.output_text.annotation.added": ResponsesDecoder._on_annotation,
    "response.refusal.delta": ResponsesDecoder._on_refusal,
    "response.refusal.done": ResponsesDecoder._on_part,
    "response.reasoning_text.delta": ResponsesDecoder._on_reasoning,
    "response.reasoning_text.done": ResponsesDecoder._on_part,
    "response.reasoning_summary_part.added": ResponsesDecoder._on_nothing,
    "response.reasoning_summary_part.done": ResponsesDecoder._on_summary_done,
    "response.reasoning_summary_text.delta": ResponsesDecoder._on_summary,
    "response.reasoning_summary_text.done": ResponsesDecoder._on_summary_done,
    "response.function_call_arguments.delta": ResponsesDecoder._on_arguments,
    "response.function_call_arguments.done": ResponsesDecoder._on_arguments_done,
    "response.custom_tool_call_input.delta": ResponsesDecoder._on_arguments,
    "response.custom_tool_call_input.done": ResponsesDecoder._on_arguments_done,
    "response.web_search_call.in_progress": ResponsesDecoder._on_state,
    "response.web_search_call.searching": ResponsesDecoder._on_state,
    "response.web_search_call.completed": ResponsesDecoder._on_state,
    "response.file_search_call.in_progress": ResponsesDecoder._on_state,
    "response.file_search_call.searching": ResponsesDecoder._on_state,
    "response.file_search_call.completed": ResponsesDecoder._on_state,
    "response.code_interpreter_call.in_progress": ResponsesDecoder._on_state,
    "response.code_interpreter_call.interpreting": ResponsesDecoder._on_state,
    "response.code_interpreter_call.completed": ResponsesDecoder._on_state,
    "response.code_interpreter_call_code.delta": ResponsesDecoder._on_hosted,
    "response.code_interpreter_call_code.done": ResponsesDecoder._on_hosted_done,
    "response.image_generation_call.in_progress": ResponsesDecoder._on_state,
    "response.image_generation_call.generating": ResponsesDecoder._on_state,
    "response.image_generation_call.completed": ResponsesDecoder._on_state,
    "response.image_generation_call.partial_image": ResponsesDecoder._on_partial_image,
    "response.mcp_call.in_progress": ResponsesDecoder._on_state,
    "response.mcp_call.completed": ResponsesDecoder._on_state,
    "response.mcp_call.failed": ResponsesDecoder._on_state,
    "response.mcp_call_arguments.delta": ResponsesDecoder._on_hosted,
    "response.mcp_call_arguments.done": ResponsesDecoder._on_hosted_done,
    "response.mcp_list_tools.in_progress": ResponsesDecoder._on_state,
    "response.mcp_list_tools.completed": ResponsesDecoder._on_state,
    "response.mcp_list_tools.failed": ResponsesDecoder._on_state,
    "response.shell_call_command.added": ResponsesDecoder._on_nothing,
    "response.shell_call_command.delta": ResponsesDecoder._on_hosted,
    "response.shell_call_command.done": ResponsesDecoder._on_hosted_done,
    "response.shell_call_output_content.delta": ResponsesDecoder._on_hosted,
    "response.shell_call_output_content.done": ResponsesDecoder._on_hosted_done,
    "response.compaction.compacting": ResponsesDecoder._on_state,
    "response.audio.delta": ResponsesDecoder._on_audio,
    "response.audio.done": ResponsesDecoder._on_nothing,
    "response.audio.transcript.delta": ResponsesDecoder._on_audio,
    "response.audio.transcript.done": ResponsesDecoder._on_nothing,
}
