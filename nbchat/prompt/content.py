"""What a prompt holds, and what the user should know of it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from nbchat.messages import Part, Text

__all__ = ["Content"]


@dataclass(frozen=True)
class Content:
    """Parts of a message.

    Attributes:
        parts: the parts; no text is empty, and no two texts stand side by side.
        notices: what was changed on the way (an image made smaller), one line each.
    """

    parts: tuple[Part, ...] = ()
    notices: tuple[str, ...] = ()

    @classmethod
    def of(cls, *pieces: str | Part, notice: str = "") -> Content:
        """Return the content of texts and other parts.

        >>> Content.of("a", "b").parts
        (Text(text='ab'),)
        """
        return cls(_merged(pieces), (notice,) if notice else ())

    @classmethod
    def joined(cls, contents: Iterable[Content]) -> Content:
        """Return contents one after the other, with nothing between them.

        Text that is blank alone is left out where other parts are: some servers refuse it.
        """
        contents = list(contents)
        parts = _merged(part for content in contents for part in content.parts)
        if len(parts) > 1:
            parts = tuple(part for part in parts if not _is_blank(part))
        return cls(parts, tuple(notice for content in contents for notice in content.notices))

    def followed_by(self, other: Content) -> Content:
        """Return both, with a blank line where text follows text."""
        gap = Content()
        if self.parts and other.parts:
            before, after = self.parts[-1], other.parts[0]
            if isinstance(before, Text) and isinstance(after, Text) and before.text.strip():
                gap = Content.of("\n" if before.text.endswith("\n") else "\n\n")
        return Content.joined([self, gap, other])

    @property
    def text(self) -> str:
        """The texts, joined."""
        return "".join(part.text for part in self.parts if isinstance(part, Text))


def _merged(pieces: Iterable[str | Part]) -> tuple[Part, ...]:
    parts: list[Part] = []
    texts: list[str] = []
    for piece in [*pieces, None]:
        if isinstance(piece, (str, Text)):
            texts.append(piece if isinstance(piece, str) else piece.text)
            continue
        if text := "".join(texts):
            parts.append(Text(text))
        texts.clear()
        if piece is not None:
            parts.append(piece)
    return tuple(parts)


def _is_blank(part: Part) -> bool:
    return isinstance(part, Text) and not part.text.strip()
