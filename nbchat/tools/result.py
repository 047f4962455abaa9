"""What a tool gave, as the model is told of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from nbchat.messages import Part, Text
from nbchat.prompt.content import Content
from nbchat.prompt.values import text_of, visible_of

__all__ = ["LIMIT", "ToolResult"]

LIMIT = 50_000
"""Characters of a result that the model gets; what is cut is said in the text."""


@dataclass(frozen=True)
class ToolResult:
    """The output of one call.

    Attributes:
        parts: text, and images if the tool gave some.
        failed: the call did not do what it should; the text says why.
    """

    parts: tuple[Part, ...]
    failed: bool = False

    @classmethod
    def of(cls, value: object) -> ToolResult:
        """Return what a function returned: text as it is, pictures as images, else JSON.

        A list of which some are pictures keeps their places. Tables are Markdown.

        Raises:
            UsageError: an image is too large.

        >>> ToolResult.of({"a": [1, None]}).text
        '{"a":[1,null]}'
        """
        if isinstance(value, (list, tuple)):
            contents = [_visible(item) for item in value]
            if any(content is not None for content in contents):
                pieces = [
                    content or _written(item)
                    for content, item in zip(contents, value, strict=True)
                ]
                return cls(_capped(Content.joined(_spaced(pieces))))
        return cls(_capped(_visible(value) or _written(value)))

    @classmethod
    def failure(cls, reason: BaseException | str) -> ToolResult:
        """Return the output of a call that failed; the model reads why.

        >>> ToolResult.failure(ValueError("too far")).text
        'ValueError: too far'
        """
        words = reason if isinstance(reason, str) else f"{type(reason).__name__}: {reason}"
        return cls((Text(_cut(words)),), failed=True)

    @property
    def text(self) -> str:
        """The texts, joined."""
        return "".join(part.text for part in self.parts if isinstance(part, Text))


def _visible(value: object) -> Content | None:
    return visible_of(value, "the result")


def _written(value: object) -> Content:
    """Return a value as text: a table or its own Markdown, else JSON."""
    from pydantic_core import PydanticSerializationError, to_json

    text = text_of(value)
    if text is None:
        try:
            text = to_json(value, fallback=_plain).decode("utf-8")
        except (PydanticSerializationError, ValueError, RecursionError):
            text = repr(value)
    return Content.of(text)


def _plain(value: Any) -> Any:
    """Return a value that JSON has no form for as one that it has: arrays and scalars of NumPy."""
    method = getattr(type(value), "tolist", None)
    return method(value) if callable(method) else repr(value)


def _spaced(contents: list[Content]) -> list[Content]:
    gap = Content.of("\n")
    return [piece for content in contents for piece in (gap, content)][1:]


def _capped(content: Content) -> tuple[Part, ...]:
    """Return the parts with a text, which some servers want beside an image, and not too much."""
    parts = [Text(_cut(part.text)) if isinstance(part, Text) else part for part in content.parts]
    if not any(isinstance(part, Text) for part in parts):
        parts.insert(0, Text("The result is attached." if parts else ""))
    return (*parts, *(Text(f"\n{notice}") for notice in content.notices))


def _cut(text: str) -> str:
    if len(text) <= LIMIT:
        return text
    return f"{text[:LIMIT]}\n[cut: the first {LIMIT} of {len(text)} characters are shown]"
