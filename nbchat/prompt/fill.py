r"""``{{ expr }}`` in a prompt, filled in one pass (see `nbchat.prompt.field`).

A value is never looked at again, so its own braces stay. Everything outside is sent as it stands;
``\{{`` writes two braces.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from nbchat.errors import UsageError
from nbchat.prompt.content import Content
from nbchat.prompt.evaluate import Namespaces, merged, reason
from nbchat.prompt.field import Field, read_field
from nbchat.prompt.values import content_of

__all__ = ["fill"]

_OPENING = re.compile(r"\\?\{\{")
_WAYS_OUT = (
    "Nothing was sent. \\{{ writes two braces as they are; --literal fills nothing in this cell."
)


def fill(text: str, namespaces: Namespaces = (), *, literal: bool = False) -> Content:
    r"""Return a prompt with its expressions filled.

    Text stays text; a table becomes Markdown, a figure or picture an image at that place (see
    `nbchat.prompt.values`). With ``literal`` the text is taken as it stands.

    Raises:
        UsageError: a name is not defined, an expression fails, or its braces are not closed.

    >>> fill(r"{{ x:.1f }} is not \{{ x }} or {x}", [{"x": 2.55}]).text
    '2.5 is not {{ x }} or {x}'
    """
    if literal or "{{" not in text:
        return Content.of(text)
    try:
        return Content.joined(_pieces(text, merged(namespaces)))
    except UsageError as error:
        raise UsageError(f"{error}\n{_WAYS_OUT}") from error


def _pieces(text: str, names: dict[str, Any]) -> Iterator[Content]:
    at = 0
    while found := _OPENING.search(text, at):
        yield Content.of(text[at : found.start()])
        if found[0].startswith("\\"):
            yield Content.of("{{")
            at = found.end()
            continue
        field = read_field(text, found.end())
        at = field.end
        yield _content(field, names)
    yield Content.of(text[at:])


def _content(field: Field, names: dict[str, Any]) -> Content:
    value = field.value(names)
    try:
        return content_of(value, field.shown)
    except UsageError:  # it names the field already
        raise
    except Exception as error:
        raise UsageError(f"{field.shown}: {reason(error)}") from error
