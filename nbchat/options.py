"""The options of a prompt: names, ranges, defaults. Knows no IPython.

The magic line, the settings and the Python interface all speak of these.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Options:
    """What one prompt asks for; ``None`` means that the provider's default holds."""

    # core
    provider: str | None = None
    base_url: str | None = None
    model: str | None = None
    thread: str | None = None
    new: bool = False
    once: bool = False
    system: str | None = None
    temperature: float | None = None
    top_p: float | None = None
    max_tokens: int | None = None
    frequency_penalty: float | None = None
    presence_penalty: float | None = None
    seed: int | None = None
    stop: tuple[str, ...] = ()
    stream: bool = True
    timeout: float | None = None
    set: Mapping[str, Any] = field(default_factory=dict)
    out: str | None = None
    dry_run: bool = False
    # wire
    n: int | None = None
    logprobs: int | None = None
    effort: str | None = None
    reasoning_summary: str | None = None
    verbosity: str | None = None
    tool_choice: str | None = None
    parallel_tools: bool | None = None
    store: bool | None = None
    previous: str | None = None
    truncation: str | None = None
    metadata: Mapping[str, str] = field(default_factory=dict)
    user: str | None = None
    service_tier: str | None = None
    prompt_cache_key: str | None = None
    safety_identifier: str | None = None
    include: tuple[str, ...] = ()
    curl: bool = False
