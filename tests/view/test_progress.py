"""What a live screen says while an answer comes, and what stays."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from nbchat.messages import (
    Connected,
    HostedTool,
    Notice,
    Progress,
    ReasoningDelta,
    Retrying,
    StreamEvent,
    TextDelta,
    ToolCallDelta,
    ToolFinished,
    ToolStarted,
    Usage,
)
from nbchat.reply import Choice, Reply
from nbchat.view.permanent import bundle, failed, footer, marks, metadata
from nbchat.view.progress import Live
from nbchat.view.steps import hosted_html


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr("nbchat.view.progress.time", clock)
    return clock


def test_waiting_then_the_time_to_the_first_token(clock: Clock) -> None:
    live = Live()
    clock.now += 3
    assert live.status() == "waiting … 3 s"
    live.take(ReasoningDelta("hm"))
    assert live.status() == "thinking … 3 s"
    clock.now += 1.24
    live.take(TextDelta("Hi"))
    clock.now += 60
    assert live.status() == "first token after 4.2 s"


def test_a_retry_is_counted_down(clock: Clock) -> None:
    live = Live()
    live.take(Retrying(4, 1, 2, "HTTP 503"))
    said = []
    for _ in range(5):
        said.append(live.status())
        clock.now += 1
    assert said == [f"HTTP 503: trying again (1 of 2) in {left} s" for left in (4, 3, 2, 1, 0)]
    live.take(Connected())
    assert live.status() == "waiting … 5 s"


def test_a_download_shows_how_far_it_is(clock: Clock) -> None:
    live = Live()
    live.take(Progress("downloading the embedded model (93 MB)", 0.5))
    assert live.status() == "downloading the embedded model (93 MB) 50% … 0 s"


def test_tools_at_the_provider_and_notices_show_as_afterwards(clock: Clock) -> None:
    live = Live()
    events: list[StreamEvent] = [
        HostedTool("ws_1", "web_search_call", "in_progress"),
        HostedTool("ws_1", "web_search_call", "searching", "weather in Oslo"),
        ToolCallDelta("c1", id="call_1", name="add"),
        ToolCallDelta("c1", arguments='{"a": 1}'),
        Notice("temperature was left out"),
    ]
    for event in events:
        live.take(event)
    assert live.status() == "calls add … 0 s · temperature was left out"
    line = hosted_html(live.hosted.values())
    assert "web search: searching weather in Oslo" in line
    reply = Reply(hosted=tuple(live.hosted.values()), notices=("temperature was left out",))
    assert line in bundle(reply)["text/html"]
    assert footer(reply).endswith(" · temperature was left out")


def test_what_was_said_and_what_was_called_show_in_their_order() -> None:
    live = Live()
    for event in (
        TextDelta("I look."),
        ToolStarted("call_0", "look", "{}"),
        ToolFinished("call_0", "look", "{}", 1.0, "far"),
        ToolStarted("call_0", "look", "{}"),
        ToolFinished("call_0", "look", "{}", 1.0, "near"),
        TextDelta("I saw."),
    ):
        live.take(event)
    shown = [
        ([column.markdown.tick().tail for column in stage.columns.values()], list(stage.calls))
        for stage in live.stages
    ]
    assert shown == [
        (["<p>I look.</p>\n"], ["call_0"]),
        ([], ["call_0"]),
        (["<p>I saw.</p>\n"], []),
    ]


REPLY = Reply(
    choices=(Choice(text="*Hi*", finish_reason="length"),),
    usage=Usage(input=12, output=40, cached=8, reasoning=30, cost=0.0012),
    model="gpt-5.1",
    elapsed=3.0,
    first_token=1.0,
    notices=("temperature was left out",),
    thread="main",
    turn="ab12",
)
TWO = Reply(choices=(Choice(text="one"), Choice(text="two")), thread="main", turn="t")


def test_the_footer() -> None:
    assert footer(REPLY) == (
        "gpt-5.1 · 12 (8 cached) in, 40 (30 reasoning) out · 3.0 s · 20 tokens/s · $0.0012 · "
        "cut at the token limit · temperature was left out"
    )
    assert footer(Reply(elapsed=0.25)) == "0.2 s"


@pytest.mark.parametrize(
    ("status", "said"),
    [("stopped", "stopped"), ("cut", "cut off"), ("failed", "failed"), ("completed", "")],
)
def test_a_partial_answer_is_marked(status: str, said: str) -> None:
    reply = Reply(choices=(Choice(text="Hi"),), status=status)
    assert said in " ".join(marks(reply))
    assert bool(marks(reply)) == bool(said)
    assert said in bundle(reply)["text/html"]


def test_the_source_is_the_plain_text() -> None:
    assert bundle(REPLY)["text/plain"] == "*Hi*"
    assert "<em>Hi</em>" in bundle(REPLY)["text/html"]


def test_reasoning_is_folded_with_its_tokens() -> None:
    page = bundle(replace(REPLY, choices=(Choice(text="Hi", reasoning="hm"),)))["text/html"]
    assert "<summary>Reasoning · 30 tokens</summary>" in page


def test_the_metadata() -> None:
    facts = metadata(REPLY)["nbchat"]
    assert facts["usage"] == {"input": 12, "cached": 8, "output": 40, "reasoning": 30}
    assert (facts["thread"], facts["turn"], facts["finish_reason"]) == ("main", "ab12", "length")


def test_choices_stand_side_by_side() -> None:
    page = bundle(TWO)["text/html"]
    assert page.count('class="nbchat-choice"') == 2
    assert page.count('type="radio"') == 2


def test_the_picked_choice_is_marked() -> None:
    for picked, other in ((0, 2), (1, 1)):
        page = bundle(replace(TWO, picked=picked))["text/html"]
        assert page.count(f">✓ Choice {picked + 1}<") == 2, "in its column and on its tab"
        assert page.count(f">Choice {other}<") == 2
        (shown,) = re.findall(r"<input[^>]* checked>([^<]*)", page)
        assert shown == f"✓ Choice {picked + 1}"
        assert f"goes on with choice {picked + 1} (%nbchat pick {other} main takes" in page


def test_outside_of_all_threads_nothing_is_picked() -> None:
    page = bundle(replace(TWO, thread=""))["text/html"]
    assert "✓" not in page
    assert "pick" not in footer(replace(TWO, thread=""))


def test_the_plain_text_has_every_choice() -> None:
    assert bundle(TWO)["text/plain"] == "--- choice 1\none\n\n--- choice 2\ntwo"


def test_what_providers_say_is_escaped() -> None:
    hostile = "<img src=x onerror=alert(1)>"
    reply = Reply(
        choices=(Choice(text="ok", refusal=hostile, finish_reason=hostile),),
        model=hostile,
        notices=(hostile,),
    )
    for page in (bundle(reply)["text/html"], failed(hostile)["text/html"]):
        assert "<img" not in page
        assert "&lt;img" in page
