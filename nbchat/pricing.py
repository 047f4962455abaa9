"""Tokens, time and cost, by thread and model.

A cost is the server's own, or a list price from the optional package genai-prices, which has its
prices with it and asks no network; otherwise it is not known. Nothing is estimated.
"""

from __future__ import annotations

import importlib.util
import ipaddress
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from nbchat.conversation import Conversation, Turn, begins
from nbchat.messages import Usage

SERVER = "server"
_COUNTS = ("turns", "input", "cached", "output", "reasoning")
_HEAD = ("thread", "model", *_COUNTS, "seconds", "cost")


@dataclass(frozen=True)
class Cost:
    """What something cost, in US dollars, and who says so: `SERVER`, or where it is listed."""

    dollars: float
    source: str


@dataclass(frozen=True)
class Row:
    """What the turns of one thread with one model used.

    Attributes:
        thread, model: whose; ``""`` in a total.
        turns: how many prompts were answered, by a model; one with its rounds of tools is one.
        uncounted: how many of them have no usage from the server, or not of every round.
        input, cached, output, reasoning: tokens; cached ones are input, reasoning ones output.
        seconds: from sending to the end, added up.
        dollars: what the turns whose cost is known came to, ``None`` if no cost is known.
        sources: who says so.
        unpriced: how many of them have usage whose cost is not known.
    """

    thread: str = ""
    model: str = ""
    turns: int = 0
    uncounted: int = 0
    input: int = 0
    cached: int = 0
    output: int = 0
    reasoning: int = 0
    seconds: float = 0.0
    dollars: float | None = None
    sources: tuple[str, ...] = ()
    unpriced: int = 0


def usage(threads: Iterable[Conversation]) -> list[Row]:
    """Return a row for each thread and model, in the order in which they first came.

    All turns count, on the current path or not: their tokens were used. So a turn that forked
    threads share is in the rows of each; `total` counts it once. What was written by hand or
    came from a file is left out.
    """
    rows: list[Row] = []
    for thread in threads:
        groups: dict[str, list[Turn]] = {}
        for turn in thread.turns:
            if _counts(turn):
                groups.setdefault(turn.answer.model or turn.model, []).append(turn)
        rows += [_row(turns, thread.name, model) for model, turns in groups.items()]
    return rows


def total(threads: Iterable[Conversation]) -> Row:
    """Return one row for all turns, each counted once."""
    turns = {turn.id: turn for thread in threads for turn in thread.turns if _counts(turn)}
    return _row(list(turns.values()))


def _counts(turn: Turn) -> bool:
    return not (turn.by_hand or turn.imported)


def cost_of(turn: Turn) -> Cost | None:
    """Return what a turn cost, ``None`` if that is not known."""
    counted = turn.answer.usage
    if counted is None:
        return None
    if turn.provider == "local":
        return Cost(0.0, "this machine")
    if counted.cost is not None:
        return Cost(counted.cost, SERVER)
    return list_price(counted, turn.answer.model or turn.model, turn.base_url) or (
        # A gateway may answer with a name of its own.
        list_price(counted, turn.model, turn.base_url)
    )


def list_price(counted: Usage, model: str, base_url: str) -> Cost | None:
    """Return the list price of ``counted`` tokens, ``None`` without genai-prices or a price.

    The server says whose prices hold. For a server that has none there, such as a gateway, they
    are those of the vendor that the model's name begins with (``openai/gpt-5.1``), unless it is on
    this machine or in this network.
    """
    found = _calculated(counted, model, base_url)
    return None if found is None else Cost(float(found.total_price), _at(found))


def context_window(model: str, base_url: str) -> int | None:
    """Return how many tokens a model is listed to take, ``None`` if that is not known.

    A hint, not a fact: lists and servers differ.
    """
    found = _calculated(Usage(), model, base_url)
    return None if found is None else found.model.context_window


def _calculated(counted: Usage, model: str, base_url: str) -> Any:
    """What genai-prices says, ``None`` if nothing."""
    if not model or not base_url or importlib.util.find_spec("genai_prices") is None:
        return None
    import genai_prices

    tokens = genai_prices.Usage(
        input_tokens=counted.input,
        cache_read_tokens=counted.cached,
        output_tokens=counted.output,
    )
    try:
        return genai_prices.calc_price(tokens, model, provider_api_url=base_url)
    except LookupError:
        vendor, slash, name = model.partition("/")
    if not slash or _is_near(base_url):
        return None
    try:
        return genai_prices.calc_price(tokens, name, provider_id=vendor)
    except LookupError:
        return None


def _at(found: Any) -> str:
    return f"list price at {found.provider.name}"


def _is_near(base_url: str) -> bool:
    """Whether a server is on this machine or in this network, where no list price holds."""
    host = urlsplit(base_url).hostname or ""
    try:
        return ipaddress.ip_address(host).is_private
    except ValueError:
        return "." not in host or host.endswith((".localhost", ".local", ".internal", ".lan"))


def _row(turns: list[Turn], thread: str = "", model: str = "") -> Row:
    counted = [turn.answer.usage for turn in turns if turn.answer.usage is not None]
    costs = {turn: cost for turn in turns if (cost := cost_of(turn)) is not None}
    uncounted = {turn for turn in turns if turn.answer.usage is None}
    unpriced = set(turns) - costs.keys() - uncounted
    return Row(
        thread,
        model,
        turns=len(begins(turns)),
        uncounted=len(begins(uncounted)),
        input=sum(one.input for one in counted),
        cached=sum(one.cached for one in counted),
        output=sum(one.output for one in counted),
        reasoning=sum(one.reasoning for one in counted),
        seconds=sum(turn.elapsed for turn in turns),
        dollars=sum(cost.dollars for cost in costs.values()) if costs else None,
        sources=tuple(dict.fromkeys(cost.source for cost in costs.values())),
        unpriced=len(begins(unpriced)),
    )


def table(rows: Iterable[Row]) -> str:
    """Return rows as text in columns, for reading.

    >>> print(table([Row("main", "m", turns=1, input=12, output=5, seconds=0.8)]))
    thread  model  turns  input  cached  output  reasoning  seconds  cost
    main    m          1     12       0       5          0      0.8  not known
    """
    lines = [[*_HEAD]]
    for row in rows:
        counts = [str(getattr(row, name)) for name in _COUNTS]
        lines.append([row.thread, row.model, *counts, f"{row.seconds:.1f}", cost_text(row)])
    widths = [max(len(line[place]) for line in lines) for place in range(len(_HEAD))]
    last = len(_HEAD) - 1
    return "\n".join(
        "  ".join(
            cell.ljust(width) if place in (0, 1, last) else cell.rjust(width)
            for place, (cell, width) in enumerate(zip(line, widths, strict=True))
        ).rstrip()
        for line in lines
    )


def cost_text(row: Row) -> str:
    """Return a row's cost with who says so, and for how many turns it is not known.

    >>> cost_text(Row(dollars=0.0123, sources=("list price at OpenAI",), unpriced=1))
    '$0.0123 (list price at OpenAI; without 1 turn)'
    """
    if row.dollars is None:
        return "not known"
    notes = [source for source in row.sources if source != SERVER]
    left = row.unpriced + row.uncounted
    if left:
        notes.append(f"without {left} turn{'s' * (left != 1)}")
    return f"${row.dollars:.4f}" + (f" ({'; '.join(notes)})" if notes else "")
