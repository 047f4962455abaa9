"""What a server's refusal of a request teaches: which field to rename or to leave out.

Servers that call themselves compatible differ in the fields that they take, and one server's
models do, too. A refusal that names such a field is answered by one more request without it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from nbchat.errors import APIStatusError
from nbchat.messages import Endpoint
from nbchat.wire import Habits

__all__ = ["amend"]

_LIMITS = {"max_tokens": "max_completion_tokens", "max_completion_tokens": "max_tokens"}

_OPTIONAL = (
    "temperature",
    "top_p",
    "frequency_penalty",
    "presence_penalty",
    "seed",
    "top_logprobs",
    "logprobs",
    "reasoning.summary",
    "reasoning.effort",
    "reasoning",
    "reasoning_effort",
    "text.verbosity",
    "verbosity",
    "parallel_tool_calls",
    "service_tier",
    "store",
    "metadata",
    "user",
    "prompt_cache_key",
    "safety_identifier",
    "truncation",
    "include",
    "response_format.json_schema.strict",
    "response_format",
    "text.format.strict",
    "text.format",
)
"""Fields without which the answer still is one to the prompt; inner ones before outer ones.

Whether an answer has the form that was asked for is checked when it is here.
"""

_WORDS = frozenset({"user", "store", "include", "metadata", "reasoning", "seed", "truncation"})
"""Fields whose names are plain words: a sentence may hold them and mean something else."""

_WITH_IT: Mapping[str, frozenset[str]] = {"logprobs": frozenset({"top_logprobs"})}
"""Fields that mean nothing without another one."""

# OpenAI: unsupported_parameter, unsupported_value, unknown_parameter; pydantic: extra_forbidden.
_REFUSED = re.compile(
    r"unsupported|unavailable|not (?:yet )?support|n['’]t support|no support"
    r"|unknown|unrecogni[sz]ed|unexpected|extra[_ ](?:inputs?|fields?|forbidden)"
    r"|not (?:permitted|allowed|available|enabled|accepted|implemented)|must be verified"
    r"|only (?:the )?default",
    re.IGNORECASE,
)
# Of OpenAI: the field is taken, what the user wrote in it is not.
_BAD_SCHEMA = re.compile(r"invalid[_ ](?:json[_ ])?schema", re.IGNORECASE)
_ROLE = re.compile(r"\broles?\b", re.IGNORECASE)
_NEXT_ROLE = {"developer": "system", "system": "user"}
_NO_RESPONSE = re.compile(
    r"previous[_ ]response|response\b.{0,80}\bnot (?:be )?found|zero data retention",
    re.IGNORECASE | re.DOTALL,
)


def amend(
    body: Mapping[str, Any], error: APIStatusError, endpoint: Endpoint, habits: Habits
) -> tuple[Habits, str] | None:
    """Return what a refusal teaches and one line for the user, or ``None`` if it is an error.

    The caller builds the body again with the new habits and sends it once more. Nothing is learned
    twice: a field that is there in spite of the habits was set by the user, who is told.

    >>> from nbchat.errors import BadRequestError
    >>> words = "Unsupported value: 'temperature' does not support 0.2 with this model."
    >>> error = BadRequestError(words, status=400, param="temperature", model="gpt-5")
    >>> amend({"temperature": 0.2}, error, "chat", Habits())[1]
    'temperature was left out: gpt-5 does not take it'
    """
    amended = _amend(body, error, endpoint, habits)
    return None if amended is None or amended[0] == habits else amended


def _amend(
    body: Mapping[str, Any], error: APIStatusError, endpoint: Endpoint, habits: Habits
) -> tuple[Habits, str] | None:
    if error.status not in (400, 404, 422):
        return None
    said = _Said(error)
    who = error.model or "this server"
    if endpoint == "responses" and _lost_response(body, said):
        return (
            replace(habits, stateful=False),
            "the earlier answers were sent again: the server does not have them",
        )
    if endpoint == "responses" and _lost_item(body, said):
        return (
            replace(habits, stateful=False),
            "the earlier answers were sent without their ids: the server does not have them",
        )
    if error.status == 404:
        return None
    renamed = _rename_limit(body, said, habits)
    if renamed is not None:
        return renamed, f"max tokens were sent as {renamed.max_tokens}: {who} wants it so"
    if endpoint == "chat" and "stream_options" in body and said.refuses("stream_options"):
        return (
            replace(habits, include_usage=False),
            f"usage was not asked for: {who} does not take stream_options",
        )
    role = _next_role(body, said, habits)
    if role is not None:
        return (
            replace(habits, system_role=role),
            f"the system message was sent as {role}: {who} takes no {habits.system_role} role",
        )
    for field in _OPTIONAL:
        if _has(body, field) and said.refuses(field):
            dropped = habits.dropped | {field} | _WITH_IT.get(field, frozenset())
            return (
                replace(habits, dropped=dropped),
                f"{field} was left out: {who} does not take it",
            )
    return None


class _Said:
    """What the server said: the field that it names, and its words."""

    def __init__(self, error: APIStatusError) -> None:
        self.param = error.param
        self.words = " ".join([error.detail, *_strings(error.body)])
        self.kind = f"{error.code} {error.type}"
        said = f"{self.kind} {self.words}"
        self.refusal = bool(_REFUSED.search(said)) and not _BAD_SCHEMA.search(said)

    def names(self, field: str) -> bool:
        """Whether this field is named, or one within it."""
        if self.param == field or self.param.startswith((f"{field}.", f"{field}[")):
            return True
        name = re.escape(field)
        if field in _WORDS:  # `store`, "store", body.store, or after a colon
            pattern = rf"""(?:['"`‘“]|\bbody\.|: ?){name}(?![\w-])"""
        else:
            pattern = rf"(?<![\w-]){name}(?![\w-])"
        return re.search(pattern, self.words) is not None

    def refuses(self, field: str) -> bool:
        """Whether this field is what the server does not take."""
        return self.refusal and self.names(field)


def _strings(value: Any, depth: int = 0) -> Iterator[str]:
    """Yield the texts of an error's body: also of entries that the short message left out."""
    if depth > 6:
        return
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for name, inner in value.items():
            if name == "loc" and isinstance(inner, list):
                yield ".".join(str(step) for step in inner)
            elif name != "input":  # pydantic quotes what was sent
                yield from _strings(inner, depth + 1)
    elif isinstance(value, list):
        for inner in value:
            yield from _strings(inner, depth + 1)


def _has(body: Mapping[str, Any], path: str) -> bool:
    head, _, rest = path.partition(".")
    inner = body.get(head)
    if not rest:
        return head in body
    return isinstance(inner, Mapping) and _has(inner, rest)


def _rename_limit(body: Mapping[str, Any], said: _Said, habits: Habits) -> Habits | None:
    sent = habits.max_tokens
    other = _LIMITS.get(sent, "")
    if sent not in body or other in habits.dropped or not other:
        return None
    # The refusal of one often names the other, too: "use 'max_completion_tokens' instead".
    if not said.refuses(sent) or (said.param and said.param != sent):
        return None
    return replace(habits, max_tokens=other, dropped=habits.dropped | {sent})


def _next_role(body: Mapping[str, Any], said: _Said, habits: Habits) -> str | None:
    role = habits.system_role
    messages = body.get("messages", body.get("input"))
    sent = isinstance(messages, list) and any(
        isinstance(message, Mapping) and message.get("role") == role for message in messages
    )
    named = "role" in said.param or _ROLE.search(said.words)
    if not (sent and named and role in said.words.lower()):
        return None
    # "unknown variant `developer`, expected one of `system`, `user`": the first one is refused.
    first = re.search(r"developer|system", said.words.lower())
    if first is None or first[0] != role:
        return None
    return _NEXT_ROLE.get(role)


def _lost_response(body: Mapping[str, Any], said: _Said) -> bool:
    previous = body.get("previous_response_id")
    if not previous:
        return False
    return (
        said.param == "previous_response_id"
        or str(previous) in said.words
        or _NO_RESPONSE.search(f"{said.kind} {said.words}") is not None
    )


def _lost_item(body: Mapping[str, Any], said: _Said) -> bool:
    """Whether the server complains of an item by its id: it was made or kept elsewhere."""
    items = body.get("input")
    sent = [item.get("id") for item in items or () if isinstance(item, Mapping)]
    return any(
        isinstance(id, str)
        and id
        and re.search(rf"(?<![\w-]){re.escape(id)}(?![\w-])", said.words)
        for id in sent
    )
