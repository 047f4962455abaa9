r"""The open end of an answer, amended to look as it will a moment later.

A model writes `**bo` before `**bold**`; shown as it stands, every syntax flashes raw before it
takes effect. Two amendments prevent that, both linear in the open block and without effect on
what is settled:

- `amended_source` works on the last line: a line that may still become anything (`-`, `1`, `#`,
  two backticks) waits, and a line that begins like a table's head is given the rest of one.
- `amended_inline` works on the text of the last paragraph, heading or table cell: what is open is
  closed, a half-written marker waits, and half a formula shows as code.

Both guess. A wrong guess (an asterisk that is only an asterisk) shows until the block is settled.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

from nbchat.render.links import BARE_URL
from nbchat.render.math import ENVIRONMENTS, is_price

if TYPE_CHECKING:
    from markdown_it.token import Token

# -- the last line ---------------------------------------------------------------------------

_CONTAINERS = r"[ \t>]*(?:(?:[-+*]|\d{1,9}[.)])[ \t]+)*"

_UNDECIDED = re.compile(
    _CONTAINERS
    + r"""(?:
        [-+*_=#]+ | \d{1,9}[.)]?       # list marker, underline, rule, heading
      | `{1,2} | ~{1,2} | \${1,2}      # half a fence
      | \|                             # a table's first character
      | \\ (?:\[ | b(?:e(?:g(?:i(?:n(?:\{[a-z]*\*?)?)?)?)?)?)?
      | \[ (?:[ xX]?\]?)?              # a task's box
      | \[ \^ [^\s\]]{0,40} (?:\]:?)?  # a footnote's label
      | \[ [^\]]{1,80} \]: [ \t]* (?:\S+ (?:[ \t]+ (?:["'(].*)? )? )?  # a link's definition
    )?[ \t]*""",
    re.VERBOSE,
)

_OPENER = re.compile(
    "^" + _CONTAINERS + r"(?:(?P<ticks>`{3,})[^`\n]*$|(?P<tildes>~{3,})|(?P<dollars>\$\$)[ \t]*$"
    rf"|(?P<bracket>\\\[)|\\begin\{{(?P<name>(?:{ENVIRONMENTS})\*?)\}})",
    re.MULTILINE,
)
_HALF_END = re.compile(r"(?:(?<!\$)\$|\\(?:e(?:n(?:d(?:\{[a-z]*\*?)?)?)?)?)$")

_PREFIX = re.compile(r"(?:[ \t]*(?:>|[-+*](?=[ \t])|\d{1,9}[.)](?=[ \t])))*[ \t]*")
_DELIMITERS = re.compile(r"[|:\-\s]*-[|:\-\s]*|\|[|:\s]*")
_ALIGNMENT = re.compile(r":?-+:?")


def amended_source(text: str) -> str:
    """Return `text`, the source of the open end, with its last line completed or held back."""
    cut = text.rfind("\n") + 1
    above, line = text[:cut], text[cut:]
    opener = _open_block(above)
    if opener is not None:
        return above + _without_half_close(line, opener)
    if _UNDECIDED.fullmatch(line):
        text = above
    return _with_table_head(text)


def _open_block(text: str) -> re.Match[str] | None:
    """Return the opening line of the code fence or formula that `text` ends in, if it does."""
    position = 0
    while opener := _OPENER.search(text, position):
        fence = opener["ticks"] or opener["tildes"]
        if fence:
            close = rf"^[ \t>]*{fence[0]}{{{len(fence)},}}[ \t]*$"
        elif opener["name"]:
            close = re.escape(f"\\end{{{opener['name']}}}") + r"[ \t]*$"
        else:
            close = r"\$\$[ \t]*$" if opener["dollars"] else r"\\\][ \t]*$"
        closer = re.compile(close, re.MULTILINE).search(text, opener.end())
        if closer is None:
            return opener
        position = closer.end()
    return None


def _without_half_close(line: str, opener: re.Match[str]) -> str:
    fence = opener["ticks"] or opener["tildes"]
    if not fence:
        return _HALF_END.sub("", line)
    inside = line.strip(" \t>")
    return "" if fence.startswith(inside) and len(inside) < len(fence) else line


def _with_table_head(text: str) -> str:
    """Return `text` with a complete delimiter row if its last lines begin a table."""
    lines = text[-2000:].rsplit("\n", 4)[-4:]
    ended = lines[-1] == ""
    if ended:
        lines.pop()
    bodies = [line[_PREFIX.match(line).end() :] for line in lines]  # type: ignore[union-attr]
    body = bodies[-1] if bodies else ""
    above = bodies[-2] if len(bodies) > 1 else ""
    if body.startswith("|") and "|" not in above:
        row = _delimiter_row(lines[-1], body, "")
        return f"{text}{'' if ended else chr(10)}{row}"
    two_above = bodies[-3] if len(bodies) > 2 else ""
    if not ended and "|" in above and "|" not in two_above and _DELIMITERS.fullmatch(body):
        row = _delimiter_row(lines[-2], above, body)
        return text[: len(text) - len(lines[-1])] + row
    return text


def _delimiter_row(head_line: str, head: str, begun: str) -> str:
    """Return the row to stand below `head`, with the alignments that `begun` has already."""
    columns = len(re.split(r"(?<!\\)\|", head.strip().removeprefix("|").removesuffix("|")))
    cells = [cell.strip() for cell in begun.strip().strip("|").split("|")]
    cells = [cell if _ALIGNMENT.fullmatch(cell) else "---" for cell in cells[:columns]]
    cells += ["---"] * (columns - len(cells))
    prefix = head_line[: len(head_line) - len(head)]
    return re.sub(r"[^\s>]", " ", prefix) + f"|{'|'.join(cells)}|"


# -- the text of the last paragraph, heading or cell -----------------------------------------


def amend_tokens(tokens: Sequence[Token], text: str) -> None:
    """Amend the inline token that block `tokens` of the open end `text` stop in, if they do."""
    in_one_line = False
    for index in reversed(range(len(tokens))):
        leaf = tokens[index]
        in_one_line = in_one_line or leaf.type in ("heading_close", "td_close", "th_close")
        if leaf.nesting == 0 and not (leaf.type == "inline" and leaf.content == ""):
            break
    else:
        return
    if leaf.type != "inline":
        return
    writing = text.count("\n")  # the number of the line that is being written
    ends = leaf.map[1] if leaf.map else writing
    if text.endswith("\n") if in_one_line else ends < writing:
        return
    leaf.content = amended_inline(leaf.content)
    if not leaf.content and tokens[index - 1].type == "paragraph_open":
        tokens[index - 1].hidden = tokens[index + 1].hidden = True  # no gap for nothing


class _Open(NamedTuple):
    """A marker that waits for its end."""

    marker: str  # a run of one of *_~, or [ or ![
    start: int
    end: int


_SPECIAL = re.compile(BARE_URL.pattern + r"|[\\`$*_~\[\]<&!]")
_TARGET = re.compile(
    r"\(\s{0,9}(?:<[^<>\n]*>|[^\s()<]*(?:\([^\s()]*\)[^\s()]*)*)"
    r"(?:\s{1,9}(?:\"[^\"]*\"|'[^']*'|\([^)]*\)))?\s{0,9}\)"
)
_HALF_TARGET = re.compile(
    r"\(\s{0,9}(?:<[^<>\n]*>?|[^\s<]*)"
    r"(?:\s{1,9}(?:\"(?:[^\"]*$|[^\"]*\")|'(?:[^']*$|[^']*')|\((?:[^)]*$|[^)]*\))))?\s{0,9}$"
)
_LABEL = re.compile(r"\[[^\[\]]*\]")
_HALF_LABEL = re.compile(r"\[[^\[\]]*$")
_FOOTNOTE = re.compile(r"\[\^[^\s\[\]^]{1,40}\]")
_HALF_FOOTNOTE = re.compile(r"\[\^[^\s\[\]^]{0,40}$")
_AUTOLINK = re.compile(r"<[A-Za-z][A-Za-z0-9+.-]{1,31}:[^\s<>]*>")
_HALF_AUTOLINK = re.compile(r"<(?:https?://|mailto:)[^\s<>]+$", re.IGNORECASE)
_HALF_SCHEME = re.compile(
    r"<(?:h(?:t(?:t(?:p(?:s?(?::/?/?)?)?)?)?)?|m(?:a(?:i(?:l(?:t(?:o:?)?)?)?)?)?)?$"
)
_HALF_ENTITY = re.compile(r"&(?:#[xX]?[0-9a-fA-F]{0,7}|[A-Za-z][A-Za-z0-9]{0,31})?$")
_TICKS = re.compile("`+")
_DEEPEST = 32  # open markers that are remembered; hostile text could pile up thousands
_LONGEST_GUESS = 300  # characters after a bracket or dollar up to which its end is expected


def amended_inline(text: str) -> str:
    """Return inline Markdown `text` with what is open closed and what is half-written held back.

    >>> amended_inline("see **the [docs](https://exam")
    'see **the [docs](<>)**'
    """
    return _InlineEnd(text).amended()


class _InlineEnd:
    """One pass over inline text that remembers what is open."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.stack: list[_Open] = []
        self.stop = len(text)
        """Where the shown part of the text ends."""
        self.code = ""
        """What is shown as code after it, or closes the code that it ends in."""

    def amended(self) -> str:
        position = 0
        while match := _SPECIAL.search(self.text, position, self.stop):
            is_url = len(match[0]) > 1  # which may hold any marker
            position = match.end() if is_url else self._step(match[0], match.start())
        stop = self.stop
        if not self.code:
            stop = len(self.text[:stop].rstrip())
            while self.stack and self.stack[-1].end >= stop:
                stop = min(stop, self.stack.pop().start)  # nothing in it yet
                stop = len(self.text[:stop].rstrip())
        closing = [self._closing(opened) for opened in reversed(self.stack)]
        return self.text[:stop] + self.code + "".join(closing)

    def _step(self, character: str, at: int) -> int:
        """Take the special `character`; return where to go on."""
        if character == "\\":
            return self._backslash(at)
        if character == "`":
            return self._backticks(at)
        if character == "$":
            return self._dollar(at)
        if character == "[":
            return self._bracket(at)
        if character == "]":
            return self._bracket_end(at)
        if character == "<":
            return self._angle(at)
        if character == "&":
            return self._hold(at) if _HALF_ENTITY.match(self.text, at) else at + 1
        if character == "!":
            alone = not self.text[at + 1 :] and not self.text[at - 1 : at].strip()
            return self._hold(at) if alone else at + 1  # an image's first character
        return self._emphasis(character, at)

    def _hold(self, at: int) -> int:
        """Show nothing from `at` on."""
        self.stop = at
        return at

    def _as_code(self, at: int, content: str) -> int:
        """Show `content` as code in place of the text from `at` on."""
        if content.strip():
            ticks = "`" * (max(map(len, re.findall("`+", content)), default=0) + 1)
            self.code = f"{ticks} {content.strip()} {ticks}"
        return self._hold(at)

    def _backslash(self, at: int) -> int:
        following = self.text[at + 1 : at + 2]
        if following and following in "([":
            end = self.text.find("\\)" if following == "(" else "\\]", at + 2)
            if end < 0:
                return self._as_code(at, self.text[at + 2 :].removesuffix("\\"))
            return end + 2
        return at + 2 if following else self._hold(at)

    def _backticks(self, at: int) -> int:
        start = _run_end(self.text, at)
        ticks = self.text[at:start]
        for closer in _TICKS.finditer(self.text, start):
            if closer[0] == ticks:
                return closer.end()
        content = self.text[start:].rstrip()
        half = len(content) - len(content.rstrip("`"))
        if half < len(ticks):
            content = content[: len(content) - half]
        if not content.strip():
            return self._hold(at)
        self.stop = start + len(content)
        self.code = f" {ticks}" if content.endswith("`") else ticks
        return self.stop

    def _dollar(self, at: int) -> int:
        text = self.text
        if text.startswith("$$", at):
            end = text.find("$$", at + 2)
            return end + 2 if end > 0 else self._as_code(at, text[at + 2 :].removesuffix("$"))
        if at and text[at - 1].isalnum():
            return at + 1
        if at + 1 == len(text):
            return self._hold(at)
        end = text.find("$", at + 1)
        if end > 0:
            return end + 1
        rest = text[at + 1 :]
        if rest[0].isspace() or rest[0].isdigit() or is_price(rest) or len(rest) > _LONGEST_GUESS:
            return at + 1
        return self._as_code(at, rest)

    def _bracket(self, at: int) -> int:
        if footnote := _FOOTNOTE.match(self.text, at):
            return footnote.end()
        if _HALF_FOOTNOTE.match(self.text, at):
            return self._hold(at)
        image = at > 0 and self.text[at - 1] == "!"
        self._push(_Open("![" if image else "[", at - image, at + 1))
        return at + 1

    def _bracket_end(self, at: int) -> int:
        depth = self._innermost("[", "![")
        if depth < 0:
            return at + 1
        opened = self.stack[depth]
        following = self.text[at + 1 : at + 2]
        if following == "(":
            whole, half = _TARGET.match(self.text, at + 1), _HALF_TARGET.match(self.text, at + 1)
        else:
            whole, half = _LABEL.match(self.text, at + 1), _HALF_LABEL.match(self.text, at + 1)
        if whole is None:
            if half or (not following and self._closing(opened)):
                return self._hold(at)
            del self.stack[depth]
            return at + 1
        del self.stack[depth:]
        if opened.marker == "[":  # links hold no links
            self.stack = [other for other in self.stack if other.marker != "["]
        return whole.end()

    def _angle(self, at: int) -> int:
        if autolink := _AUTOLINK.match(self.text, at):
            return autolink.end()
        if _HALF_AUTOLINK.match(self.text, at):
            self.code = ">"
            return self.stop
        return self._hold(at) if _HALF_SCHEME.match(self.text, at) else at + 1

    def _emphasis(self, character: str, at: int) -> int:
        end = _run_end(self.text, at)
        before, after = self.text[at - 1 : at], self.text[end : end + 1]
        opens, closes = _flanking(character, before, after)
        depth = self._innermost(character)
        length = end - at
        if not after and (depth < 0 or len(self.stack[depth].marker) != length):
            return self._hold(at)
        while closes and length and depth >= 0 and self.stack[depth].marker[0] == character:
            opened = self.stack[depth]
            used = min(length, len(opened.marker))
            length -= used
            del self.stack[depth:]
            if used < len(opened.marker):
                rest = opened.marker[used:]
                self.stack.append(opened._replace(marker=rest, end=opened.start + len(rest)))
            depth = len(self.stack) - 1
        if length and opens and not before.isalnum() and (character != "~" or length > 1):
            self._push(_Open(character * length, end - length, end))
        return end

    def _push(self, opened: _Open) -> None:
        if len(self.stack) < _DEEPEST:
            self.stack.append(opened)

    def _innermost(self, *markers: str) -> int:
        """Return the index of the last open marker that begins with one of `markers`, or -1."""
        for depth in reversed(range(len(self.stack))):
            if self.stack[depth].marker.startswith(markers):
                return depth
        return -1

    def _closing(self, opened: _Open) -> str:
        """Return the end that is expected for `opened`, or nothing."""
        if "[" not in opened.marker:
            return opened.marker
        inside = self.text[opened.end : self.stop]
        likely = inside[:1].strip() and not inside[0].isdigit() and "\n" not in inside
        if len(inside) > _LONGEST_GUESS or not (likely or opened.marker == "!["):
            return ""
        return "](<>)"


def _run_end(text: str, at: int) -> int:
    """Return where the run of the character at `at` ends."""
    end = at + 1
    while text[end : end + 1] == text[at]:
        end += 1
    return end


def _flanking(character: str, before: str, after: str) -> tuple[bool, bool]:
    """Return whether a run of `character` can open and can close emphasis, by CommonMark 6.2."""
    space_before, space_after = not before.strip(), not after.strip()
    mark_before = not space_before and not before.isalnum()
    mark_after = not space_after and not after.isalnum()
    left = not space_after and (not mark_after or space_before or mark_before)
    right = not space_before and (not mark_before or space_after or mark_after)
    if character != "_":
        return left, right
    return left and (not right or mark_before), right and (not left or mark_after)
