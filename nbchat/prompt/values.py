"""What a value becomes in a prompt: what a person would paste."""

from __future__ import annotations

from nbchat.messages import Audio, File, Image, Refusal, Text
from nbchat.prompt.content import Content
from nbchat.prompt.images import picture_of
from nbchat.prompt.tables import markdown_of
from nbchat.reply import GeneratedImage, Reply

__all__ = ["content_of", "text_of", "visible_of"]


def content_of(value: object, name: str) -> Content:
    """Return a value as it goes to a model.

    Text is taken as it is, a reply is its text; a figure, a PIL image or what has ``_repr_png_``
    or ``_repr_jpeg_`` is an image; a table or an array is Markdown, shortened with its shape said;
    then ``_repr_markdown_`` counts, else the ``repr``.

    Args:
        value: anything. What its own methods raise is raised.
        name: what to call it in a notice or an error.

    Raises:
        UsageError: an image is too large.

    >>> content_of([1, "a"], "x").text
    "[1, 'a']"
    """
    visible = visible_of(value, name)
    if visible is not None:
        return visible
    text = text_of(value)
    return Content.of(repr(value) if text is None else text)


def visible_of(value: object, name: str) -> Content | None:
    """Return a part of a message as it is, a picture as an image; ``None`` if it is neither."""
    if isinstance(value, GeneratedImage):  # its place in an answer is none in a prompt
        return Content.of(Image(value.url, value.detail))
    if isinstance(value, (Text, Refusal, Image, File, Audio)):
        return Content.of(value)
    return None if isinstance(value, (str, Reply)) else picture_of(value, name)


def text_of(value: object) -> str | None:
    """Return the text that a value is or shows itself as; ``None`` if it has only a ``repr``."""
    if isinstance(value, str):
        return str.__str__(value)
    if isinstance(value, Reply):
        return value.text
    markdown = markdown_of(value)
    return _own_markdown(value) if markdown is None else markdown


def _own_markdown(value: object) -> str | None:
    # Looked up on the type, as Python does for its own protocols: objects that answer to every
    # name (mocks, proxies) have no Markdown.
    method = getattr(type(value), "_repr_markdown_", None)
    if not callable(method) or isinstance(value, type):
        return None
    markdown = method(value)
    if isinstance(markdown, tuple):  # with metadata
        markdown = markdown[0]
    return markdown if isinstance(markdown, str) else None
