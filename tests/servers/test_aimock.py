"""nbchat against aimock: what it answers, and every fault that it offers.

The faults: an error status of any kind, with or without a time to wait; one for the next request
alone; chaos (500, 429, a closed connection, JSON that is none, latency), for one fixture or for
all; streams that are cut after some frames or some time, or that come slowly; a key that it does
not know; a request that it has no answer for. It also speaks as OpenRouter and Azure do, and
answers with parallel and interleaved tool calls, reasoning and web searches.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from nbchat.errors import (
    APIConnectionError,
    AuthenticationError,
    InternalServerError,
    NotFoundError,
    PermissionDeniedError,
    RateLimitError,
    StreamError,
    status_error,
)
from nbchat.messages import Endpoint, HostedTool, ReasoningDelta, TextDelta, Usage

from .asking import Asker
from .control import AIMock

Make = Callable[..., Asker]
Way = tuple[Endpoint, bool]

PROMPT = "What is the answer?"
ANSWER = "The answer is 42, of course."
TEXT = {"content": ANSWER}


@pytest.fixture
def ask(way: Way, aimock: AIMock, asker: Make) -> Asker:
    """Asks aimock in each of the four ways."""
    endpoint, stream = way
    return asker(aimock.base_url, endpoint, stream=stream)


@pytest.fixture
def ask_stream(endpoint: Endpoint, aimock: AIMock, asker: Make) -> Asker:
    """Asks aimock for streams, at both endpoints."""
    return asker(aimock.base_url, endpoint)


# --- Answers --------------------------------------------------------------------------------


def test_a_plain_answer(way: Way, ask: Asker, aimock: AIMock) -> None:
    aimock.answer(TEXT)
    outcome = ask(PROMPT)
    reply = outcome.reply
    assert (reply.text, reply.status, reply.finish_reason) == (ANSWER, "completed", "stop")
    assert reply.model == "gpt-5.1"
    assert reply.request_id.startswith("req-")
    assert reply.notices == ()
    if ask.endpoint == "chat":
        assert reply.usage == Usage(input=5, output=7)
    else:
        assert reply.usage is None  # aimock's zeros are no count
    _, stream = way
    pieces = [event.text for event in outcome.of(TextDelta)]
    assert len(pieces) == (7 if stream else 1)
    assert aimock.statuses == [200]


def test_the_servers_own_words(ask: Asker, aimock: AIMock) -> None:
    usage = {"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 15}
    own = {"id": "an-id", "model": "another-model", "systemFingerprint": "fp_1", "usage": usage}
    aimock.answer({**TEXT, **own})
    reply = ask(PROMPT).reply
    assert (reply.id, reply.model, reply.usage) == ("an-id", "another-model", Usage(10, 5))


def test_an_answer_that_is_too_long(ask: Asker, aimock: AIMock) -> None:
    aimock.answer({**TEXT, "finishReason": "length"})
    reply = ask(PROMPT).reply
    assert reply.text == ANSWER
    if ask.endpoint == "chat":
        assert (reply.status, reply.finish_reason) == ("completed", "length")
    else:  # aimock does not say why it is incomplete
        assert (reply.status, reply.finish_reason) == ("incomplete", "incomplete")


def test_an_answer_that_is_filtered(ask: Asker, aimock: AIMock) -> None:
    aimock.answer({**TEXT, "finishReason": "content_filter"})
    outcome = ask(PROMPT)
    assert outcome.settled is not None
    assert outcome.settled.text == ANSWER
    if ask.endpoint == "chat":
        assert outcome.reply.finish_reason == "content_filter"
    else:  # there the response has failed, whatever its last event is called
        assert isinstance(outcome.error, StreamError)
        assert outcome.settled.status == "failed"


def test_parallel_tool_calls(ask: Asker, aimock: AIMock) -> None:
    calls: list[dict[str, Any]] = [
        {"name": "weather", "arguments": {"city": "Łódź", "days": 3}},
        {"name": "weather", "arguments": {"city": "Malmö", "days": 1}},
        {"name": "now", "arguments": {}, "id": "call_own"},
    ]
    aimock.answer({"toolCalls": calls})
    reply = ask(PROMPT).reply
    assert (reply.text, reply.finish_reason) == ("", "tool_calls")
    made = [(call.name, json.loads(call.arguments)) for call in reply.tool_calls]
    assert made == [(call["name"], call["arguments"]) for call in calls]
    assert reply.tool_calls[2].id == "call_own"
    assert len({call.id for call in reply.tool_calls}) == 3


def test_text_and_tool_calls_in_any_order(ask: Asker, aimock: AIMock) -> None:
    a = {"type": "toolCall", "name": "a", "arguments": {"x": 1}}
    b = {"type": "toolCall", "name": "b", "arguments": {"y": "z"}}
    says = [{"type": "text", "text": text} for text in ("First a. ", "Then b.")]
    aimock.answer({"blocks": [a, says[0], b, says[1]]})
    reply = ask(PROMPT).reply
    assert [(call.name, call.arguments) for call in reply.tool_calls] == [
        ("a", '{"x":1}'),
        ("b", '{"y":"z"}'),
    ]
    assert reply.finish_reason == "tool_calls"
    # On Responses these are two messages, which a blank line keeps apart.
    assert reply.text.split() == ["First", "a.", "Then", "b."]


def test_reasoning(ask: Asker, aimock: AIMock) -> None:
    call = {"name": "look", "arguments": {}}
    aimock.answer({**TEXT, "reasoning": "Let me think. 6 times 7.", "toolCalls": [call]})
    outcome = ask(PROMPT)
    assert (outcome.reply.text, outcome.reply.reasoning) == (ANSWER, "Let me think. 6 times 7.")
    assert [made.name for made in outcome.reply.tool_calls] == ["look"]
    kinds = [type(event) for event in outcome.events]
    assert kinds.index(ReasoningDelta) < kinds.index(TextDelta)


@pytest.mark.parametrize("stream", [True, False], ids=["streamed", "whole"])
def test_web_searches(stream: bool, aimock: AIMock, asker: Make) -> None:
    aimock.answer({**TEXT, "webSearches": ["life", "the universe"]})
    outcome = asker(aimock.base_url, "responses", stream=stream)(PROMPT)
    assert outcome.reply.text == ANSWER
    searches = [event for event in outcome.of(HostedTool) if event.kind == "web_search_call"]
    assert len({event.key for event in searches}) == 2
    assert {event.detail for event in searches} == {"life", "the universe"}


def test_a_structured_answer(ask: Asker, aimock: AIMock) -> None:
    schema = {"type": "object", "properties": {"answer": {"type": "integer"}}}
    inner = {"name": "answer", "schema": schema}
    wanted: dict[str, Any] = {"response_format": {"type": "json_schema", "json_schema": inner}}
    if ask.endpoint == "responses":
        wanted = {"text.format": {"type": "json_schema", **inner}}
    # aimock tells formats apart on chat alone.
    match = {"responseFormat": "json_schema"} if ask.endpoint == "chat" else {}
    aimock.fixture(match, {"content": {"answer": 42}})
    assert json.loads(ask(PROMPT, set=wanted).reply.text) == {"answer": 42}


@pytest.mark.parametrize("pace", ["latency", "profile", "recorded"])
def test_a_slow_stream(pace: str, ask_stream: Asker, aimock: AIMock) -> None:
    paces: dict[str, dict[str, Any]] = {
        "latency": {"latency": 30, "chunkSize": 9},
        "profile": {"streamingProfile": {"ttft": 100, "tps": 100, "jitter": 0.5}},
        "recorded": {"recordedTimings": {"ttftMs": 100, "interChunkDelaysMs": [50, 0, 10]}},
    }
    recorded = paces["recorded"]
    recorded["recordedTimings"]["totalDurationMs"] = 160
    aimock.answer(TEXT, **paces[pace])
    reply = ask_stream(PROMPT).reply
    assert (reply.text, reply.status) == (ANSWER, "completed")
    assert reply.first_token is not None
    assert reply.first_token <= reply.elapsed


# --- Threads --------------------------------------------------------------------------------


def said(request: dict[str, Any]) -> list[tuple[str, Any]]:
    """Role and content of each message, as aimock keeps them for both endpoints."""
    return [(message["role"], message["content"]) for message in request["body"]["messages"]]


def test_a_thread_goes_on(way: Way, ask: Asker, aimock: AIMock) -> None:
    aimock.fixture({"turnIndex": 0}, {"content": "One."})
    aimock.fixture({"turnIndex": 1}, {"content": "Two."})
    aimock.fixture({"turnIndex": 2}, {"content": "Three."})
    ask("first", system="Count.")
    replies = [ask("second").reply, ask("third").reply]
    assert [reply.text for reply in replies] == ["Two.", "Three."]
    whole = [
        ("system", "Count."),
        ("user", "first"),
        ("assistant", "One."),
        ("user", "second"),
        ("assistant", "Two."),
        ("user", "third"),
    ]
    sent = [said(request) for request in aimock.requests]
    # aimock keeps no responses: it is asked once, and then gets the history, as chat does.
    assert sent == [whole[:2], whole[:4], whole]
    assert [reply.notices for reply in replies] == [(), ()]


def test_a_thread_goes_on_after_calls_that_nobody_ran(ask: Asker, aimock: AIMock) -> None:
    call = {"name": "look", "arguments": {"at": "it"}, "id": "call_1"}
    aimock.answer({"content": "Let me see.", "toolCalls": [call]}, times=1)
    aimock.answer(TEXT)
    ask("first")
    assert ask("second").reply.text == ANSWER
    messages = aimock.requests[-1]["body"]["messages"]
    place = next(i for i, message in enumerate(messages) if message.get("tool_calls"))
    assert messages[place]["tool_calls"][0]["id"] == "call_1"
    # Both APIs refuse a history with a call that has no output.
    assert (messages[place + 1]["role"], messages[place + 1]["tool_call_id"]) == ("tool", "call_1")
    assert messages[-1]["content"] == "second"


# --- Error statuses -------------------------------------------------------------------------


def test_a_rate_limit_is_waited_for(ask: Asker, aimock: AIMock) -> None:
    error = {"message": "Slow down.", "type": "rate_limit_error", "code": "rate_limit_exceeded"}
    aimock.answer({"error": error, "status": 429, "retryAfter": 0.1}, times=2)
    aimock.answer(TEXT)
    outcome = ask(PROMPT)
    assert (outcome.reply.text, outcome.waits) == (ANSWER, [0.1, 0.1])
    assert aimock.statuses == [429, 429, 200]


def test_a_rate_limit_that_lasts(ask: Asker, aimock: AIMock) -> None:
    error = {"message": "Slow down.", "type": "rate_limit_error", "code": "rate_limit_exceeded"}
    aimock.answer({"error": error, "status": 429, "retryAfter": 0.05})
    outcome = ask(PROMPT)
    assert isinstance(outcome.error, RateLimitError)
    assert "Slow down." in str(outcome.error)
    assert "rate_limit_exceeded, request req-" in str(outcome.error)
    assert aimock.statuses == [429] * 3
    aimock.reset()
    aimock.answer({"error": error, "status": 429, "retryAfter": 300})
    assert "asks to wait 5 min" in str(ask(PROMPT).error)
    assert aimock.statuses == [429]
    assert ask.thread == []


@pytest.mark.parametrize("status", [400, 401, 403, 404, 422])
def test_an_error_that_lasts_is_told_at_once(status: int, ask: Asker, aimock: AIMock) -> None:
    error = {"message": "It can't be.", "type": "invalid_request_error", "code": "no_way"}
    aimock.answer({"error": error, "status": status})
    outcome = ask(PROMPT)
    assert type(outcome.error) is status_error(status)
    assert "It can't be." in str(outcome.error)
    assert f"HTTP {status}, no_way" in str(outcome.error)
    assert aimock.statuses == [status]
    assert outcome.settled is None
    aimock.reset()
    aimock.answer(TEXT)
    ask(PROMPT)
    assert ask.thread == [PROMPT, ANSWER]


def test_an_error_of_one_request(ask: Asker, aimock: AIMock) -> None:
    aimock.answer(TEXT)
    aimock.fail_once(503, "Come back later.")
    outcome = ask(PROMPT)
    assert (outcome.reply.text, len(outcome.waits)) == (ANSWER, 1)
    assert aimock.statuses == [503, 200]


def test_no_answer_that_fits(ask: Asker, aimock: AIMock) -> None:
    error = ask(PROMPT).error
    assert isinstance(error, NotFoundError)
    assert "No fixture matched" in str(error)
    assert aimock.statuses == [404]


def test_keys_and_strictness(
    start_aimock: Callable[..., AIMock], asker: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    aimock = start_aimock("--strict", environment={"AIMOCK_API_KEYS": "sk-right"})
    for endpoint in ("chat", "responses"):
        error = asker(aimock.base_url, endpoint)(PROMPT).error
        assert isinstance(error, AuthenticationError)
        assert "No key was sent" in str(error)
        monkeypatch.setenv("AIMOCK_KEY", "sk-wrong")
        ask = asker(aimock.base_url, endpoint, key_variable="AIMOCK_KEY")
        error = ask(PROMPT).error
        assert isinstance(error, AuthenticationError)
        assert "Invalid API key" in str(error)
        assert "AIMOCK_KEY" in str(error)
        assert "sk-wrong" not in str(error)
        monkeypatch.setenv("AIMOCK_KEY", "sk-right")
        assert ask("is aimock there?").reply.text == "Yes."
    # What it has no answer for is, when it is strict, a failure of the server.
    outcome = ask(PROMPT)
    assert isinstance(outcome.error, InternalServerError)
    assert "no_fixture_match" in str(outcome.error)
    assert len(outcome.waits) == 2


# --- Chaos ----------------------------------------------------------------------------------


@pytest.mark.parametrize(("fault", "status"), [("drop", 500), ("disconnect", 0)])
def test_a_request_that_is_lost_is_sent_again(
    fault: str, status: int, ask: Asker, aimock: AIMock
) -> None:
    aimock.answer(TEXT, times=1, chaos={f"{fault}Rate": 1})
    aimock.answer(TEXT)
    outcome = ask(PROMPT)
    assert outcome.reply.text == ANSWER
    assert len(outcome.waits) == 1
    assert aimock.statuses == [status, 200]


def test_a_limit_at_random(aimock: AIMock, asker: Make) -> None:
    aimock.answer(TEXT, times=1, chaos={"rateLimitRate": 1})
    aimock.answer(TEXT)
    outcome = asker(aimock.base_url)(PROMPT)
    assert (outcome.reply.text, outcome.waits) == (ANSWER, [1.0])  # Retry-After: 1
    assert aimock.statuses == [429, 200]


def test_json_that_is_none(ask: Asker, aimock: AIMock) -> None:
    aimock.answer(TEXT, times=1, chaos={"malformedRate": 1})
    aimock.answer(TEXT)
    outcome = ask(PROMPT)
    assert isinstance(outcome.error, StreamError)
    assert "nothing of the answer could be read" in str(outcome.error)
    assert (outcome.waits, outcome.settled) == ([], None)
    assert ask.thread == []
    assert ask(PROMPT).reply.text == ANSWER


def test_latency(ask_stream: Asker, aimock: AIMock) -> None:
    aimock.answer(TEXT, chaos={"latencyMs": 100})
    assert ask_stream(PROMPT).reply.text == ANSWER
    aimock.reset()
    aimock.answer(TEXT, times=1, chaos={"latencyMs": 5000})
    aimock.answer(TEXT)
    outcome = ask_stream(PROMPT, timeout=0.4)
    assert (outcome.reply.text, len(outcome.waits)) == (ANSWER, 1)


@pytest.mark.parametrize(
    ("rate", "kind", "attempts"),
    [("disconnectRate", APIConnectionError, 3), ("malformedRate", StreamError, 1)],
)
def test_chaos_that_lasts(
    rate: str, kind: type[Exception], attempts: int, aimock: AIMock, asker: Make
) -> None:
    ask = asker(aimock.base_url)
    aimock.answer(TEXT)
    aimock.chaos(**{rate: 1})
    outcome = ask(PROMPT)
    assert type(outcome.error) is kind
    assert len(outcome.waits) == attempts - 1
    assert ask.thread == []
    aimock.reset()
    aimock.answer(TEXT)
    assert ask(PROMPT).reply.text == ANSWER


def test_chaos(endpoint: Endpoint, aimock: AIMock, asker: Make) -> None:
    ask = asker(aimock.base_url, endpoint)
    aimock.answer(TEXT, latency=1)
    aimock.chaos(dropRate=0.15, malformedRate=0.2, disconnectRate=0.15, latencyMs=5)
    thread: list[str] = []
    for number in range(8):
        prompt = f"prompt {number}"
        outcome = ask(prompt)
        # Here an answer comes whole or not at all.
        assert (outcome.error is None) == (outcome.settled is not None)
        assert len(outcome.waits) <= 2
        if outcome.settled is not None:
            thread += [prompt, ANSWER]
        assert ask.thread == thread


# --- Cut streams ----------------------------------------------------------------------------


def test_a_stream_that_is_cut_after_some_frames(ask_stream: Asker, aimock: AIMock) -> None:
    for sent in range(3, 9):
        aimock.reset()
        aimock.answer(TEXT, truncateAfterChunks=sent)
        outcome = ask_stream(PROMPT, once=True)
        assert isinstance(outcome.error, StreamError), sent
        assert outcome.error.detail == "cut off: the server closed the connection"
        assert outcome.waits == []
        assert aimock.statuses == [200]
        if outcome.settled is not None:
            assert outcome.settled.status == "cut"
            assert outcome.settled.text
            assert ANSWER.startswith(outcome.settled.text)


def test_a_stream_that_is_cut_before_its_headers(ask_stream: Asker, aimock: AIMock) -> None:
    aimock.answer(TEXT, times=1, truncateAfterChunks=1, latency=0)
    aimock.answer(TEXT)
    outcome = ask_stream(PROMPT)
    assert outcome.reply.text == ANSWER
    assert len(outcome.waits) == 1


def test_a_stream_that_is_cut_after_some_time(ask_stream: Asker, aimock: AIMock) -> None:
    aimock.answer(TEXT, times=1, disconnectAfterMs=400, latency=50, chunkSize=1)
    aimock.answer({"content": "Go on."})
    outcome = ask_stream(PROMPT)
    assert isinstance(outcome.error, StreamError)
    assert outcome.waits == []
    assert aimock.requests[0]["response"]["interruptReason"] == "disconnectAfterMs"
    # The thread goes on, with what had come.
    thread = ask_stream.thread
    assert thread in ([], [PROMPT, outcome.settled.text if outcome.settled else ""])
    assert ask_stream("And?").reply.text == "Go on."
    assert [text for _, text in said(aimock.requests[-1])] == [*thread, "And?"]


def test_reasoning_and_calls_that_are_cut(ask_stream: Asker, aimock: AIMock) -> None:
    call = {"name": "look", "arguments": {"for": "a long, long argument of this call"}}
    aimock.answer({"toolCalls": [call], "reasoning": "Well, well."}, truncateAfterChunks=14)
    outcome = ask_stream(PROMPT)
    assert isinstance(outcome.error, StreamError)
    assert outcome.settled is not None
    assert outcome.settled.status == "cut"
    assert outcome.settled.reasoning == "Well, well."


# --- Others' dialects -------------------------------------------------------------------------


@pytest.mark.parametrize("stream", [True, False], ids=["streamed", "whole"])
def test_openrouter(stream: bool, aimock: AIMock, asker: Make) -> None:
    ask = asker(f"{aimock.origin}/api/v1", stream=stream)
    counted = {"prompt_tokens": 3, "completion_tokens": 4, "cost": 0.0021}
    usage = {**counted, "prompt_tokens_details": {"cached_tokens": 2}}
    own = {"reasoning": "Hm.", "provider": "Lab", "nativeFinishReason": "eos", "usage": usage}
    aimock.answer({**TEXT, **own}, openRouterProcessing=True)
    reply = ask(PROMPT).reply
    assert (reply.text, reply.reasoning, reply.finish_reason) == (ANSWER, "Hm.", "stop")
    assert reply.usage == Usage(input=3, output=4, cached=2, cost=0.0021)
    # Another model answers where the first has no room; some failures are final.
    aimock.reset()
    aimock.fixture({"model": "first"}, {"error": {"message": "No room."}, "status": 429})
    aimock.fixture({"model": "second"}, {"content": "I can."})
    both = {"models": ["first", "second"]}
    reply = ask(PROMPT, model="first", set=both).reply
    assert (reply.text, reply.model) == ("I can.", "second")
    aimock.reset()
    flagged = {"message": "Flagged.", "metadata": {"reasons": ["x"], "provider_name": "Lab"}}
    final = {"error": flagged, "status": 403, "fallthrough": False}
    aimock.fixture({"model": "first"}, final)
    aimock.fixture({"model": "second"}, {"content": "I can."})
    error = ask(PROMPT, model="first", set=both).error
    assert isinstance(error, PermissionDeniedError)
    assert "Flagged." in str(error)


@pytest.mark.parametrize("stream", [True, False], ids=["streamed", "whole"])
def test_azure(stream: bool, aimock: AIMock, asker: Make) -> None:
    aimock.answer(TEXT)
    ask = asker(f"{aimock.origin}/openai/deployments/gpt", stream=stream)
    assert ask(PROMPT).reply.text == ANSWER
