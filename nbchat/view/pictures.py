"""Generated images in their place in the text: Markdown for it, and what its addresses stand for.

The bytes of an image stay out of the Markdown, where they would be parsed again with each repaint.
"""

from __future__ import annotations

from collections.abc import Iterable


def picture_mark(number: int) -> str:
    """Return the Markdown that stands for the image with this number, as a block of its own."""
    return f"\n\n![generated image]({_address(number)})\n\n"


def pictures(urls: Iterable[str]) -> dict[str, str]:
    """Return what the addresses in the marks stand for, for `nbchat.render`.

    >>> pictures(["data:image/png;base64,AAAA"])
    {'nbchat-picture:0': 'data:image/png;base64,AAAA'}
    """
    return {_address(number): url for number, url in enumerate(urls)}


def _address(number: int) -> str:
    return f"nbchat-picture:{number}"
