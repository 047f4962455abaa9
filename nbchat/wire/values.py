"""Small readers of loose JSON that both endpoints need: text, numbers, usage, citations."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, TypeGuard

from nbchat.messages import Citation, Usage


def text_of(value: Any) -> str:
    """Return ``value`` if it is text, else ``""``."""
    return value if isinstance(value, str) else ""


def mapping_of(value: Any) -> Mapping[str, Any]:
    """Return ``value`` if it is an object, else an empty one."""
    return value if isinstance(value, dict) else {}


def objects_of(value: Any) -> list[dict[str, Any]]:
    """Return the objects in ``value`` if it is a list, else none."""
    return (
        [element for element in value if isinstance(element, dict)]
        if isinstance(value, list)
        else []
    )


def number_of(value: Any) -> float:
    """Return ``value`` if it is a finite number, else 0."""
    return value if _is_number(value) and abs(value) < float("inf") else 0


def count_of(value: Any) -> int:
    """Return ``value`` as a count, 0 if it is none.

    >>> count_of(3), count_of(3.0), count_of(None), count_of(True)
    (3, 3, 0, 0)
    """
    return int(number_of(value))


def arguments_of(value: Any) -> str:
    """Return a call's arguments as text; some servers send them as an object.

    >>> arguments_of('{"a"'), arguments_of({"a": 1}), arguments_of(None)
    ('{"a"', '{"a": 1}', '')
    """
    if value is None or isinstance(value, str):
        return value or ""
    return json.dumps(value, ensure_ascii=False)


def usage_of(value: Any) -> Usage | None:
    """Return the tokens that a server counted, ``None`` if it counted none.

    Both endpoints' names are known, and DeepSeek's for cached tokens. Zeros say nothing: some
    servers send them until the last chunk.

    >>> usage_of({"prompt_tokens": 3, "completion_tokens": 4}).total
    7
    """
    raw = mapping_of(value)
    given = count_of(raw.get("prompt_tokens")) or count_of(raw.get("input_tokens"))
    made = count_of(raw.get("completion_tokens")) or count_of(raw.get("output_tokens"))
    if not (given or made):
        return None
    before = mapping_of(raw.get("prompt_tokens_details") or raw.get("input_tokens_details"))
    after = mapping_of(raw.get("completion_tokens_details") or raw.get("output_tokens_details"))
    cost = raw.get("cost")
    return Usage(
        input=given,
        output=made,
        cached=count_of(before.get("cached_tokens") or raw.get("prompt_cache_hit_tokens")),
        reasoning=count_of(after.get("reasoning_tokens")),
        cost=float(cost) if _is_number(cost) else None,
        raw=raw,
    )


def citation_of(value: Any) -> Citation | None:
    """Return the source that an annotation names, ``None`` if it names none.

    Chat nests its fields under the annotation's type, Responses does not.
    """
    raw = mapping_of(value)
    kind = text_of(raw.get("type")) or "url_citation"
    fields = mapping_of(raw.get(kind)) or raw
    url = text_of(fields.get("url"))
    title = text_of(fields.get("title")) or text_of(fields.get("filename"))
    if not (url or title or fields.get("file_id")):
        return None
    start, end = fields.get("start_index"), fields.get("end_index")
    return Citation(
        url=url,
        title=title or text_of(fields.get("file_id")),
        start=start if isinstance(start, int) else None,
        end=end if isinstance(end, int) else None,
        kind=kind,
        raw=raw,
    )


def logprobs_of(value: Any) -> list[dict[str, Any]]:
    """Return the tokens in a list of log probabilities that are told as they should be."""
    return [
        entry if isinstance(entry.get("top_logprobs"), list) else {**entry, "top_logprobs": []}
        for entry in objects_of(value)
        if isinstance(entry.get("token"), str) and _is_number(entry.get("logprob"))
    ]


def data_url(url: str) -> tuple[str, str] | None:
    """Return the format and the base64 data of an image's ``data:`` URL, else ``None``.

    >>> data_url("data:image/png;base64,iVBORw0=")
    ('png', 'iVBORw0=')
    """
    head, comma, data = url.partition(";base64,")
    if not comma or not head.startswith("data:image/"):
        return None
    return head.removeprefix("data:image/").partition(";")[0], data


def _is_number(value: Any) -> TypeGuard[int | float]:
    return isinstance(value, (int, float)) and not isinstance(value, bool)
