"""What was used and what it cost: the server's word, a list price, or nothing."""

from __future__ import annotations

import importlib.util

import pytest

from nbchat.conversation import Conversation, Turn
from nbchat.messages import Message, Started, Text, TextDelta, Usage, UsageSeen
from nbchat.pricing import (
    Cost,
    context_window,
    cost_of,
    cost_text,
    list_price,
    table,
    total,
    usage,
)

OPENAI = "https://api.openai.com/v1"
TOKENS = Usage(input=1_000_000, output=100_000, cached=400_000)


def used(
    thread: Conversation,
    counted: Usage | None,
    model: str = "gpt-5.1",
    base_url: str = OPENAI,
    answered_by: str = "",
) -> Turn:
    turn = Turn((Message.of("user", "q"),), "chat", base_url=base_url, model=model, elapsed=2.0)
    thread.open(turn, None)
    turn.answer.apply(Started(model=answered_by))
    turn.answer.apply(TextDelta("A"))
    if counted is not None:
        turn.answer.apply(UsageSeen(counted))
    return turn


def test_the_servers_own_cost_goes_first() -> None:
    turn = used(Conversation("main"), Usage(10, 5, cost=0.25))
    assert cost_of(turn) == Cost(0.25, "server")


def test_the_embedded_model_costs_nothing() -> None:
    turn = used(Conversation("main"), Usage(10, 5), "SmolLM2", "http://127.0.0.1:4321/v1")
    assert cost_of(turn) is None
    turn.provider = "local"
    assert cost_of(turn) == Cost(0.0, "this machine")
    assert cost_of(used(Conversation("main"), None)) is None


def test_a_list_price_says_where_it_is_listed() -> None:
    pytest.importorskip("genai_prices")
    # 1.25 $ per million input tokens, 0.125 $ for cached ones, 10 $ for output.
    found = list_price(TOKENS, "gpt-5.1", OPENAI)
    assert found == Cost(pytest.approx(0.6 * 1.25 + 0.4 * 0.125 + 1.0), "list price at OpenAI")
    assert context_window("gpt-5.1", OPENAI) == 400_000


def test_a_gateway_has_the_list_price_of_the_vendor_that_the_model_names() -> None:
    pytest.importorskip("genai_prices")
    gateway = list_price(TOKENS, "openai/gpt-5-1", "https://api.aimlapi.com/v1")
    assert gateway == list_price(TOKENS, "gpt-5.1", OPENAI)


@pytest.mark.parametrize(
    ("model", "base_url"),
    [
        ("gpt-5.1", "https://gateway.example.com/v1"),  # no vendor is named
        ("openai/gpt-5.1", "http://127.0.0.1:8000/v1"),  # runs here
        ("openai/gpt-5.1", "http://192.168.0.7/v1"),
        ("openai/gpt-5.1", "http://lab:8000/v1"),
        ("nobody/knows", "https://gateway.example.com/v1"),
        ("no-such-model", OPENAI),
        ("gpt-5.1", ""),
        ("", OPENAI),
    ],
)
def test_nothing_is_invented(model: str, base_url: str) -> None:
    assert list_price(TOKENS, model, base_url) is None


def test_without_the_package_there_is_no_list_price(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    assert list_price(TOKENS, "gpt-5.1", OPENAI) is None


def test_a_row_for_each_thread_and_model() -> None:
    main, fork = Conversation("main"), Conversation("other")
    near = "http://localhost/v1"
    used(main, Usage(10, 5, 4, 2, cost=0.5), "m", near)
    used(main, Usage(20, 7, cost=0.25), "m", near)
    used(main, Usage(1, 1), "m", near)
    used(main, None, "m", near)
    used(main, Usage(3, 3), "alias", near, answered_by="real")
    main.say("assistant", "by hand")
    fork.turns = main.turns[:1]
    first, second, third = usage([main, fork])
    assert (first.thread, first.model, first.turns) == ("main", "m", 4)
    assert (first.input, first.cached, first.output, first.reasoning) == (31, 4, 13, 2)
    assert (first.seconds, first.dollars, first.sources) == (8.0, 0.75, ("server",))
    assert (first.uncounted, first.unpriced) == (1, 1)
    assert (second.model, second.dollars) == ("real", None)
    assert (third.thread, third.input) == ("other", 10)
    both = total([main, fork])
    assert (both.turns, both.input, both.dollars) == (5, 34, 0.75)
    assert cost_text(both) == "$0.7500 (without 3 turns)"
    assert table([first, both]).splitlines()[1].endswith("$0.7500 (without 2 turns)")


def test_a_prompt_and_its_rounds_of_tools_are_one_turn() -> None:
    thread = Conversation("main")
    first = used(thread, Usage(10, 5, cost=0.5), "m")
    for answered_by in ("m", "other"):
        result = Message("tool", (Text("1"),), tool_call_id="call_1")
        turn = Turn((result,), "chat", model="m")
        thread.open(turn, first)
        turn.answer.apply(Started(model=answered_by))
        first = turn
    assert [(row.model, row.turns) for row in usage([thread])] == [("m", 1), ("other", 1)]
    both = total([thread])
    assert (both.turns, both.uncounted) == (1, 1)
    assert cost_text(both) == "$0.5000 (without 1 turn)"


def test_no_turns() -> None:
    assert usage([Conversation("main")]) == []
    assert cost_text(total([])) == "not known"
