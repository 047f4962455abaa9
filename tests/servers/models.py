"""llmock and aimock as a model with tools: told what to answer, asked what they were sent."""

from __future__ import annotations

import json
from typing import Any, Protocol

from .control import AIMock, LLMock

Call = tuple[str, dict[str, Any]]

DONE = "That is done."


class Model(Protocol):
    """A server that is told what to answer, in order, before the first request."""

    base_url: str

    def call(self, *wanted: Call) -> None:
        """Answer one request by asking for calls."""

    def say(self) -> None:
        """Answer one request with `DONE`."""

    def outputs(self) -> list[tuple[str, str]]:
        """Call id and output of each tool in the last request."""

    def calls(self) -> list[str]:
        """The ids of the calls in the last request."""

    def last(self) -> str:
        """The last request, as JSON."""


class LLMockModel:
    """llmock in the part; it keeps requests as they were sent, and judges them."""

    def __init__(self, server: LLMock) -> None:
        self.server = server
        self.base_url = server.base_url

    def call(self, *wanted: Call) -> None:
        made = [{"name": name, "arguments": arguments} for name, arguments in wanted]
        self._script(tool_calls=made)

    def say(self) -> None:
        self._script(text=DONE)

    def _script(self, **fields: Any) -> None:
        # The question whether a response is kept, which has no model, takes none of them.
        self.server.script("reply", match={"model": "gpt-*"}, **fields)

    def _sent(self) -> dict[str, Any]:
        return dict([body for body in self.server.bodies if body][-1])

    def outputs(self) -> list[tuple[str, str]]:
        sent = self._sent()
        if "messages" in sent:
            told = [m for m in sent["messages"] if m["role"] == "tool"]
            return [(m["tool_call_id"], m["content"]) for m in told]
        items = [item for item in sent["input"] if item.get("type") == "function_call_output"]
        return [(item["call_id"], text_of(item["output"])) for item in items]

    def calls(self) -> list[str]:
        sent = self._sent()
        if "messages" in sent:
            return [call["id"] for m in sent["messages"] for call in m.get("tool_calls") or ()]
        items = [item for item in sent["input"] if item.get("type") == "function_call"]
        return [item["call_id"] for item in items]

    def last(self) -> str:
        return json.dumps(self._sent())


class AIMockModel:
    """aimock in the part; it keeps requests in the form of chat, whatever the endpoint."""

    def __init__(self, server: AIMock) -> None:
        self.server = server
        self.base_url = server.base_url

    def call(self, *wanted: Call) -> None:
        made = [{"name": name, "arguments": arguments} for name, arguments in wanted]
        self.server.answer({"toolCalls": made}, times=1)

    def say(self) -> None:
        self.server.answer({"content": DONE}, times=1)

    def _messages(self) -> list[dict[str, Any]]:
        return list(self.server.requests[-1]["body"]["messages"])

    def outputs(self) -> list[tuple[str, str]]:
        told = [m for m in self._messages() if m["role"] == "tool"]
        return [(m["tool_call_id"], text_of(m["content"])) for m in told]

    def calls(self) -> list[str]:
        return [call["id"] for m in self._messages() for call in m.get("tool_calls") or ()]

    def last(self) -> str:
        return json.dumps(self.server.requests[-1])


def text_of(output: Any) -> str:
    """The text of a tool's output, which may be a list of parts."""
    return output if isinstance(output, str) else "".join(p.get("text", "") for p in output)
