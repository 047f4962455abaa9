"""What OpenAI's own types say of a request, and servers that validate by them (vLLM)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from openai.types.chat import completion_create_params as chat
from openai.types.responses import response_create_params as responses
from pydantic import TypeAdapter

_TYPES: dict[tuple[str, bool], TypeAdapter[Any]] = {
    ("chat", False): TypeAdapter(chat.CompletionCreateParamsNonStreaming),
    ("chat", True): TypeAdapter(chat.CompletionCreateParamsStreaming),
    ("responses", False): TypeAdapter(responses.ResponseCreateParamsNonStreaming),
    ("responses", True): TypeAdapter(responses.ResponseCreateParamsStreaming),
}


def validate(body: Mapping[str, Any], endpoint: str) -> None:
    """Raise `pydantic.ValidationError` if the types do not accept a body."""
    _exhaust(_TYPES[endpoint, body["stream"]].validate_python(body))


def _exhaust(value: object) -> None:
    # What is typed as an iterable is validated as it is iterated.
    if isinstance(value, Mapping):
        value = value.values()
    if isinstance(value, Iterable) and not isinstance(value, (str, bytes)):
        for inner in value:
            _exhaust(inner)
