"""nbchat against llmock: what it answers, every fault that it offers, and its verdict on nbchat.

The faults: an error status of any kind, with or without a time to wait; a slow answer and a slow
first token; streams that are cut by a closed connection, cut at a frame's end, stalled, or made
unreadable in one frame; broken tool calls; quotas of requests and tokens, and a context window;
and all of it at random. (`x-llmock-force-status` is a header for clients that cannot ask for a
status otherwise, and gives the same answers as ``fail``.)
"""

from __future__ import annotations

import json
from collections.abc import Callable
from http import HTTPStatus
from typing import Any

import pytest

from nbchat.errors import (
    APITimeoutError,
    BadRequestError,
    InternalServerError,
    Interrupted,
    NotFoundError,
    RateLimitError,
    StreamError,
    UnprocessableEntityError,
    status_error,
)
from nbchat.interrupt import StopSignal
from nbchat.messages import Endpoint, Retrying, Usage
from nbchat.options import Options

from .asking import Asker
from .control import LLMock

Make = Callable[..., Asker]
Way = tuple[Endpoint, bool]

PROMPT = "one two three"
ANSWER = "Hello! You said: one two three"

WEATHER = {
    "name": "get_weather",
    "description": "Get the current weather for a city.",
    "parameters": {
        "type": "object",
        "properties": {"city": {"type": "string"}},
        "required": ["city"],
    },
}
SCHEMA = {
    "type": "object",
    "properties": {"name": {"type": "string"}, "age": {"type": "integer"}},
    "required": ["name", "age"],
}


@pytest.fixture
def ask(way: Way, llmock: LLMock, asker: Make) -> Asker:
    """Asks llmock in each of the four ways."""
    endpoint, stream = way
    return asker(llmock.base_url, endpoint, stream=stream)


@pytest.fixture
def ask_stream(endpoint: Endpoint, llmock: LLMock, asker: Make) -> Asker:
    """Asks llmock for streams, at both endpoints."""
    return asker(llmock.base_url, endpoint)


def tools(endpoint: Endpoint, *functions: dict[str, Any]) -> list[dict[str, Any]]:
    """The functions as the endpoint wants them described."""
    if endpoint == "chat":
        return [{"type": "function", "function": function} for function in functions]
    return [{"type": "function", **function} for function in functions]


# --- Answers --------------------------------------------------------------------------------


def test_a_plain_answer(ask: Asker, llmock: LLMock) -> None:
    reply = ask(PROMPT).reply
    assert (reply.text, reply.status, reply.finish_reason) == (ANSWER, "completed", "stop")
    assert reply.usage == Usage(input=len(PROMPT) // 4, output=len(ANSWER) // 4)
    assert reply.model == "gpt-5.1"
    assert reply.id.startswith("chatcmpl-" if ask.endpoint == "chat" else "resp_")
    assert reply.notices == ()
    assert [request["completed"] for request in llmock.requests] == [True]
    assert llmock.verdict() == []


@pytest.mark.parametrize("stream", [True, False], ids=["streamed", "whole"])
def test_a_thread_goes_on(stream: bool, llmock: LLMock, asker: Make) -> None:
    ask = asker(llmock.base_url, stream=stream)
    ask("red", system="Be brief.")
    assert "red" in ask("blue").reply.text
    said = [(message["role"], message["content"]) for message in llmock.bodies[1]["messages"]]
    assert said == [
        ("system", "Be brief."),
        ("user", "red"),
        ("assistant", "Hello! You said: Be brief. red"),
        ("user", "blue"),
    ]


@pytest.mark.parametrize("stream", [True, False], ids=["streamed", "whole"])
def test_a_thread_goes_on_where_no_response_is_kept(
    stream: bool, llmock: LLMock, asker: Make
) -> None:
    ask = asker(llmock.base_url, "responses", stream=stream)
    ask("red", system="Be brief.")
    reply = ask("blue").reply
    assert reply.text.endswith("red blue")
    assert reply.notices == ()


def test_parallel_tool_calls(ask: Asker, llmock: LLMock) -> None:
    calls = [
        {"name": "get_weather", "arguments": {"city": "Malmö, Sverige"}},
        {"name": "get_weather", "arguments": {"city": "Łódź"}},
        {"name": "no_arguments"},
    ]
    llmock.script("reply", text="Let me look.", tool_calls=calls)
    reply = ask("the weather?").reply
    assert (reply.text, reply.finish_reason) == ("Let me look.", "tool_calls")
    made = [(call.name, json.loads(call.arguments)) for call in reply.tool_calls]
    assert made == [(call["name"], call.get("arguments", {})) for call in calls]
    assert len({call.id for call in reply.tool_calls}) == 3
    assert all(call.id.startswith("call_") for call in reply.tool_calls)


def test_offered_tools_are_called(ask: Asker, llmock: LLMock) -> None:
    offered = tools(ask.endpoint, {"name": "sing", "description": "Sing."}, WEATHER)
    reply = ask("how is the weather", set={"tools": offered}).reply
    assert [call.name for call in reply.tool_calls] == ["get_weather"]
    assert json.loads(reply.tool_calls[0].arguments).keys() == {"city"}
    forced = ask("hello", set={"tools": offered}, tool_choice="sing", once=True).reply
    assert [call.name for call in forced.tool_calls] == ["sing"]
    spoken = ask("weather", set={"tools": offered}, tool_choice="none", once=True).reply
    assert spoken.tool_calls == ()
    assert spoken.text


@pytest.mark.parametrize("kind", ["malformed_arguments", "unknown_tool"])
def test_broken_tool_calls_are_given_as_they_came(kind: str, ask: Asker, llmock: LLMock) -> None:
    llmock.script("tool_fault", kind=kind)
    outcome = ask("how is the weather", set={"tools": tools(ask.endpoint, WEATHER)})
    (call,) = outcome.reply.tool_calls
    if kind == "unknown_tool":
        assert call.name == "llmock_unknown_tool"
    else:
        assert call.name == "get_weather"
        with pytest.raises(json.JSONDecodeError):
            json.loads(call.arguments)
    assert llmock.verdict() == []
    assert ask("and now?").reply.text


def test_a_structured_answer(ask: Asker, llmock: LLMock) -> None:
    inner = {"name": "person", "schema": SCHEMA, "strict": True}
    wanted: dict[str, Any] = {"response_format": {"type": "json_schema", "json_schema": inner}}
    if ask.endpoint == "responses":
        wanted = {"text.format": {"type": "json_schema", **inner}}
    answer = json.loads(ask("who?", set=wanted).reply.text)
    assert isinstance(answer["name"], str)
    assert isinstance(answer["age"], int)


@pytest.mark.parametrize("stream", [True, False], ids=["streamed", "whole"])
def test_several_choices(stream: bool, llmock: LLMock, asker: Make) -> None:
    reply = asker(llmock.base_url, stream=stream)(PROMPT, n=3).reply
    assert [choice.text for choice in reply.choices] == [ANSWER] * 3


@pytest.mark.parametrize("reason", ["length", "content_filter"])
def test_the_reason_of_an_early_end(reason: str, ask: Asker, llmock: LLMock) -> None:
    llmock.script("reply", text="As far as", finish_reason=reason)
    reply = ask("write").reply
    assert reply.text == "As far as"
    if ask.endpoint == "chat" or reason == "length":
        assert reply.finish_reason == reason


@pytest.mark.parametrize(
    "path", ["groq/openai/v1", "mistral/v1", "together/v1", "perplexity/v1", "ai21/v1", "xai/v1"]
)
@pytest.mark.parametrize("stream", [True, False], ids=["streamed", "whole"])
def test_other_providers_chat(path: str, stream: bool, llmock: LLMock, asker: Make) -> None:
    ask = asker(f"{llmock.origin}/{path}", stream=stream)
    reply = ask(PROMPT).reply
    assert (reply.text, reply.status) == (ANSWER, "completed")
    assert reply.finish_reason in ("stop", "eos")  # Together's own word, which nbchat leaves
    assert reply.usage is not None
    llmock.script("reply", tool_calls=[{"name": "a", "arguments": {"x": 1}}, {"name": "b"}])
    calls = ask("call", once=True).reply.tool_calls
    assert [(call.name, json.loads(call.arguments)) for call in calls] == [
        ("a", {"x": 1}),
        ("b", {}),
    ]
    llmock.script("fail", status=401)
    error = ask("no", once=True).error
    assert error is not None
    assert type(error) is status_error(401)
    assert error.detail == "Unauthorized."
    llmock.script("stream_fault", kind="disconnect", after_chunks=4)
    outcome = ask(PROMPT, once=True)
    assert isinstance(outcome.error, StreamError) == stream


# --- Error statuses -------------------------------------------------------------------------


def test_a_status_that_passes_is_tried_again(ask: Asker, llmock: LLMock) -> None:
    for status in (408, 409, 429, 500, 502, 503, 504, 529):
        llmock.reset()
        llmock.script("fail", status=status, retry_after=0.01)
        outcome = ask(PROMPT, once=True)
        assert (outcome.reply.text, outcome.waits) == (ANSWER, [0.01])
        assert llmock.statuses == [status, 200]
        assert llmock.verdict() == []


def test_every_status_has_its_error_and_its_number_of_attempts(
    llmock: LLMock, asker: Make
) -> None:
    ask = asker(llmock.base_url)
    for status in [*(s for s in HTTPStatus if s >= 400), 520, 529, 599]:
        llmock.reset()
        llmock.script("fail", status=status, retry_after=0.005, times=None)
        outcome = ask("hello")
        again = status in (408, 409, 429) or status >= 500
        assert type(outcome.error) is status_error(status)
        assert f"HTTP {status}" in str(outcome.error)
        assert llmock.statuses == [status] * (3 if again else 1)
        assert llmock.verdict() == []
        assert outcome.settled is None
    assert ask.thread == []
    llmock.reset()
    assert ask(PROMPT).reply.text == ANSWER
    assert [message["content"] for message in llmock.bodies[0]["messages"]] == [PROMPT]


def test_an_outage_is_met_with_longer_and_longer_waits(llmock: LLMock, asker: Make) -> None:
    ask = asker(llmock.base_url)
    llmock.script("fail", status=500, times=None)
    outcome = ask("hello")
    assert isinstance(outcome.error, InternalServerError)
    attempts = [(event.attempt, event.attempts) for event in outcome.of(Retrying)]
    assert attempts == [(1, 2), (2, 2)]
    first, second = outcome.waits
    assert 0.375 <= first <= 0.5
    assert 0.75 <= second <= 1.0
    assert llmock.statuses == [500, 500, 500]
    assert llmock.verdict() == []
    llmock.reset()
    assert ask(PROMPT).reply.text == ANSWER


def test_a_rate_limit_is_waited_for(ask: Asker, llmock: LLMock) -> None:
    llmock.script("fail", status=429, retry_after=0.15, times=2)
    outcome = ask(PROMPT)
    assert (outcome.reply.text, outcome.waits) == (ANSWER, [0.15, 0.15])
    assert "HTTP 429" in outcome.of(Retrying)[0].reason
    assert llmock.statuses == [429, 429, 200]
    assert llmock.verdict() == []


def test_a_wait_that_is_too_long_is_told(ask: Asker, llmock: LLMock) -> None:
    llmock.script("fail", status=429, retry_after=130)
    outcome = ask(PROMPT)
    assert isinstance(outcome.error, RateLimitError)
    assert "asks to wait 3 min" in str(outcome.error)
    assert llmock.statuses == [429]
    # "Gave up without a single retry": so it should.
    assert llmock.complaints() == ["gave_up"]


def test_a_quota_that_is_used_up_is_not_tried_again(ask: Asker, llmock: LLMock) -> None:
    words = "You exceeded your current quota, please check your plan and billing details."
    llmock.script("fail", status=429, code="insufficient_quota", message=words, retry_after=0.01)
    outcome = ask(PROMPT)
    assert isinstance(outcome.error, RateLimitError)
    assert words in str(outcome.error)
    assert llmock.statuses == [429]


def test_a_prompt_that_is_too_long_says_what_to_do(ask: Asker, llmock: LLMock) -> None:
    words = "This model's maximum context length was exceeded."
    llmock.script("fail", status=400, code="context_length_exceeded", message=words)
    error = ask(PROMPT).error
    assert isinstance(error, BadRequestError)
    assert words in str(error)
    assert "--new" in str(error)
    assert llmock.statuses == [400]
    assert llmock.verdict() == []


def test_a_request_that_the_server_finds_wrong(llmock: LLMock, asker: Make) -> None:
    ask = asker(llmock.base_url)
    error = ask(PROMPT, set={"temperature": "warm"}).error
    assert isinstance(error, UnprocessableEntityError)
    assert "temperature" in str(error)
    assert llmock.statuses == [422]
    assert llmock.verdict() == []
    lost = asker(f"{llmock.origin}/nowhere/v1")(PROMPT).error
    assert isinstance(lost, NotFoundError)
    assert "--base-url" in str(lost)


# --- Slow answers ---------------------------------------------------------------------------


def test_a_slow_answer_is_waited_for(ask: Asker, llmock: LLMock) -> None:
    llmock.script("delay", seconds=0.2)
    llmock.script("slow_first_token", seconds=0.2)
    outcome = ask(PROMPT)
    assert (outcome.reply.text, outcome.waits) == (ANSWER, [])
    assert outcome.reply.elapsed >= 0.2
    assert llmock.verdict() == []


def test_an_answer_that_does_not_begin_is_asked_for_again(
    ask_stream: Asker, llmock: LLMock
) -> None:
    llmock.script("delay", seconds=2)
    outcome = ask_stream(PROMPT, timeout=0.5)
    assert outcome.reply.text == ANSWER
    assert [event.reason for event in outcome.of(Retrying)] == ["no answer within 0.5 s"]
    assert llmock.pending == 0


def test_an_answer_that_never_begins(llmock: LLMock, asker: Make) -> None:
    llmock.script("delay", seconds=2, times=None)
    outcome = asker(llmock.base_url)("hello", timeout=0.3)
    assert isinstance(outcome.error, APITimeoutError)
    assert len(outcome.waits) == 2
    assert outcome.settled is None


def test_a_first_token_that_does_not_come(ask_stream: Asker, llmock: LLMock) -> None:
    llmock.script("slow_first_token", seconds=20)
    outcome = ask_stream("hello", timeout=0.4)
    assert isinstance(outcome.error, StreamError)
    assert outcome.waits == []  # the server has accepted the request: it would be billed twice
    assert outcome.settled is None
    assert ask_stream.thread == []
    assert ask_stream(PROMPT).reply.text == ANSWER


# --- Broken streams -------------------------------------------------------------------------


def chunks_of_the_answer(ask: Asker, llmock: LLMock) -> int:
    """How many frames the whole answer to `PROMPT` has."""
    assert ask(PROMPT, once=True).reply.text == ANSWER
    (request,) = llmock.requests
    return int(request["chunks_sent"])


def finished_after(chunks: int, endpoint: Endpoint) -> int:
    """After how many frames the answer is complete: chat sends usage and ``[DONE]`` besides."""
    return chunks - 2 if endpoint == "chat" else chunks


@pytest.mark.parametrize("kind", ["disconnect", "truncate"])
def test_a_stream_that_is_cut_anywhere(kind: str, ask_stream: Asker, llmock: LLMock) -> None:
    chunks = chunks_of_the_answer(ask_stream, llmock)
    complete = finished_after(chunks, ask_stream.endpoint)
    for sent in range(chunks):
        llmock.reset()
        llmock.script("stream_fault", kind=kind, after_chunks=sent)
        outcome = ask_stream(PROMPT, once=True)
        if sent >= complete:
            assert outcome.reply.text == ANSWER
            continue
        assert isinstance(outcome.error, StreamError), sent
        assert outcome.waits == []
        if kind == "disconnect":
            assert outcome.error.detail == "cut off: the server closed the connection"
        elif sent:
            assert outcome.error.detail == "the stream ended before the answer was complete"
        else:
            assert outcome.error.detail == "the server sent an empty answer"
        if outcome.settled is not None:
            assert outcome.settled.status == "cut"
            assert outcome.settled.text
            assert ANSWER.startswith(outcome.settled.text)
        # The user asks again, and llmock has nothing to say any more.
        assert ask_stream(PROMPT, once=True).reply.text == ANSWER
        assert llmock.verdict() == []


def test_a_cut_stream_that_nobody_asks_for_again(ask_stream: Asker, llmock: LLMock) -> None:
    # llmock sees the wire alone: that the user got an error, not an answer, it can't know.
    llmock.script("stream_fault", kind="truncate", after_chunks=5)
    assert isinstance(ask_stream(PROMPT).error, StreamError)
    assert llmock.complaints() == ["truncated_stream_accepted"]
    llmock.reset()
    llmock.script("stream_fault", kind="disconnect", after_chunks=5)
    assert isinstance(ask_stream(PROMPT).error, StreamError)
    assert llmock.complaints() == ["gave_up"]


@pytest.mark.parametrize("kind", ["disconnect", "truncate", "stall"])
def test_the_thread_goes_on_after_a_cut(kind: str, ask_stream: Asker, llmock: LLMock) -> None:
    llmock.script("stream_fault", kind=kind, after_chunks=7, stall_seconds=20)
    outcome = ask_stream(PROMPT, timeout=0.5)
    assert outcome.settled is not None
    partial = outcome.settled.text
    assert partial
    assert ANSWER.startswith(partial)
    assert ask_stream.thread == [PROMPT, partial]
    assert ask_stream("go on").reply.status == "completed"
    body = llmock.bodies[1]
    assert "previous_response_id" not in body  # the server's copy of a cut answer is another
    sent = [_words(message) for message in body.get("messages", body.get("input"))]
    assert sent == [PROMPT, partial, "go on"]


def _words(message: dict[str, Any]) -> str:
    content = message["content"]
    return content if isinstance(content, str) else "".join(part["text"] for part in content)


def test_a_frame_that_can_not_be_read(ask_stream: Asker, llmock: LLMock) -> None:
    chunks = chunks_of_the_answer(ask_stream, llmock)
    words = ANSWER.split(" ")
    for broken in range(chunks):
        llmock.reset()
        llmock.script("stream_fault", kind="malformed", after_chunks=broken)
        outcome = ask_stream(PROMPT, once=True)
        reply = outcome.settled
        assert reply is not None, broken
        assert reply.notices == ("one frame of the stream could not be read",)
        if ask_stream.endpoint == "responses" and broken == chunks - 1:
            assert isinstance(outcome.error, StreamError)  # the frame that says it is complete
            assert (reply.status, reply.text) == ("cut", ANSWER)
        else:
            assert reply.status == "completed"
            missing = ask_stream.endpoint == "chat" and 1 <= broken <= len(words)
            kept = [w for place, w in enumerate(words, 1) if not (missing and place == broken)]
            assert reply.text.split() == kept
        # It was neither ignored nor asked for again: the user is told below the answer.
        assert llmock.complaints() == ["malformed_chunk_ignored"]


@pytest.mark.parametrize("sent", [0, 4])
def test_a_stream_that_stalls(sent: int, ask_stream: Asker, llmock: LLMock) -> None:
    llmock.script("stream_fault", kind="stall", after_chunks=sent, stall_seconds=20)
    outcome = ask_stream(PROMPT, once=True, timeout=0.5)
    assert isinstance(outcome.error, StreamError)
    assert "nothing came for 0.5 s" in str(outcome.error)
    assert outcome.waits == []
    assert llmock.verdict() == []
    # The server saw it go.
    assert [request["completed"] for request in llmock.requests] == [False]


def test_a_stall_that_ends_in_time(ask_stream: Asker, llmock: LLMock) -> None:
    llmock.script("stream_fault", kind="stall", after_chunks=3, stall_seconds=0.3)
    assert ask_stream(PROMPT).reply.text == ANSWER
    assert llmock.verdict() == []


def test_a_stall_after_the_end_of_the_answer(llmock: LLMock, asker: Make) -> None:
    ask = asker(llmock.base_url)
    complete = finished_after(chunks_of_the_answer(ask, llmock), "chat")
    llmock.script("stream_fault", kind="stall", after_chunks=complete, stall_seconds=20)
    reply = ask(PROMPT, timeout=0.5).reply
    assert (reply.text, reply.status, reply.usage) == (ANSWER, "completed", None)


def test_a_tool_call_that_is_cut(ask_stream: Asker, llmock: LLMock) -> None:
    llmock.script("reply", tool_calls=[{"name": "get_weather", "arguments": {"city": "x" * 80}}])
    llmock.script("stream_fault", kind="disconnect", after_chunks=5)
    outcome = ask_stream("weather")
    assert isinstance(outcome.error, StreamError)
    assert outcome.settled is not None
    assert outcome.settled.status == "cut"
    assert outcome.settled.tool_calls[0].name == "get_weather"
    assert ask_stream("hello").reply.status == "completed"


# --- Quotas and chaos -----------------------------------------------------------------------


def test_quotas(start_llmock: Callable[..., LLMock], asker: Make) -> None:
    llmock = start_llmock("--rpm", "2", "--tpm", "6000", "--context-window", "300")
    ask = asker(llmock.base_url)
    # Tokens: 100 flow back each second, and the server says exactly when there are enough.
    ask("hello", max_tokens=5900, once=True)
    outcome = ask("hello", max_tokens=120, once=True)
    assert outcome.reply.status == "completed"
    assert len(outcome.waits) == 1
    assert llmock.statuses == [200, 429, 200]
    assert llmock.verdict() == []
    # More tokens than the quota ever holds: the wait is longer than nbchat waits.
    llmock.reset()
    outcome = ask("hello", max_tokens=30_000, once=True)
    assert isinstance(outcome.error, RateLimitError)
    assert "Rate limit reached for tokens per minute: limit 6000" in str(outcome.error)
    assert llmock.statuses == [429]
    # Requests: the third has half a minute to wait, which a stop ends at once.
    llmock.reset()
    assert ask("one").reply.status == ask("two").reply.status == "completed"
    stopped = StopSignal()
    waits: list[float] = []
    plan = ask.session.plan("three", Options(model="m"), "chat")

    def stop_while_it_waits() -> None:
        for event in ask.session.run(plan, stopped):
            if isinstance(event, Retrying):
                waits.append(event.seconds)
                stopped.set()

    with pytest.raises(Interrupted):
        stop_while_it_waits()
    assert len(waits) == 1
    assert 20 < waits[0] <= 30
    assert llmock.statuses == [200, 200, 429]
    assert "three" not in ask.thread
    # The context window.
    llmock.reset()
    error = ask("word " * 300).error
    assert isinstance(error, BadRequestError)
    assert "maximum context length is 300 tokens" in str(error)
    assert llmock.statuses == [400]
    assert llmock.verdict() == []


CHAOS = [
    *("--error-rate", "500=0.15"),
    *("--error-rate", "403=0.05"),
    *("--stream-fault", "disconnect=0.1"),
    *("--stream-fault", "truncate=0.1"),
    *("--stream-fault", "malformed=0.1"),
    *("--stream-fault", "stall=0.1"),
    *("--stream-stall-seconds", "20"),
    *("--stream-chunk-delay-ms", "1"),
    *("--latency-ms", "2"),
]


def test_chaos(start_llmock: Callable[..., LLMock], asker: Make) -> None:
    llmock = start_llmock(*CHAOS)
    for endpoint in ("chat", "responses"):
        ask = asker(llmock.base_url, endpoint)
        thread: list[str] = []
        for number in range(8):
            prompt = f"prompt {number}"
            outcome = ask(prompt, timeout=0.5)
            assert outcome.error is None or outcome.settled is None or outcome.settled.text
            if outcome.settled is not None:
                thread += [prompt, outcome.settled.text]
                assert (outcome.error is None) == (outcome.settled.status == "completed")
            assert len(outcome.waits) <= 2
            # Kept whole or in part, or taken out: never an answer without its prompt.
            assert ask.thread == thread
    unfair = {"truncated_stream_accepted", "malformed_chunk_ignored", "gave_up"}
    assert set(llmock.complaints()) <= unfair
