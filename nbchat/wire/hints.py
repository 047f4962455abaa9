"""What to do about a failure: one sentence, in nbchat's own words."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from nbchat.errors import APIStatusError

__all__ = ["Facts", "advise", "context_overflow", "overflow", "quota_is_used_up"]

# Cloudflare: developers.cloudflare.com/workers-ai/platform/errors and the API's own 70xx, 10000.
_CLOUDFLARE = {
    "2001": "Set up an AI Gateway in the Cloudflare account first.",
    "2009": "The token needs the permission “AI Gateway”; if it has it, the gateway throttles: "
    "wait a little.",
    "3006": "The request is too large: send less, or smaller images and files.",
    "3036": "The free allowance of the day is used up; -p names another provider.",
    "3040": "Cloudflare has no capacity for this model now; try again later, or another model.",
    "5007": "Check the model (-m).",
    "7001": "This path does not exist at Cloudflare: check --base-url.",
    "7003": "Check the account id in the base URL.",
    "10000": "The token is wrong, or lacks the permission “AI Gateway”.",
}
CHECK_BASE_URL = "Check --base-url: with most servers it ends in /v1."
_QUOTA_CODES = frozenset({"insufficient_quota", "billing_hard_limit_reached", "3036"})
_OVERFLOW_CODES = frozenset(
    {"context_length_exceeded", "exceed_context_size_error", "context_window_exceeded"}
)
_OVERFLOW = re.compile(
    r"context[ _](?:length|size|window)\b.{0,60}\b(?:exceed|is|of)"
    r"|exceeds?\b.{0,60}\bcontext[ _](?:length|size|window)"
    r"|prompt is too long|too many (?:input )?tokens",
    re.IGNORECASE | re.DOTALL,
)


_TOO_LONG = "the thread does not fit into the model's context"


@dataclass(frozen=True)
class Facts:
    """What is known of a failure; ``status`` is 0 within a stream, ``wait`` is in seconds."""

    status: int
    message: str
    code: str = ""
    type: str = ""
    body: Any = None
    wait: float | None = None
    key_hint: str = ""


def context_overflow(facts: Facts) -> str:
    """Return what to say if the prompt was too long for the model, else ``""``."""
    if facts.status in (401, 403, 429) or not (
        {facts.code, facts.type} & _OVERFLOW_CODES or _OVERFLOW.search(facts.message)
    ):
        return ""
    sizes = _sizes(facts.body)
    if sizes:
        return f"{_TOO_LONG}: {sizes[0]} of {sizes[1]} tokens"
    return f"{_TOO_LONG}: {facts.message}"


def overflow(error: APIStatusError) -> tuple[int, int] | None:
    """Return (tokens of the prompt, tokens of the context) if the prompt was too long.

    Both are 0 where the server did not say them; ``None`` is for another failure.
    """
    if not error.detail.startswith(_TOO_LONG):
        return None
    return _sizes(error.body) or (0, 0)


def _sizes(body: Any) -> tuple[int, int] | None:
    """Return (tokens of the prompt, tokens of the context), as llama.cpp says them."""
    error = body.get("error", body) if isinstance(body, Mapping) else None
    if not isinstance(error, Mapping):
        return None
    prompt, context = error.get("n_prompt_tokens"), error.get("n_ctx")
    return (prompt, context) if isinstance(prompt, int) and isinstance(context, int) else None


def quota_is_used_up(error: APIStatusError) -> bool:
    """Whether an account has nothing left, so that waiting does not help."""
    return bool({error.code, error.type} & _QUOTA_CODES)


def advise(facts: Facts) -> str:
    """Return what to do, one sentence, or ``""`` where the provider's words say it all."""
    if context_overflow(facts):
        return (
            "--new starts the thread again, --truncation auto leaves its oldest turns out; "
            "or shorten the prompt."
        )
    if facts.code in _CLOUDFLARE and _from_cloudflare(facts.body):
        return _CLOUDFLARE[facts.code]
    if facts.status in _BY_STATUS:
        return _BY_STATUS[facts.status]
    if facts.status in (401, 407):
        return facts.key_hint or "Check the key."
    if facts.status == 404:
        return _not_found(facts)
    if facts.status == 429:
        return _too_many(facts)
    if facts.status == 503 and "loading" in facts.message.lower():
        return "The server is loading the model; try again in a moment."
    if facts.status >= 500:
        return "The failure is on the server's side; try again later."
    if facts.status in (400, 422) and re.search(r"\bmetadata\b.*\bstore\b", facts.message):
        return "--metadata needs --store."
    return ""


_BY_STATUS = {
    402: "The account has no credit: add some, or use another provider (-p).",
    403: "The key may not use this model, or the account has no credit.",
    405: "Check --base-url: this path takes no such request.",
    408: "The server gave up waiting; try again.",
    413: "The request is too large: send less, smaller images and files, or start with --new.",
}


def _from_cloudflare(body: Any) -> bool:
    if isinstance(body, list):
        return True
    return isinstance(body, Mapping) and bool({"errors", "internalCode", "success"} & body.keys())


def _not_found(facts: Facts) -> str:
    if "previous_response" in f"{facts.code} {facts.message}":
        return "The server no longer has that response; --new starts the thread again."
    if re.search(r"\bmodel\b", f"{facts.code.replace('_', ' ')} {facts.message}", re.IGNORECASE):
        return "Check the model (-m); %nbchat models lists what the server has."
    return CHECK_BASE_URL


def _too_many(facts: Facts) -> str:
    words = facts.message.lower()
    if {facts.code, facts.type} & _QUOTA_CODES or "quota" in words or "credit" in words:
        return "The quota is used up: add credit, or use another provider (-p)."
    if facts.wait is not None and facts.wait > 0:
        return f"The server asks to wait {_duration(facts.wait)}."
    return "Wait a little, or send less at once."


def _duration(seconds: float) -> str:
    """Return a duration as people say it, rounded up.

    >>> _duration(0.2), _duration(90), _duration(7200)
    ('1 s', '90 s', '120 min')
    """
    if seconds <= 120:
        return f"{max(1, -int(-seconds // 1))} s"
    return f"{-int(-seconds // 60)} min"
