"""From the text of a cell to the parts of a message: filling, images, files, sound.

Nothing here sends anything or writes to the kernel; what is wrong is a `UsageError` before a
request is made.
"""

from __future__ import annotations

from collections.abc import Sequence

from nbchat.prompt.attach import attach_audio, attach_file, attach_image
from nbchat.prompt.content import Content
from nbchat.prompt.evaluate import Namespaces
from nbchat.prompt.fill import fill

__all__ = [
    "Content",
    "Namespaces",
    "attach_audio",
    "attach_file",
    "attach_image",
    "compose",
    "fill",
]


def compose(
    text: str,
    namespaces: Namespaces = (),
    *,
    literal: bool = False,
    images: Sequence[object] = (),
    files: Sequence[object] = (),
    audio: Sequence[object] = (),
) -> Content:
    """Return a whole prompt: its text filled, then what is attached to it.

    Args:
        text: the prompt as it was written.
        namespaces: where names are looked up, the first one first.
        literal: send the text as it stands.
        images: variables, paths and URLs, or the objects themselves; see `attach_image`.
        files: the same for files; see `attach_file`.
        audio: the same for sound; see `attach_audio`.

    Raises:
        UsageError: an expression fails, or something can't be attached.

    >>> compose("What is {{ n }} + 1?", [{"n": 41}]).text
    'What is 41 + 1?'
    """
    content = fill(text, namespaces, literal=literal)
    for ref in files:
        content = content.followed_by(attach_file(ref, namespaces))
    for ref in images:
        content = content.followed_by(attach_image(ref, namespaces))
    for ref in audio:
        content = content.followed_by(attach_audio(ref, namespaces))
    return content
