"""nbchat's answer equals what the official SDK accumulates, for every stream that it can read."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx2
import openai
import pytest
from openai.lib.streaming.chat import ChatCompletionStreamState
from openai.lib.streaming.responses._responses import ResponseStreamState

from nbchat.conversation.fold import Answer
from tests.wire.streams import Case, fold
from tests.wire.streams.catalogue import CASES
from tests.wire.streams.unread import UNREAD

# The SDK builds its models from whatever comes, and pydantic warns when it writes them down.
pytestmark = pytest.mark.filterwarnings("ignore:Pydantic serializer warnings")

READ = [case for case in CASES if str(case) not in UNREAD]


@pytest.fixture
def served(case: Case) -> Iterator[openai.OpenAI]:
    """The SDK, in front of a server that sends the case's body."""
    kind = "application/json" if case.body.startswith(b"{") else "text/event-stream"

    def answer(request: httpx2.Request) -> httpx2.Response:
        return httpx2.Response(200, headers={"content-type": kind}, content=case.body)

    with httpx2.Client(transport=httpx2.MockTransport(answer)) as http:
        yield openai.OpenAI(api_key="none", base_url="http://server.test", http_client=http)


@pytest.mark.parametrize("case", [case for case in READ if case.endpoint == "chat"], ids=str)
def test_chat_equals_the_sdk(case: Case, served: openai.OpenAI) -> None:
    answer, _ = fold(case.endpoint, [case.body], **case.options)
    assert _ours_chat(answer) == _theirs_chat(_completion(served, case))


@pytest.mark.parametrize("case", [case for case in READ if case.endpoint == "responses"], ids=str)
def test_responses_equal_the_sdk(case: Case, served: openai.OpenAI) -> None:
    answer, _ = fold(case.endpoint, [case.body], **case.options)
    assert _ours_response(answer) == _theirs_response(_response(served, case))


def test_only_streams_of_the_tests_are_said_to_be_unread() -> None:
    assert {str(case) for case in CASES} >= UNREAD


def _completion(client: openai.OpenAI, case: Case) -> Any:
    if case.body.startswith(b"{"):
        return client.chat.completions.create(model="m", messages=[])
    state: ChatCompletionStreamState[Any] = ChatCompletionStreamState()
    for chunk in client.chat.completions.create(model="m", messages=[], stream=True):
        state.handle_chunk(chunk)
    return state.current_completion_snapshot


def _response(client: openai.OpenAI, case: Case) -> Any:
    if case.body.startswith(b"{"):
        return client.responses.create(model="m", input="")
    state: ResponseStreamState[Any] = ResponseStreamState(
        input_tools=openai.omit, text_format=openai.omit
    )
    last = None
    for event in client.responses.create(model="m", input="", stream=True):
        for seen in state.handle_event(event):
            last = getattr(seen, "response", last)
    return last


def _ours_chat(answer: Answer) -> dict[str, Any]:
    choices = {
        index: {
            "text": state.text,
            "refusal": state.refusal,
            "reasoning": state.reasoning,
            "finish": state.finish_reason,
            "calls": [(c.id, c.name, c.arguments, dict(c.extra)) for c in state.tool_calls],
            "logprobs": [dict(entry) for entry in state.logprobs],
            "audio": state.audio and (state.audio.id, state.audio.data, state.audio.transcript),
        }
        for index, state in answer.choices.items()
    }
    usage = answer.usage and (answer.usage.input, answer.usage.output)
    head = (answer.id, answer.model, answer.created)
    return {"head": head, "usage": usage, "choices": choices}


def _theirs_chat(completion: Any) -> dict[str, Any]:
    choices = {}
    for choice in completion.choices:
        message, more = choice.message, choice.message.model_extra or {}
        logprobs = choice.logprobs
        audio = message.audio
        entries = [*(logprobs.content or ()), *(logprobs.refusal or ())] if logprobs else []
        choices[choice.index] = {
            "text": message.content or "",
            "refusal": message.refusal or "",
            "reasoning": more.get("reasoning_content") or more.get("reasoning") or "",
            "finish": choice.finish_reason or "",
            "calls": [
                (c.id, *_spoken(c.to_dict(warnings=False)), _extra(c))
                for c in message.tool_calls or ()
            ],
            "logprobs": [entry.to_dict() for entry in entries],
            "audio": audio and (audio.id, audio.data, audio.transcript),
        }
    usage = completion.usage and (
        completion.usage.prompt_tokens,
        completion.usage.completion_tokens,
    )
    head = (completion.id, completion.model, completion.created)
    return {"head": head, "usage": usage, "choices": choices}


def _spoken(call: dict[str, Any]) -> tuple[str, str]:
    if custom := call.get("custom"):
        return custom["name"], custom["input"]
    return call["function"]["name"], call["function"]["arguments"]


def _extra(call: Any) -> dict[str, Any]:
    return {key: value for key, value in (call.model_extra or {}).items() if key != "index"}


def _bare(value: Any) -> Any:
    """Return a value without what the SDK adds to it."""
    if isinstance(value, dict):
        return {key: _bare(inner) for key, inner in value.items() if "parsed" not in key}
    return [_bare(inner) for inner in value] if isinstance(value, list) else value


def _ours_response(answer: Answer) -> dict[str, Any]:
    [choice] = answer.reply_choices()
    return {
        "head": (answer.id, answer.model, answer.created, answer.status),
        "usage": answer.usage and (answer.usage.input, answer.usage.output),
        "items": [dict(item) for item in answer.items],
        "text": choice.text,
        "refusal": choice.refusal,
        "reasoning": choice.reasoning,
        "calls": [(c.id, c.name, c.arguments) for c in choice.tool_calls],
        "citations": [c.url for c in choice.citations],
    }


def _theirs_response(response: Any) -> dict[str, Any]:
    output = response.output or []
    messages = [item for item in output if item.type == "message"]
    parts = [part for item in messages for part in item.content]
    thoughts = [item for item in output if item.type == "reasoning"]
    usage = response.usage
    return {
        "head": (response.id, response.model, response.created_at, response.status),
        "usage": usage and (usage.input_tokens, usage.output_tokens),
        "items": [_bare(item.to_dict(warnings=False)) for item in output],
        "text": "\n\n".join(
            "".join(part.text for part in item.content if part.type == "output_text")
            for item in messages
        ),
        "refusal": "".join(part.refusal for part in parts if part.type == "refusal"),
        "reasoning": "\n\n".join(
            part.text for item in thoughts for part in (*item.summary, *(item.content or ()))
        ),
        "calls": [
            (item.call_id, item.name, getattr(item, "arguments", None) or item.input)
            for item in output
            if item.type in ("function_call", "custom_tool_call")
        ],
        "citations": [
            note.url for part in parts if part.type == "output_text" for note in part.annotations
        ],
    }
