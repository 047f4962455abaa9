"""Answers of `ScriptedServer` with more than text: reasoning, searches, probabilities."""

from __future__ import annotations

import math

from tests.support.server import DONE, Step, chat_chunk, sse
from tests.wire.streams import events as responses

TOKENS = [
    {
        "token": "Paris",
        "logprob": math.log(0.75),
        "bytes": None,
        "top_logprobs": [
            {"token": "Paris", "logprob": math.log(0.75), "bytes": None},
            {"token": "Rome", "logprob": math.log(0.25), "bytes": None},
        ],
    }
]
SOURCE = "https://weather.example/today"
TITLE = "The <b>weather</b>"
_CITATION = {"url": SOURCE, "title": TITLE, "start_index": 0, "end_index": 5}


def probable(magic: str) -> list[Step]:
    """Return the answer "Paris", with the probabilities of its one token."""
    if magic == "chat":
        words = chat_chunk({"role": "assistant", "content": "Paris"}, logprobs={"content": TOKENS})
        return [words, chat_chunk({}, finish_reason="stop"), DONE]
    part = {**responses.output_text("Paris"), "logprobs": TOKENS}
    item = responses.message(part)
    shown = {**responses.delta("Paris"), "logprobs": TOKENS}
    added = responses.added(0, responses.message(status="in_progress"))
    frames = [responses.created(), added, shown, responses.done(0, item)]
    return [responses.stream(*frames, responses.ended(output=[item]))]


def thoughtful(magic: str) -> list[Step]:
    """Return the answer "Four.", after "Let me *think*.", which took 7 of 9 tokens."""
    if magic == "chat":
        tokens = {"completion_tokens_details": {"reasoning_tokens": 7}}
        usage = {"prompt_tokens": 3, "completion_tokens": 9, "total_tokens": 12, **tokens}
        return [
            chat_chunk({"role": "assistant", "reasoning_content": "Let me "}),
            chat_chunk({"reasoning_content": "*think*."}),
            chat_chunk({"content": "Four."}),
            chat_chunk({}, finish_reason="stop"),
            sse({"id": "chatcmpl-1", "model": "test-model", "choices": [], "usage": usage}),
            DONE,
        ]
    usage = responses.usage(3, 9)
    usage["output_tokens_details"]["reasoning_tokens"] = 7
    said = responses.message(responses.output_text("Four."))
    output = [responses.reasoning("Let me *think*."), said]
    return [
        responses.stream(
            responses.created(),
            *responses.thought("Let me ", "*think*."),
            *responses.spoken("Four.", index=1),
            responses.ended(output=output, usage=usage),
        )
    ]


def searched(magic: str) -> list[Step]:
    """Return the answer "Rain.", with the source that the provider found on the web."""
    if magic == "chat":
        note = {"type": "url_citation", "url_citation": _CITATION}
        return [
            chat_chunk({"role": "assistant", "content": "Rain."}),
            chat_chunk({"annotations": [note]}),
            chat_chunk({}, finish_reason="stop"),
            DONE,
        ]
    call = {"id": "ws_1", "type": "web_search_call", "status": "in_progress"}
    found = {**call, "status": "completed", "action": {"type": "search", "query": "rain"}}
    part = responses.output_text("Rain.", [{"type": "url_citation", **_CITATION}])
    said = responses.message(part)
    return [
        responses.stream(
            responses.created(),
            responses.added(0, call),
            responses.event("web_search_call.searching", "ws_1"),
            responses.event("web_search_call.completed", "ws_1"),
            responses.done(0, found),
            *responses.spoken("Rain.", index=1)[:-1],
            responses.done(1, said),
            responses.ended(output=[found, said]),
        )
    ]
